"""Batches of every size and codec: large ones pass through closed, tiny ones are put together (TERM-7, I5)."""

from __future__ import annotations

import asyncio
import logging
import random
import time

import pytest

from pipeline.local.cluster import LocalCluster
from pipeline.mirror.plan import Policy
from pipeline.wire.batch import HEADER_SIZE, scan
from tests.broker.wire.wire_client import connected
from tests.support.batches import batches_of, produce_batches, single
from tests.support.clients import create_topic
from tests.support.mirroring import MIB, SCALE, Mirroring, mirroring
from tests.support.producing import Sent, numbered, produce

log = logging.getLogger(__name__)
LARGE = {"max_message_bytes": str(20 * MIB)}
LARGE_PRODUCER = {"message.max.bytes": 20 * MIB, "queue.buffering.max.kbytes": 200 * 1024}


@pytest.mark.timeout(300)
async def test_records_of_10_mb_in_little_memory(source: LocalCluster, destination: LocalCluster, topic: str) -> None:
    """A record larger than a fetch's limit still comes whole; what is held stays near the setting (I5)."""
    create_topic(source, topic, 2, **LARGE)
    dice = random.Random(1)
    large = [Sent(dice.randbytes(10 * MIB), b"%d" % n, partition=n % 2) for n in range(6)]
    middle = [Sent(dice.randbytes(MIB), b"%d" % n, partition=n % 2) for n in range(30)]
    produce(source, topic, large, batch=1, **LARGE_PRODUCER)
    produce(source, topic, middle, batch=5, **LARGE_PRODUCER, **{"batch.size": 5 * MIB, "linger.ms": 200})
    limit = 32 * MIB
    async with mirroring(source, destination, memory_bytes=limit, partition_bytes=8 * MIB) as link:
        await link.create(topic)
        took = await link.wait_for_ends(topic, 120)
        log.info(
            "90 MB of 10 MB and 5 MB batches in %.1f s, at most %d MiB held", took, link.engine.budget.most_used >> 20
        )
        assert link.engine.budget.most_used <= limit + 10 * MIB  # one batch more than was asked for, not two (LINK-60)
        assert (await link.compare(topic)).records == 36
        assert len(await batches_of(source, topic)) == len(await batches_of(destination, topic))
        assert link.engine.budget.used <= limit


@pytest.mark.timeout(300)
async def test_batches_of_one_record_are_put_together(link: Mirroring, topic: str) -> None:
    """Producers that do not linger: 100,000 batches become a few hundred, the records are the same."""
    partitions, count = 20, 100_000 * SCALE
    create_topic(link.source, topic, partitions)
    await produce_batches(link.source, topic, [[single(n) for n in range(count // partitions)]] * partitions)
    await link.create(topic)
    took = await link.wait_for_ends(topic, 120)
    report = await link.compare(topic)
    assert report.records == count
    batches = sum([len(await batches_of(link.destination, topic, partition)) for partition in range(partitions)])
    log.info(
        "coalescing: %d one-record batches in %.1f s, %d records/s, %d batches", count, took, count / took, batches
    )
    assert len(await batches_of(link.source, topic)) == count / partitions
    assert batches < count / 100


@pytest.mark.timeout(300)
async def test_every_codec_at_several_levels_keeps_its_bytes(link: Mirroring, topic: str) -> None:
    """What passes through closed is not recompressed: the bytes behind the header are the source's (TERM-7)."""
    levels = {"none": (-1,), "gzip": (1, 6, 9), "snappy": (-1,), "lz4": (0, 12), "zstd": (1, 12)}
    create_topic(link.source, topic)
    dice = random.Random(2)
    for codec, wanted in levels.items():
        for level in wanted:
            conf = {"compression.level": level, "batch.size": MIB}
            records = [Sent(dice.randbytes(60) + bytes(40), b"%d" % n) for n in range(2000)]
            produce(link.source, topic, records, codec=codec, **conf)
    await link.create(topic)
    await link.wait_for_ends(topic)
    await link.compare(topic)
    sides = []
    for cluster in (link.source, link.destination):
        async with connected(cluster) as client:
            fetched = await client.fetch(topic, isolation=0)
        large = [h for h in scan(fetched.records) if h.size >= Policy().small_batch_bytes]
        views = [fetched.records[h.position + HEADER_SIZE : h.position + h.size] for h in large]
        sides.append({h.base_offset: (h.codec, bytes(view)) for h, view in zip(large, views, strict=True)})
    assert {offset: sides[1].get(offset) for offset in sides[0]} == sides[0]
    assert {codec for codec, _ in sides[0].values()} == {0, 1, 2, 3, 4}


@pytest.mark.timeout(300)
async def test_raw_path_for_comparison(link: Mirroring, topic: str) -> None:
    """Large batches while more arrive: nothing is opened. The figure to compare the other paths with."""
    create_topic(link.source, topic, 2)
    count = 200_000 * SCALE
    records = [record for partition in range(2) for record in numbered(count // 2, size=100, partition=partition)]
    produce(link.source, topic, records, codec="lz4", batch=5000, **{"batch.size": MIB})
    await link.create(topic)
    began = time.monotonic()
    await link.wait_for_ends(topic, 120)
    log.info("raw path: %d records/s", count / (time.monotonic() - began))
    await asyncio.to_thread(produce, link.source, topic, numbered(500), batch=1)
    await link.wait_for_ends(topic)
    assert (await link.compare(topic)).records == count + 500
