"""Every error code of a source's Fetch, and of its ListOffsets, answered once by a broker made of scripts: the copier
goes on and the mirror has each record once, or it fails with the code of the table (I4).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pipeline.cluster.data import DataClient
from pipeline.cluster.security import ClientSecurity
from pipeline.link.states import MirrorError
from pipeline.mirror import copying, source_trouble
from pipeline.mirror.appending import Appender
from pipeline.mirror.copying import Copier
from pipeline.mirror.destination import Destination
from pipeline.mirror.fetching import FetchSettings
from pipeline.mirror.link_copying import LinkCopying, LinkTuning
from pipeline.mirror.memory import MemoryBudget
from pipeline.mirror.pieces import Piece, PieceStatus
from pipeline.mirror.plan import Policy
from pipeline.mirror.verdicts import Api, judge
from pipeline.wire.batch import Stamp, place
from pipeline.wire.records import Record, close_batch
from tests.support.appenders import SharedRegistrar
from tests.support.mirroring import DirectSink
from tests.unit.mirror.scripted import CODES, UNKNOWN_CODE, ScriptedLeader, ScriptedSource

OUT_OF_RANGE = 1
PASSING = [code for code in CODES if code and judge(Api.FETCH, code, remote=True).failure is None]
FAILING = [code for code in CODES if judge(Api.FETCH, code, remote=True).failure is not None]
TUNING = LinkTuning(FetchSettings(max_wait_ms=1, backoff_ms=1), retry_timeout_s=5.0)
LOG = [
    bytes(place(bytearray(close_batch([Record(n, 1, b"key", b"%d" % n, ())], 0, Stamp(-1, -1, -1))), n, 0))
    for n in range(4)
]


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_trouble, "PAUSE_S", 0.0)
    monkeypatch.setattr(source_trouble, "DENIED_PAUSE_S", 0.0)
    monkeypatch.setattr(copying, "LONGEST_PAUSE_S", 0.01)


@pytest.fixture
async def source() -> AsyncIterator[ScriptedSource]:
    async with ScriptedSource(LOG) as scripted:
        yield scripted


@asynccontextmanager
async def copied(source: ScriptedSource) -> AsyncIterator[tuple[ScriptedLeader, PieceStatus]]:
    """A copier of the only partition, at work."""
    async with ScriptedLeader() as leader:
        client, remote = (
            DataClient(ClientSecurity((each.address,), retry_backoff_ms=1, reconnect_backoff_ms=1))
            for each in (leader, source)
        )
        await client.start()
        await remote.start()
        destination = Destination(client, 1 << 20, _may_mark, "tests")
        link = LinkCopying("link", remote, MemoryBudget(1 << 20), DirectSink(), TUNING)
        await link.start()
        piece = Piece("link", "m", "m", 0, "", "", 0)
        status = PieceStatus(piece, "worker")
        copier = Copier(
            piece,
            Appender(piece, destination, SharedRegistrar(), status),
            link,
            status,
            policy=Policy,
            may_hold=lambda: 1 << 20,
            retry_timeout_s=lambda: TUNING.retry_timeout_s,
        )
        link.add(copier)
        task = asyncio.create_task(copier.run())
        try:
            yield leader, status
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await link.stop()
            await destination.close()
            await client.close()


async def _may_mark() -> bool:
    return True


async def end_of(leader: ScriptedLeader, status: PieceStatus) -> MirrorError:
    """How it ends: all of the log is mirrored, or the copier has failed."""
    async with asyncio.timeout(60):
        while leader.log_end < len(LOG) and not status.error_message:
            await asyncio.sleep(0.001)
    return status.error


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


async def test_codes_of_the_sources_ends(source: ScriptedSource) -> None:
    """Asked for after an offset out of range."""
    codes = [code for code in CODES if code and judge(Api.LIST_OFFSETS, code, remote=True).failure is None]
    source.first, source.first_ends = [OUT_OF_RANGE] * len(codes), list(codes)
    async with copied(source) as (leader, status):
        assert await end_of(leader, status) is MirrorError.NO_ERROR
        assert leader.log_end == len(LOG)
    source.first, source.first_ends = [OUT_OF_RANGE], [UNKNOWN_CODE]
    async with copied(source) as (leader, status):
        assert await end_of(leader, status) is MirrorError.UNKNOWN
        assert f"unknown error code {UNKNOWN_CODE} from LIST_OFFSETS" in status.error_message
