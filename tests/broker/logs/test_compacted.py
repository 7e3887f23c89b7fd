"""Compacted topics: holes of every kind, the cleaner at work, and the same table on both sides (MIRROR-13)."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import time

import pytest

from pipeline.local.cluster import LocalCluster
from pipeline.wire.filler import filler_batch
from tests.support.batches import NOBODY, batches_of, produce_batches
from tests.support.clients import create_topic
from tests.support.consuming import consume
from tests.support.mirroring import SCALE, Mirroring, mirroring
from tests.support.producing import Sent, TransactionalProducer, numbered, produce

log = logging.getLogger(__name__)
EAGER = {
    "cleanup_policy": "compact",
    "min_cleanable_dirty_ratio": "0.01",
    "segment_ms": "500",
    "segment_bytes": str(1 << 20),
    "delete_retention_ms": "100",
    "max_compaction_lag_ms": "1000",
}
"""The cleaner takes such a topic up as soon as a segment is closed; tombstones and markers go soon after."""


def table(cluster: LocalCluster, topic: str, partition: int = 0) -> dict[bytes | None, bytes]:
    """What an application that reads the topic to its end knows: the latest value of each key."""
    latest = {record.key: record.value for record in consume(cluster, topic, partition)}
    return {key: value for key, value in latest.items() if value is not None}


async def wait_until_cleaned(cluster: LocalCluster, topic: str, records: int, within_s: float = 90) -> int:
    """Wait until the cleaner has left at most so many records of partition 0; returns how many.

    A segment is closed when something is appended after `segment.ms`, so one more record is needed now and then.
    """
    deadline = time.monotonic() + within_s
    while True:
        left = sum(header.count for header in await batches_of(cluster, topic) if not header.is_control)
        if left <= records:
            return left
        assert time.monotonic() < deadline, f"{left} records are left in {topic}"
        await asyncio.sleep(0.5)
        await asyncio.to_thread(produce, cluster, topic, [Sent(b"tick", b"tick")])


def updates(count: int, keys: int, seed: int, size: int = 50) -> list[Sent]:
    """Values of a few keys, some of them tombstones, written again and again."""
    dice = random.Random(seed)
    return [
        Sent(None if dice.random() < 0.1 else dice.randbytes(size), b"key-%d" % dice.randrange(keys))
        for _ in range(count)
    ]


@pytest.mark.timeout(300)
async def test_holes_inside_and_between_batches_and_at_the_head(link: Mirroring, topic: str) -> None:
    create_topic(link.source, topic, **EAGER)
    produce(link.source, topic, [Sent(b"only at the head", b"head")] * 500)
    for seed in range(4):
        produce(link.source, topic, updates(3000, 300, seed), codec=("none", "lz4", "zstd", "gzip")[seed], batch=200)
    left = await wait_until_cleaned(link.source, topic, 3000)
    batches = await batches_of(link.source, topic)
    assert batches[0].base_offset > 0 or batches[0].count < batches[0].last_offset_delta + 1  # a hole at the head
    assert any(not header.is_dense for header in batches)
    assert any(b.base_offset > a.next_offset for a, b in itertools.pairwise(batches))
    await link.create(topic, min_cleanable_dirty_ratio="0.9")
    took = await link.wait_for_ends(topic, 120)
    log.info("%d records left of %d offsets, copied in %.1f s", left, batches[-1].next_offset, took)
    await link.compare(topic)
    assert table(link.destination, topic) == table(link.source, topic)
    await wait_until_cleaned(link.source, topic, 3000)
    await link.wait_for_ends(topic)
    await link.compare(topic)


@pytest.mark.timeout(300)
async def test_a_hole_in_every_batch(link: Mirroring, topic: str) -> None:
    """Every batch has to be opened and written anew: the figure of the slowest way for data."""
    count = 100_000 * SCALE
    create_topic(link.source, topic, **EAGER)
    records = [Sent(b"%080d" % n, b"often" if n % 4 == 0 else b"%d" % n) for n in range(count)]
    produce(link.source, topic, records, codec="lz4")
    left = await wait_until_cleaned(link.source, topic, count * 4 // 5)
    await link.create(topic)
    took = await link.wait_for_ends(topic, 120)
    log.info("compacted path: %d records/s, %d offsets/s (%d in %.1f s)", left / took, count / took, left, took)
    await link.compare(topic)
    assert table(link.destination, topic) == table(link.source, topic)


@pytest.mark.timeout(300)
async def test_a_hole_of_a_million_offsets(link: Mirroring, topic: str) -> None:
    """One key written a million times, then cleaned: the hole is closed with copies that compaction takes away."""
    create_topic(link.source, topic, **EAGER)
    produce(link.source, topic, updates(200, 50, 1, size=200))
    size = 100_000
    block = filler_batch(size, NOBODY, b"filled", int(time.time() * 1000), value=b"x" * 20)
    await produce_batches(link.source, topic, [[block] * (10 * SCALE)])
    produce(link.source, topic, updates(200, 50, 2, size=200))
    await wait_until_cleaned(link.source, topic, 1000)
    end = (await batches_of(link.source, topic))[-1].next_offset
    await link.create(topic)
    took = await link.wait_for_ends(topic, 200)
    log.info("hole filling: %d offsets/s (%d in %.1f s)", end / took, end, took)
    await link.compare(topic)
    assert table(link.destination, topic) == table(link.source, topic)
    assert link.engine.budget.most_used <= link.engine.budget.limit


@pytest.mark.timeout(300)
async def test_a_hole_before_a_large_record(link: Mirroring, topic: str) -> None:
    """Copies of a record of 900 KB: as many bytes as it takes, but never many of them in memory or in one batch."""
    create_topic(link.source, topic, **EAGER)
    large = random.Random(3).randbytes(900_000)
    produce(link.source, topic, [Sent(b"first", b"first"), *([Sent(b"x", b"often")] * 40)])
    await asyncio.sleep(0.6)
    produce(link.source, topic, [Sent(large, b"large"), Sent(b"last", b"often")])
    await wait_until_cleaned(link.source, topic, 8)
    await link.create(topic)
    await link.wait_for_ends(topic, 120)
    await link.compare(topic)
    assert table(link.destination, topic) == table(link.source, topic)


@pytest.mark.timeout(300)
async def test_the_cleaner_works_while_it_is_copied(link: Mirroring, topic: str) -> None:
    """The source is written and cleaned all the time; the mirror starts, is taken over, and goes on."""
    create_topic(link.source, topic, **EAGER)
    produce(link.source, topic, updates(2000, 100, 1))
    await link.create(topic)
    for turn in range(6):
        await asyncio.to_thread(
            produce, link.source, topic, updates(1500, 100, turn + 10), batch=(1, 50, 500)[turn % 3]
        )
        if turn % 2:
            await link.restart()
        await asyncio.sleep(0.6)
    await link.wait_for_ends(topic, 120)
    await wait_until_cleaned(link.source, topic, 1500)
    await link.wait_for_ends(topic)
    await link.compare(topic)
    assert table(link.destination, topic) == table(link.source, topic)


@pytest.mark.timeout(300)
async def test_transactional_and_compacted(link: Mirroring, topic: str) -> None:
    """Aborted data and markers are holes too once the cleaner has been there, and gaps before."""
    create_topic(link.source, topic, **EAGER)
    producer = TransactionalProducer(link.source, topic)

    def transactions(seed: int) -> None:
        for n in range(8):
            producer.aborted([Sent(b"never seen", b"key-%d" % k) for k in range(20)])
            producer.committed(updates(40, 30, seed * 100 + n))

    transactions(1)
    await wait_until_cleaned(link.source, topic, 250)
    await asyncio.to_thread(transactions, 2)
    await link.create(topic)
    await asyncio.to_thread(transactions, 3)
    await link.wait_for_ends(topic, 120)
    await link.compare(topic)
    seen = table(link.destination, topic)
    assert seen == table(link.source, topic)
    assert b"never seen" not in seen.values()
    assert not any(
        record.value == b"never seen" for record in consume(link.destination, topic, isolation="read_uncommitted")
    )


@pytest.mark.timeout(300)
async def test_nothing_but_aborted_data(link: Mirroring, topic: str) -> None:
    """No record to copy anywhere: tombstones of the aborted keys, and the mirror is not behind for ever."""
    create_topic(link.source, topic, cleanup_policy="compact")
    producer = TransactionalProducer(link.source, topic)
    producer.aborted([Sent(b"never seen", b"key-%d" % n) for n in range(20)])
    await link.create(topic)
    await link.wait_for_ends(topic)
    assert (await link.compare(topic)).records == 0
    assert {r.value for r in consume(link.destination, topic, isolation="read_uncommitted")} == {None}
    await link.restart()
    await asyncio.to_thread(producer.aborted, numbered(10))
    await link.wait_for_ends(topic)
    await asyncio.to_thread(producer.committed, [Sent(b"seen", b"key-%d" % n) for n in range(5)])
    await link.wait_for_ends(topic)
    assert (await link.compare(topic)).records == 5
    assert table(link.destination, topic) == table(link.source, topic) == {b"key-%d" % n: b"seen" for n in range(5)}


@pytest.mark.timeout(300)
async def test_a_gap_that_a_new_worker_finds_at_the_end(link: Mirroring, topic: str) -> None:
    """It knows no record of the source: the mirror's own last one is copied."""
    create_topic(link.source, topic, cleanup_policy="compact")
    produce(link.source, topic, numbered(10), codec="zstd")
    producer = TransactionalProducer(link.source, topic)
    await link.create(topic)
    await link.wait_for_ends(topic)
    for _ in range(2):
        await link.restart()
        await asyncio.to_thread(producer.aborted, [Sent(b"never seen", b"9")] * 7)
        await link.wait_for_ends(topic)
        assert (await link.compare(topic)).records == 10
        assert table(link.destination, topic) == table(link.source, topic)


