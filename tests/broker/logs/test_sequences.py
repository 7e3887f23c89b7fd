"""The append chain at its borders: sequences across 2^31-1, epochs near their end, a producer id that is forgotten."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from pipeline.local.cluster import LocalCluster
from pipeline.local.options import ClusterOptions
from pipeline.mirror.append import Markers
from pipeline.mirror.pieces import now_ms
from pipeline.mirror.readings import LAST_COORDINATOR_EPOCH, LAST_EPOCH
from pipeline.wire.batch import Stamp, restamp, scan
from tests.broker.wire.wire_client import connected
from tests.support.clients import create_topic
from tests.support.mirroring import Mirrored, Mirroring, mirroring
from tests.support.producing import TransactionalProducer, numbered, produce


async def agree(link: Mirroring, mirrored: Mirrored) -> int:
    """The producer id that the engine will use for partition 0."""

    async def allocate() -> tuple[int, bool]:
        return await link.target.new_producer_id(), False

    (piece,) = mirrored.pieces
    return (await link.registrar.producer(piece.mirror_topic_id, 0, allocate)).producer_id


async def copy_by_hand(link: Mirroring, topic: str, producer_id: int, sequence: int) -> None:
    """Bring the source's first batch to the mirror as the engine would, under a sequence of our choice."""
    async with connected(link.source) as here, connected(link.destination) as there:
        await there.wait_for(topic)
        fetched = await here.fetch(topic)
        first = scan(fetched.records)[0]
        stamp = Stamp(producer_id, 0, sequence)
        answer = await there.produce(topic, bytes(restamp(fetched.records, first, stamp)))
        assert (answer.error_code, answer.base_offset) == (0, 0)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("batch", [1, 7, 1000])
async def test_sequences_begin_again_at_0(link: Mirroring, topic: str, batch: int) -> None:
    """Passed through, put together or in one batch that spans the border: 2^31-1 is followed by 0."""
    create_topic(link.source, topic)
    produce(link.source, topic, numbered(100), batch=100)
    mirrored = await link.make(topic)
    producer_id = await agree(link, mirrored)
    await copy_by_hand(link, topic, producer_id, 2**31 - 150)
    produce(link.source, topic, numbered(500), batch=batch)
    await link.start(mirrored)
    await link.wait_for_ends(topic)
    await link.restart()
    await asyncio.to_thread(produce, link.source, topic, numbered(200))
    await link.wait_for_ends(topic)
    assert (await link.compare(topic)).records == 800
    async with connected(link.destination) as client:
        assert (await client.chain(topic, producer_id))[1] < 1000


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("epoch", "coordinator_epoch"), [(LAST_EPOCH - 20, 0), (LAST_EPOCH, 5), (3, LAST_COORDINATOR_EPOCH - 200)]
)
async def test_a_producer_id_whose_epochs_are_used_up_has_a_successor(
    link: Mirroring, topic: str, epoch: int, coordinator_epoch: int
) -> None:
    """The claim retires it; data and markers go on under another id (I3)."""
    create_topic(link.source, topic)
    producer = TransactionalProducer(link.source, topic)
    producer.aborted(numbered(10))
    mirrored = await link.make(topic)
    first = await agree(link, mirrored)
    async with connected(link.destination) as client:
        await client.wait_for(topic)
    assert await link.target.mark(topic, 0, Markers(0, first, ((epoch, coordinator_epoch),))) == 0
    await link.start(mirrored)
    for turn in range(3):
        await asyncio.to_thread(producer.committed, numbered(20, turn))
        await asyncio.to_thread(producer.aborted, numbered(10))
        await link.wait_for_ends(topic)
        await link.restart()
    await link.wait_for_ends(topic)
    assert (await link.compare(topic)).records == 60
    assert await agree(link, mirrored) != first


@pytest.mark.timeout(300)
async def test_a_forgotten_producer_id(source: LocalCluster, topic: str) -> None:
    """The destination forgets a producer id when the last record under it is a day old by its timestamp, which the
    records of a source may be from the beginning: the chain begins anew.
    """
    soon = {"producer.id.expiration.check.interval.ms": "200"}
    old = now_ms() - 2 * 86_400_000
    records = [replace(record, timestamp_ms=old) for record in numbered(50)]
    with LocalCluster(ClusterOptions(properties=soon)) as forgetful:
        async with mirroring(source, forgetful) as link:
            create_topic(source, topic)
            producer = TransactionalProducer(source, topic)
            produce(source, topic, records)
            mirrored = await link.create(topic)
            await link.wait_for_ends(topic)
            producer_id = await agree(link, mirrored)
            for turn in range(3):
                await _forgotten(forgetful, topic, producer_id)
                if turn == 1:
                    await link.restart()
                if turn == 2:
                    await asyncio.to_thread(producer.aborted, numbered(5))
                await asyncio.to_thread(produce, source, topic, records)
                await link.wait_for_ends(topic)
            assert (await link.compare(topic)).records == 200


async def _forgotten(cluster: LocalCluster, topic: str, producer_id: int) -> None:
    deadline = time.monotonic() + 30
    async with connected(cluster) as client:
        while await client.producer(topic, producer_id) is not None:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
