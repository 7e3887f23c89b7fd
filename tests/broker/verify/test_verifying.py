"""Verification on real brokers: it accepts a true copy, and finds each kind of mistake a copy can have (CLI-55).

The copies here are made by an ordinary producer, so that what is tested is the verification alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from pipeline.local.cluster import LocalCluster
from pipeline.verify import Progress, Report, TopicMissing, Unreachable, verify
from tests.support.clients import create_topic, topic_names
from tests.support.producing import CODECS, Sent, TransactionalProducer, produce

NOW_MS = 1_000 * int(time.time())


def records(count: int, first: int = 0, partition: int = 0) -> list[Sent]:
    """Records with everything that a mirror has to keep, some of it null or empty."""
    return [
        Sent(
            value=None if at % 7 == 0 else b"v%d" % at,
            key=None if at % 5 == 0 else b"" if at % 5 == 1 else b"k%d" % at,
            headers=() if at % 3 == 0 else (("h", b"%d" % at), ("h", None), ("empty", b"")),
            partition=partition,
            timestamp_ms=NOW_MS - 10_000_000 + at,
        )
        for at in range(first, first + count)
    ]


async def run(source: LocalCluster, mirror: LocalCluster, topic: str, **options: object) -> Report:
    return await verify(
        source.client_properties(),
        mirror.client_properties(),
        topic,
        topic,
        patience_s=0.3,
        **options,  # type: ignore[arg-type]
    )


@pytest.fixture
def both(source: LocalCluster, destination: LocalCluster, topic: str) -> tuple[LocalCluster, LocalCluster, str]:
    """A topic of one partition on both clusters, still empty."""
    for cluster in (source, destination):
        create_topic(cluster, topic)
    return source, destination, topic


Both = tuple[LocalCluster, LocalCluster, str]


async def test_equal_topics_in_every_codec(source: LocalCluster, destination: LocalCluster, topic: str):
    for cluster in (source, destination):
        create_topic(cluster, topic, partitions=3)
        for at, codec in enumerate(CODECS):
            produce(cluster, topic, records(50, at * 50, at % 3), codec=codec)
    seen: list[Progress] = []
    report = await run(source, destination, topic, progress=seen.append)
    assert report.difference is None
    assert report.exit_code == 0
    assert report.records == 250
    assert [(each.first, each.end) for each in report.partitions] == [(0, 100), (0, 100), (0, 50)]
    assert (seen[-1].offsets, seen[-1].total_offsets, seen[-1].records) == (250, 250, 250)


async def test_empty_topics_are_equal(both: Both):
    report = await run(*both)
    assert (report.difference, report.records) == (None, 0)


CHANGES: list[tuple[str, Callable[[Sent], Sent]]] = [
    ("value", lambda record: replace(record, value=(record.value or b"")[:-1] + b"?")),
    ("key", lambda record: replace(record, key=None)),
    ("headers", lambda record: replace(record, headers=(("h", b"else"),))),
    ("timestamp", lambda record: replace(record, timestamp_ms=NOW_MS)),
]


@pytest.mark.parametrize(("field", "change"), CHANGES, ids=[field for field, _ in CHANGES])
async def test_a_changed_record_is_named(both: Both, field: str, change: Callable[[Sent], Sent]):
    source, destination, topic = both
    true = records(100)
    produce(source, topic, true)
    produce(destination, topic, [*true[:61], change(true[61]), *true[62:]])
    report = await run(*both)
    assert report.difference is not None
    assert (report.difference.partition, report.difference.offset, report.difference.field) == (0, 61, field)
    assert report.exit_code == 1


async def test_a_shifted_record_is_found(both: Both):
    source, destination, topic = both
    true = records(100)
    produce(source, topic, true)
    produce(destination, topic, [*true[:40], true[39], *true[40:]])
    report = await run(*both)
    assert report.difference is not None
    assert report.difference.offset == 40


async def test_a_missing_tail_is_found(both: Both):
    source, destination, topic = both
    produce(source, topic, records(100))
    produce(destination, topic, records(90))
    difference = (await run(*both)).difference
    assert difference is not None
    assert (difference.field, difference.source, difference.mirror) == ("log end offset", "100", "90")


async def test_a_mirror_that_is_ahead_of_its_source_is_found(both: Both):
    source, destination, topic = both
    produce(source, topic, records(90))
    produce(destination, topic, records(100))
    difference = (await run(*both)).difference
    assert difference is not None
    assert (difference.field, difference.source, difference.mirror) == ("log end offset", "90", "100")


async def test_a_mirror_that_is_behind_is_given_time(both: Both):
    source, destination, topic = both
    produce(source, topic, records(100))
    produce(destination, topic, records(90))
    running = asyncio.create_task(
        verify(source.client_properties(), destination.client_properties(), topic, topic, patience_s=20)
    )
    await asyncio.sleep(0)
    await asyncio.to_thread(produce, destination, topic, records(10, 90))
    report = await running
    assert (report.difference, report.records) == (None, 100)


@pytest.fixture
def transactional(both: Both) -> Iterator[Both]:
    """Source: 0-9 committed, 10 marker, 11-15 aborted, 16 marker, 17-19 plain, 20-22 in a transaction left open."""
    source, _, topic = both
    first, second = (TransactionalProducer(source, topic) for _ in range(2))
    first.committed(records(10))
    first.aborted(records(5, 900))
    produce(source, topic, records(3, 17))
    left_open = second.begin()
    left_open.send(records(3, 800))
    yield both
    left_open.abort()


async def test_aborted_records_on_the_mirror_are_found(transactional: Both):
    """Offsets that nobody sees at the source must be seen by nobody on the mirror, however it isolates (I2)."""
    _, destination, topic = transactional
    writer = TransactionalProducer(destination, topic)
    produce(destination, topic, records(10))
    for _ in range(3):  # a record and its marker each, so that the offsets fit those of the source
        writer.aborted(records(1, 700))
    produce(destination, topic, records(4, 16))
    difference = (await run(*transactional)).difference
    assert difference is not None
    assert (difference.offset, difference.view, difference.mirror) == (10, "read_uncommitted", "has one")


async def test_a_transactional_source_against_a_plain_copy_shifts(transactional: Both):
    """MirrorMaker's kind of copy: records without markers, so that later offsets are lower."""
    _, destination, topic = transactional
    produce(destination, topic, [*records(10), *records(3, 17), *records(7, 900)])
    difference = (await run(*transactional)).difference
    assert difference is not None
    assert (difference.offset, difference.mirror) == (10, "has one")


