"""Partitions whose broker takes nothing hold up no others, though they could fill all memory many times (I5, I6)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.clients import create_topic
from tests.support.mirroring import MIB, mirroring
from tests.support.producing import Sent, numbered, produce

STUCK = 16
MEMORY = 32 * MIB


@pytest.mark.timeout(300)
async def test_leaders_without_enough_replicas(
    source: LocalCluster, destination: LocalCluster, unique: Callable[[str], str], topic: str
) -> None:
    """Sixteen partitions of 4 MB, each refused with 19 and tried again, beside one that is fine, in 32 MiB."""
    stuck = unique("stuck")
    create_topic(source, stuck, STUCK)
    create_topic(source, topic)
    records = [Sent(os.urandom(10_000), partition=n % STUCK) for n in range(STUCK * 400)]
    await asyncio.to_thread(produce, source, stuck, records)
    async with mirroring(source, destination, memory_bytes=MEMORY, partition_bytes=16 * MIB) as link:
        await link.create(stuck, min_insync_replicas="2")
        refused: set[int] = set()
        async with asyncio.timeout(60):
            while len(refused) < STUCK:
                refused |= {s.piece.partition for s in link.statuses(stuck) if s.waits_for}
                await asyncio.sleep(0.01)
        await link.create(topic)
        for start in range(0, 5000, 500):
            await asyncio.to_thread(produce, source, topic, numbered(500, start))
            await link.wait_for_ends(topic, 60)
        assert all(status.log_end_offset == 0 for status in link.statuses(stuck))
        assert link.engine.budget.most_used <= MEMORY + 6 * MIB  # and at most one response more
        await link.own.alter_topic_configs(stuck, {"min.insync.replicas": "1"})
        await link.wait_for_ends(stuck, 120)
        await link.compare(stuck)
        await link.compare(topic)
