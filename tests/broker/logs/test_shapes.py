"""Topics of unusual shape: none of it may matter, since nothing depends on the layout of segments (MIRROR-1)."""

from __future__ import annotations

import asyncio
import time

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.batches import produce_batches, single
from tests.support.clients import create_topic, delete_topic, log_ends
from tests.support.mirroring import Mirroring, mirroring
from tests.support.producing import Sent, TransactionalProducer, numbered, produce

SEGMENTS = 1000


@pytest.mark.timeout(300)
async def test_an_empty_topic(link: Mirroring, topic: str) -> None:
    create_topic(link.source, topic, 3)
    await link.create(topic)
    await link.wait_for_starts(topic)
    assert (await link.compare(topic)).records == 0
    produce(link.source, topic, [Sent(b"first", None, partition=2)])
    await link.wait_for_ends(topic)
    assert (await link.compare(topic)).records == 1


@pytest.mark.timeout(300)
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


@pytest.mark.timeout(300)
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


@pytest.mark.timeout(300)
@pytest.mark.parametrize("way", ["by size", "by time"])
async def test_a_thousand_segments(
    source: LocalCluster, old_source: LocalCluster, destination: LocalCluster, topic: str, way: str
) -> None:
    """A segment for every few records; a fetch ends with the segment it began in.

    Kafka 3.9 takes segments of 1 KB, which the mirror on 4.3 cannot have; 4.3 closes a segment after a millisecond of
    its records' times, and so does the mirror then.
    """
    cluster, configs = {
        "by size": (old_source, {"segment_bytes": "1000", "segment_index_bytes": "1000"}),
        "by time": (source, {"segment_ms": "1", "segment_index_bytes": "1000"}),
    }[way]
    create_topic(cluster, topic, retention_ms="-1", **configs)
    began = int(time.time() * 1000) - 10 * SEGMENTS
    batches = [single(n, size=900, time_ms=began + 10 * n) for n in range(SEGMENTS)]
    await produce_batches(cluster, topic, [batches], in_flight=1)
    produce(cluster, topic, numbered(50, SEGMENTS), batch=10)
    assert len(list(cluster.data_folder(1).glob(f"{topic}-0/*.log"))) >= SEGMENTS
    async with mirroring(cluster, destination) as link:
        await link.create(topic)
        await link.wait_for_ends(topic, 120)
        assert (await link.compare(topic)).records == SEGMENTS + 50
        assert link.engine.budget.most_used <= link.engine.budget.limit
    delete_topic(cluster, topic)
