"""What a copier leaves behind where it does not go on: nothing is read for it, and nothing stays held (I5, I6)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from pipeline.link.states import MirrorError
from pipeline.mirror.memory import MemoryBudget
from pipeline.mirror.slices import Slice
from pipeline.mirror.verdicts import Api
from tests.unit.mirror.scripted import UNKNOWN_CODE, ScriptedLeader, ScriptedSource
from tests.unit.mirror.scripted_copying import LOG, copied, end_of

NOT_ENOUGH_REPLICAS = 19


class LateSink:
    """Hands slices over when it is told to."""

    def __init__(self) -> None:
        self.waiting: list[Slice] = []

    async def start(self) -> None: ...

    async def put(self, fetched: Slice) -> None:
        self.waiting.append(fetched)

    async def stop(self) -> None: ...


@pytest.fixture
async def source() -> AsyncIterator[ScriptedSource]:
    async with ScriptedSource(LOG) as scripted:
        yield scripted


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


def tries(leader: ScriptedLeader) -> int:
    return leader.requests.count(Api.PRODUCE.value)


async def test_nothing_is_read_while_the_mirror_cannot_be_written(source: ScriptedSource) -> None:
    """The broker would send the same records again and again, at the expense of the link's other partitions."""
    async with copied(source) as (leader, _):
        leader.first[Api.PRODUCE.value] = [NOT_ENOUGH_REPLICAS] * 1_000
        await until(lambda: tries(leader) >= 6)
        assert len(source.served) <= 6 * len(LOG), "each round reads the log once at most"


async def test_nothing_is_read_for_one_that_has_failed(source: ScriptedSource) -> None:
    budget = MemoryBudget(1 << 20)
    async with copied(source, budget) as (leader, status):
        leader.first[Api.PRODUCE.value] = [UNKNOWN_CODE]
        assert await end_of(leader, status) is MirrorError.UNKNOWN
        await until(lambda: budget.used == 0)
        assert len(source.served) <= len(LOG)


async def test_what_comes_too_late_is_not_held(source: ScriptedSource) -> None:
    budget, sink = MemoryBudget(1 << 20), LateSink()
    async with copied(source, budget, sink):
        await until(lambda: len(sink.waiting) == len(LOG))
    for fetched in sink.waiting:
        fetched.deliver()
    assert budget.used == 0, "it had ended before they came"


async def test_what_never_comes_is_not_held(source: ScriptedSource) -> None:
    """The link's agent ends with slices in its queue."""
    budget, sink = MemoryBudget(1 << 20), LateSink()
    async with copied(source, budget, sink):
        await until(lambda: len(sink.waiting) == len(LOG))
    assert budget.used == 0


async def test_one_that_is_stuck_on_its_way_is_not_held(source: ScriptedSource) -> None:
    class Full(LateSink):
        async def put(self, fetched: Slice) -> None:
            self.waiting.append(fetched)
            await asyncio.Event().wait()

    budget, sink = MemoryBudget(1 << 20), Full()
    async with copied(source, budget, sink):
        await until(lambda: bool(sink.waiting))
    assert budget.used == 0
