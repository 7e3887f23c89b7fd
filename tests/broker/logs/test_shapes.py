"""Topics of unusual shape: none of it may matter, since nothing depends on the layout of segments (MIRROR-1)."""

from __future__ import annotations

import asyncio

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.batches import produce_batches, single
from tests.support.clients import create_topic, log_ends
from tests.support.mirroring import SCALE, Mirroring, mirroring
from tests.support.producing import Sent, TransactionalProducer, numbered, produce


@pytest.mark.timeout(120)
async def test_an_empty_topic(link: Mirroring, topic: str) -> None:
    create_topic(link.source, topic, 3)
    await link.create(topic)
    await link.wait_for_starts(topic)
    assert (await link.compare(topic)).records == 0
    produce(link.source, topic, [Sent(b"first", None, partition=2)])
    await link.wait_for_ends(topic)
    assert (await link.compare(topic)).records == 1


@pytest.mark.timeout(120)
async def test_a_topic_whose_records_are_all_deleted(link: Mirroring, topic: str) -> None:
    create_topic(link.source, topic)
    produce(link.source, topic, numbered(1000))
    await link.remote.delete_records({(topic, 0): 1000})
    await link.create(topic)
    await link.wait_for_starts(topic)
    assert await asyncio.to_thread(log_ends, link.destination, topic) == [1000]
    produce(link.source, topic, numbered(3))
    await link.wait_for_ends(topic)
    assert (await link.compare(topic)).records == 3


@pytest.mark.timeout(240)
async def test_200_partitions(link: Mirroring, topic: str) -> None:
    partitions = 200
    create_topic(link.source, topic, partitions)
    await produce_batches(link.source, topic, [[single(p * 100 + n) for n in range(p % 7)] for p in range(partitions)])
    producer = TransactionalProducer(link.source, topic)
    producer.aborted([Sent(b"x", b"k", partition=p) for p in range(0, partitions, 10)])
    await link.create(topic)
    await link.wait_for_ends(topic, 120)
    producer.committed([Sent(b"y", b"k", partition=p) for p in range(partitions)])
    await link.wait_for_ends(topic, 120)
    report = await link.compare(topic)
    assert report.records == sum(p % 7 for p in range(partitions)) + partitions


@pytest.mark.timeout(240)
async def test_many_segments(source: LocalCluster, destination: LocalCluster, topic: str) -> None:
    """A segment for every few records at the source; fetches end at the segments' borders."""
    segments = 100 * SCALE
    create_topic(source, topic, segment_bytes=str(1 << 20), retention_ms="-1")
    produce(source, topic, numbered(segments * 11, size=100_000), batch=11, **{"batch.size": 1_000_000})
    async with mirroring(source, destination) as link:
        await link.create(topic)
        await link.wait_for_ends(topic, 120)
        assert (await link.compare(topic)).records == segments * 11
        assert link.engine.budget.most_used <= link.engine.budget.limit
