"""Slices that are still on their way to the copier when the source has something else to say, and some that never come:
no offset is taken for a gap that nobody has looked at (I1).
"""

from __future__ import annotations

import asyncio

import pytest

from pipeline.link.states import MirrorError
from pipeline.mirror import copying, source_trouble
from pipeline.mirror.slices import Slice
from pipeline.mirror.verdicts import Api
from tests.support.mirroring import DirectSink
from tests.unit.mirror.scripted import ScriptedSource
from tests.unit.mirror.scripted_copying import LOG, copied, end_of

NOT_LEADER = 6
ON_THE_WAY_S = 0.1
VALUES = {offset: b"%d" % offset for offset in range(len(LOG))}


class LateSink(DirectSink):
    """The way through a busy loop: slices come in order, and long after the source's next answer."""

    async def put(self, fetched: Slice) -> None:
        asyncio.get_running_loop().call_later(ON_THE_WAY_S, fetched.deliver)


class LossySink(DirectSink):
    """Loses the second slice."""

    def __init__(self) -> None:
        self._count = 0

    async def put(self, fetched: Slice) -> None:
        self._count += 1
        if self._count != 2:
            fetched.deliver()


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_trouble, "PAUSE_S", 0.0)
    monkeypatch.setattr(copying, "SHORTEST_PAUSE_S", 0.001)


@pytest.mark.parametrize("is_compacted", [False, True])
async def test_the_source_refuses_while_slices_are_on_their_way(is_compacted: bool) -> None:
    """A change of leader: twice, since a hole is believed when it is seen again at the same place."""
    async with ScriptedSource(list(LOG)) as source:
        source.first = [0, 0, NOT_LEADER, 0, 0, NOT_LEADER]
        async with copied(source, sink=LateSink(), is_compacted=is_compacted) as (leader, status):
            assert await end_of(leader, status) is MirrorError.NO_ERROR
            assert leader.values == VALUES
            assert leader.requests.count(Api.WRITE_TXN_MARKERS.value) == 0, "there is no gap"


@pytest.mark.parametrize("is_compacted", [False, True])
async def test_a_slice_that_never_comes(is_compacted: bool) -> None:
    async with (
        ScriptedSource(list(LOG)) as source,
        copied(source, sink=LossySink(), is_compacted=is_compacted) as (leader, status),
    ):
        assert await end_of(leader, status) is MirrorError.NO_ERROR
        assert leader.values == VALUES


async def test_a_slice_that_never_comes_while_the_source_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for ever for what is to be written before the refusal is looked into."""
    monkeypatch.setattr(copying, "LONGEST_SILENCE_S", 0.2)
    async with ScriptedSource(list(LOG)) as source:
        source.first = [0, 0, NOT_LEADER]
        async with copied(source, sink=LossySink()) as (leader, status):
            assert await end_of(leader, status) is MirrorError.NO_ERROR
            assert leader.values == VALUES


async def test_what_is_in_front_of_an_unreadable_batch_is_mirrored() -> None:
    """It was read, and is on its way, when the batch behind it is found (I4)."""
    async with (
        ScriptedSource([*LOG[:3], LOG[3][:16] + b"\x07" + LOG[3][17:]]) as source,
        copied(source, sink=LateSink()) as (leader, status),
    ):
        assert await end_of(leader, status) is MirrorError.UNSUPPORTED_MESSAGE_FORMAT
        assert leader.values == {offset: VALUES[offset] for offset in range(3)}
