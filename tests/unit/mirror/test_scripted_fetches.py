"""Every error code of a source's Fetch, and of its ListOffsets, answered once by a broker made of scripts: the copier
goes on and the mirror has each record once, or it fails with the code of the table (I4).
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from pipeline.link.states import MirrorError
from pipeline.mirror import copying, intake, source_trouble
from pipeline.mirror.verdicts import Api, judge
from tests.unit.mirror.scripted import CODES, UNKNOWN_CODE, ScriptedSource
from tests.unit.mirror.scripted_copying import LOG, copied, end_of

OUT_OF_RANGE = 1
PASSING = [code for code in CODES if code and judge(Api.FETCH, code, remote=True).failure is None]
FAILING = [code for code in CODES if judge(Api.FETCH, code, remote=True).failure is not None]


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_trouble, "PAUSE_S", 0.0)
    monkeypatch.setattr(source_trouble, "DENIED_PAUSE_S", 0.0)
    monkeypatch.setattr(copying, "LONGEST_PAUSE_S", 0.01)


@pytest.fixture
async def source() -> AsyncIterator[ScriptedSource]:
    async with ScriptedSource(LOG) as scripted:
        yield scripted


async def test_codes_that_pass(source: ScriptedSource) -> None:
    source.first = list(PASSING)
    async with copied(source) as (leader, status):
        assert await end_of(leader, status) is MirrorError.NO_ERROR
        assert (source.first, leader.log_end) == ([], len(LOG))


async def test_codes_of_the_whole_answer_that_pass(source: ScriptedSource) -> None:
    source.first_of_all = list(PASSING)
    async with copied(source) as (leader, status):
        assert await end_of(leader, status) is MirrorError.NO_ERROR
        assert (source.first_of_all, leader.log_end) == ([], len(LOG))


async def test_codes_that_do_not_pass(source: ScriptedSource) -> None:
    for code in FAILING:
        source.first = [0, code]
        async with copied(source) as (leader, status):
            assert await end_of(leader, status) is judge(Api.FETCH, code, remote=True).failure, code
            assert leader.log_end == 1, "what came before is mirrored, and nothing after it"


async def test_a_code_of_the_whole_answer_that_nobody_knows(source: ScriptedSource) -> None:
    source.first_of_all = [UNKNOWN_CODE]
    async with copied(source) as (leader, status):
        assert await end_of(leader, status) is MirrorError.UNKNOWN
        assert f"unknown error code {UNKNOWN_CODE} from FETCH" in status.error_message


async def test_a_hole_at_the_end_of_a_log_whose_broker_keeps_no_sessions(
    source: ScriptedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every answer tells of the partition then: that must not put off the question whether anything is left."""
    monkeypatch.setattr(intake, "SILENCE_S", 0.1)
    source.batches = [*LOG[:3], b""]
    async with copied(source, is_compacted=True) as (leader, status):
        assert await end_of(leader, status) is MirrorError.NO_ERROR
        assert leader.values[3] == leader.values[2]


async def test_codes_of_the_sources_ends(source: ScriptedSource) -> None:
    """Asked for after an offset out of range."""
    codes = [code for code in CODES if code and judge(Api.LIST_OFFSETS, code, remote=True).failure is None]
    source.first, source.first_ends = [OUT_OF_RANGE] * len(codes), list(codes)
    async with copied(source) as (leader, status):
        assert await end_of(leader, status) is MirrorError.NO_ERROR
        assert leader.log_end == len(LOG)
    failing = [code for code in CODES if judge(Api.LIST_OFFSETS, code, remote=True).failure is not None]
    assert UNKNOWN_CODE in failing
    for code in failing:
        source.first, source.first_ends = [OUT_OF_RANGE], [code]
        async with copied(source) as (leader, status):
            assert await end_of(leader, status) is judge(Api.LIST_OFFSETS, code, remote=True).failure, code
            assert judge(Api.LIST_OFFSETS, code, remote=True).reason in status.error_message
