"""Partitions whose broker takes nothing hold up no others, though they could fill all memory many times (I5, I6)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import pytest

from pipeline.cluster.errors import Unreachable
from pipeline.local.cluster import LocalCluster
from pipeline.mirror.lane import Append, Lane
from tests.support.clients import create_topic
from tests.support.mirroring import MIB, mirroring
from tests.support.producing import Sent, numbered, produce

STUCK = 16
MEMORY = 32 * MIB


class SilentLane:
    """The way to a broker that takes what it is sent and never answers."""

    def __init__(self) -> None:
        self.taken: list[Append] = []

    def append(self, append: Append) -> None:
        self.taken.append(append)

    def withdraw(self, topic: str, partition: int) -> list[Append]:
        """Nothing waits to be sent."""
        return []

    def break_off(self) -> None:
        """As when the connection is given up."""
        taken, self.taken = self.taken, []
        for append in taken:
            append.done(append, Unreachable("the broker did not answer"))


@pytest.mark.timeout(300)
async def test_a_broker_that_does_not_answer(
    source: LocalCluster,
    destination: LocalCluster,
    unique: Callable[[str], str],
    topic: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Sixteen partitions of 4 MB whose leader is silent, beside one that is fine, in 32 MiB."""
    stuck = unique("stuck")
    create_topic(source, stuck, STUCK)
    create_topic(source, topic)
    records = [Sent(os.urandom(10_000), partition=n % STUCK) for n in range(STUCK * 400)]
    await asyncio.to_thread(produce, source, stuck, records)
    async with mirroring(source, destination, memory_bytes=MEMORY, partition_bytes=16 * MIB) as link:
        silent, find = SilentLane(), link.target.lane

        async def lane(name: str, partition: int, is_calm: bool = False) -> Lane:
            return silent if name == stuck else await find(name, partition, is_calm)  # type: ignore[return-value]

        monkeypatch.setattr(link.target, "lane", lane)
        await link.create(stuck)
        async with asyncio.timeout(60):
            while len({append.partition for append in silent.taken}) < STUCK:
                await asyncio.sleep(0.01)
        await link.create(topic)
        for start in range(0, 5000, 500):
            await asyncio.to_thread(produce, source, topic, numbered(500, start))
            await link.wait_for_ends(topic, 60)
        assert all(status.log_end_offset == 0 for status in link.statuses(stuck))
        assert link.engine.budget.most_used <= MEMORY + 2 * MIB
        monkeypatch.setattr(link.target, "lane", find)
        silent.break_off()
        await link.wait_for_ends(stuck, 120)
        await link.compare(stuck)
        await link.compare(topic)
        assert link.engine.budget.used <= 2 * MIB  # but for the fetch that waits for more