@pytest.mark.timeout(300)
async def test_nothing_is_left_up_to_the_last_stable_offset(destination: LocalCluster, topic: str) -> None:
    """What comes next was all cleaned away, up to an open transaction: no fetch brings anything, and it is passed over.

    A cleaner needs a day of tombstones for that, so the batches are taken out of the broker's file.
    """
    with LocalCluster() as cleaned:
        create_topic(cleaned, topic, cleanup_policy="compact")
        produce(cleaned, topic, numbered(10))
        kept = sum(header.size for header in await batches_of(cleaned, topic))
        produce(cleaned, topic, numbered(40, 10))
        gone = sum(header.size for header in await batches_of(cleaned, topic)) - kept
        begun = TransactionalProducer(cleaned, topic, **{"transaction.timeout.ms": 300_000}).begin()
        begun.send(numbered(5, 50))
        await asyncio.to_thread(cleaned.stop_broker, 1)
        folder = cleaned.data_folder(1) / f"{topic}-0"
        (segment,) = folder.glob("*.log")
        content = segment.read_bytes()
        segment.write_bytes(content[:kept] + content[kept + gone :])
        for index in folder.glob("*index"):  # the broker makes them again
            index.unlink()
        await asyncio.to_thread(cleaned.start_broker, 1)
        async with mirroring(cleaned, destination) as link:
            await link.create(topic)
            await link.wait_for_ends(topic)
            (status,) = link.statuses(topic)
            assert (status.log_end_offset, status.last_stable_offset) == (50, 50)
            await asyncio.to_thread(begun.abort)
            await link.wait_for_ends(topic)
            assert (await link.compare(topic)).records == 10
            assert table(destination, topic) == table(cleaned, topic)


@pytest.mark.timeout(300)
async def test_tombstones_at_the_end(link: Mirroring, topic: str) -> None:
    create_topic(link.source, topic, **EAGER)
    produce(link.source, topic, [*numbered(50), *[Sent(None, b"%d" % n) for n in range(40)]])
    await link.create(topic)
    await link.wait_for_ends(topic)
    await link.compare(topic)
    assert len(table(link.destination, topic)) == 10