async def test_the_open_transaction_bounds_what_is_compared(transactional: Both):
    source, _, topic = transactional
    report = await verify(
        source.client_properties(), source.client_properties(), topic, topic, to_offset=10, patience_s=0.3
    )
    assert report.partitions[0].source.stable_end == 10
    report = await verify(source.client_properties(), source.client_properties(), topic, topic, patience_s=0.3)
    assert report.partitions[0].end == 20
    assert report.difference is not None, "seen read_uncommitted, a topic with aborted records is not its own mirror"
    assert (report.difference.offset, report.difference.view) == (11, "read_uncommitted")


async def test_data_of_an_open_transaction_on_the_mirror_is_found(both: Both):
    source, destination, topic = both
    produce(source, topic, records(10))
    left_open = TransactionalProducer(destination, topic).begin()
    left_open.send(records(10))
    difference = (await run(*both)).difference
    left_open.abort()
    assert difference is not None
    assert (difference.field, difference.source, difference.mirror) == ("last stable offset", "10", "0")


async def test_broker_timestamps_are_compared_and_the_type_is_noted(
    source: LocalCluster, destination: LocalCluster, topic: str
):
    create_topic(source, topic, message_timestamp_type="LogAppendTime")
    create_topic(destination, topic)
    produce(source, topic, records(5))
    produce(destination, topic, records(5))
    report = await run(source, destination, topic)
    assert report.difference is not None
    assert report.difference.field == "timestamp"
    assert "LogAppendTime" in report.notes[0]


async def test_a_sample_compares_less_and_both_ends(both: Both):
    source, destination, topic = both
    true = records(40_000)
    produce(source, topic, true, codec="lz4")
    produce(destination, topic, [*true[:-1], replace(true[-1], value=b"wrong")], codec="lz4")
    report = await run(*both, sample=0.2)
    assert report.difference is not None
    assert report.difference.offset == 39_999
    assert 4_000 < report.records < 20_000


async def test_a_range_leaves_the_rest_out(both: Both):
    source, destination, topic = both
    true = records(100)
    produce(source, topic, true)
    produce(destination, topic, [*records(10, 500), *true[10:90], *records(10, 500)])
    report = await run(*both, from_offset=10, to_offset=90)
    assert (report.difference, report.records) == (None, 80)


async def test_another_number_of_partitions_is_a_difference(
    source: LocalCluster, destination: LocalCluster, topic: str
):
    create_topic(source, topic, partitions=2)
    create_topic(destination, topic, partitions=3)
    difference = (await run(source, destination, topic)).difference
    assert difference is not None
    assert (difference.field, difference.source, difference.mirror) == ("partitions", "2", "3")


async def test_compacted_topics_may_differ_by_what_compaction_removed(
    source: LocalCluster, destination: LocalCluster, topic: str
):
    """The mirror's cleaner has run and the source's has not: every second key's first record is gone."""
    old = [Sent(b"old%d" % at, b"k%d" % at, timestamp_ms=NOW_MS) for at in range(20)]
    new = [Sent(b"new%d" % at, b"k%d" % at, timestamp_ms=NOW_MS) for at in range(20)]
    create_topic(source, topic, cleanup_policy="compact")
    create_topic(destination, topic, cleanup_policy="compact")
    produce(source, topic, [*old, *new])
    produce(destination, topic, [*old, *new])
    assert (await run(source, destination, topic)).difference is None
    assert (await run(source, destination, topic)).compacted


async def test_a_lost_latest_value_of_a_compacted_topic_is_found(
    source: LocalCluster, destination: LocalCluster, topic: str
):
    for cluster in (source, destination):
        create_topic(cluster, topic, cleanup_policy="compact")
    first, second = (Sent(b"v", key, timestamp_ms=NOW_MS) for key in (b"a", b"b"))
    produce(source, topic, [first, second, first])
    produce(destination, topic, [first, first, first])
    difference = (await run(source, destination, topic)).difference
    assert difference is not None
    assert (difference.offset, difference.field) == (1, "key")


async def test_a_topic_that_is_not_there_and_a_cluster_that_is_not_there(
    source: LocalCluster, destination: LocalCluster, topic: str, monkeypatch: pytest.MonkeyPatch
):
    create_topic(source, topic)
    with pytest.raises(TopicMissing, match="mirror"):
        await run(source, destination, topic)
    assert topic not in topic_names(destination), "verification must not make topics"
    monkeypatch.setattr("pipeline.verify.sides.TIMEOUT_S", 3.0)
    with pytest.raises(Unreachable, match="source"):
        await verify({"bootstrap.servers": "127.0.0.1:1"}, destination.client_properties(), topic, topic)
