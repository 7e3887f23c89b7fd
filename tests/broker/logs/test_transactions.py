"""Transactions: committed records at their offsets, aborted ones and markers never seen (MIRROR-15, I2)."""

from __future__ import annotations

import asyncio
import logging
import uuid

import pytest
from confluent_kafka import KafkaException

from tests.support.clients import create_topic, log_ends
from tests.support.consuming import UNCOMMITTED, consume
from tests.support.mirroring import SCALE, Mirroring, mirroring
from tests.support.producing import Sent, TransactionalProducer, numbered, produce
from tests.support.transactions import end_from_outside

log = logging.getLogger(__name__)


@pytest.mark.timeout(300)
async def test_many_partitions_with_gaps_at_batch_borders(link: Mirroring, topic: str) -> None:
    """Every length of gap from 1 to 20 offsets before, between and after batches, in 10 partitions at once."""
    partitions = 10
    create_topic(link.source, topic, partitions)
    one, two = TransactionalProducer(link.source, topic), TransactionalProducer(link.source, topic)
    for length in range(0, 20, 2):
        spread = [Sent(b"x", b"a", partition=p) for p in range(partitions) for _ in range(length + p)]
        first, second = one.begin(), two.begin()
        first.send(spread)
        second.send([Sent(b"%d" % length, b"c", partition=p) for p in range(partitions)])
        first.abort()
        second.commit()
    await link.create(topic)
    await link.wait_for_ends(topic, 120)
    report = await link.compare(topic)
    assert report.records == 10 * partitions
    assert all(status.gap_offsets >= 100 for status in link.statuses(topic))


@pytest.mark.timeout(300)
async def test_a_long_aborted_transaction(link: Mirroring, topic: str) -> None:
    """Most of the log is a gap: markers by the ten thousand, memory as ever (I5)."""
    count = 100_000 * SCALE
    create_topic(link.source, topic)
    produce(link.source, topic, numbered(10))
    producer = TransactionalProducer(link.source, topic, **{"transaction.timeout.ms": 600_000})
    begun = producer.begin()
    for start in range(0, count, 100_000):
        begun.send(numbered(100_000, start))
    begun.abort()
    produce(link.source, topic, numbered(10))
    await link.create(topic)
    took = await link.wait_for_ends(topic, 200)
    (status,) = link.statuses(topic)
    log.info("direct path: %d markers/s (%d in %.1f s)", count / took, count, took)
    assert status.marker_path == "direct"
    assert status.gap_offsets == count + 1
    assert (await link.compare(topic)).records == 20
    assert link.engine.budget.most_used <= link.engine.budget.limit


@pytest.mark.timeout(400 * SCALE)
async def test_gaps_through_the_coordinator(link: Mirroring, topic: str) -> None:
    """Without permission to write markers an empty transaction each does the same, slower (MIRROR-15)."""
    count = 60 * SCALE
    create_topic(link.source, topic)
    producer = TransactionalProducer(link.source, topic)
    producer.aborted(numbered(count))
    producer.committed(numbered(5))

    async def denied() -> bool:
        return False

    async with mirroring(link.source, link.destination, may_mark=denied) as other:
        await other.create(topic)
        took = await other.wait_for_ends(topic, 200 * SCALE)
        (status,) = other.statuses(topic)
        log.info("coordinator path: %d markers/s (%d in %.1f s)", count / took, count, took)
        assert status.marker_path == "coordinator"
        assert (await other.compare(topic)).records == 5


@pytest.mark.timeout(300)
async def test_a_producer_fenced_in_the_middle(link: Mirroring, topic: str) -> None:
    """Its open transaction is aborted by its successor, which begins with a higher epoch."""
    create_topic(link.source, topic, 2)
    await link.create(topic)
    name = uuid.uuid4().hex
    old = TransactionalProducer(link.source, topic, name)
    both = [*numbered(50), *numbered(50, partition=1)]
    old.committed(both)
    begun = old.begin()
    begun.send(both)
    new = TransactionalProducer(link.source, topic, name)  # fences `old`, aborts what it left
    new.committed(both)
    with pytest.raises(KafkaException):
        begun.commit()
    new.aborted(both)
    new.committed(both)
    await link.wait_for_ends(topic)
    assert (await link.compare(topic)).records == 300
    assert {len(consume(link.destination, topic, p, isolation=UNCOMMITTED)) for p in range(2)} == {150}


@pytest.mark.timeout(300)
async def test_a_hanging_transaction_ended_by_an_operator(link: Mirroring, topic: str) -> None:
    """`kafka-transactions abort` writes the marker itself; until then the mirror stands at the last stable offset."""
    create_topic(link.source, topic)
    produce(link.source, topic, numbered(7))
    hanging = TransactionalProducer(link.source, topic).begin()
    hanging.send(numbered(30))
    produce(link.source, topic, numbered(9))
    await link.create(topic)
    await link.wait_for_ends(topic)
    assert await asyncio.to_thread(log_ends, link.destination, topic) == [7]
    await end_from_outside(link.source, topic)
    await link.wait_for_ends(topic)
    assert (await link.compare(topic)).records == 16
    assert link.statuses(topic)[0].gap_offsets == 31


@pytest.mark.timeout(300)
async def test_markers_back_to_back_and_ends_of_many_producers(link: Mirroring, topic: str) -> None:
    """Transactions that overlap end one after the other: control records in a row, at the log's end too."""
    create_topic(link.source, topic)
    producers = [TransactionalProducer(link.source, topic) for _ in range(6)]
    for turn in range(3):
        begun = [producer.begin() for producer in producers]
        for number, each in enumerate(begun):
            each.send([Sent(b"%d" % (turn * 10 + number), b"k")])
        for number, each in enumerate(begun):
            each.abort() if (number + turn) % 3 == 0 else each.commit()
        if turn == 1:
            await link.create(topic)
    await link.wait_for_ends(topic)
    report = await link.compare(topic)
    assert report.records == 12
    await link.restart()
    producers[0].committed([Sent(b"after", b"k")])
    await link.wait_for_ends(topic)
    await link.compare(topic)
