"""RUN-3: a planned migration with real consumers of two client libraries; every record is read exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from aiokafka import AIOKafkaConsumer
from confluent_kafka import Consumer

from pipeline.local.cluster import LocalCluster
from tests.acceptance.tasks import committed, name_filters
from tests.support.asking import Rest, checked, wait_for_ends
from tests.support.clients import answered, configuration, create_topic
from tests.support.consuming import consume, records
from tests.support.producing import numbered, produce
from tests.support.workers import wait_until

PARTITIONS, INTERVAL_S = 2, 1
Place = tuple[int, int]
"""Partition and offset."""


def read_with_librdkafka(cluster: LocalCluster, group: str, topic: str, count: int) -> list[Place]:
    """`count` records, each committed as it comes, by a member that leaves then."""
    consumer = Consumer(
        configuration(cluster, **{"group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest"})
    )
    consumer.subscribe([topic])
    found: list[Place] = []

    def enough() -> bool:
        for message in records(consumer.consume(min(50, count - len(found)), 0.2)):
            found.append((int(message.partition() or 0), int(message.offset() or 0)))
            answered(lambda m=message: consumer.commit(m, asynchronous=False))  # type: ignore[misc]
        return len(found) >= count

    try:
        wait_until(enough, f"{count} records are read by {group}", 90, 0)
    finally:
        consumer.close()
    return found


def read_with_aiokafka(cluster: LocalCluster, group: str, topic: str, count: int) -> list[Place]:
    """As `read_with_librdkafka`, with the other library."""

    async def read() -> list[Place]:
        consumer = AIOKafkaConsumer(
            topic,
            bootstrap_servers=cluster.bootstrap_servers,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        found: list[Place] = []
        try:
            async with asyncio.timeout(90):
                while len(found) < count:
                    batches = await consumer.getmany(timeout_ms=200, max_records=min(50, count - len(found)))
                    found += [(r.partition, r.offset) for records in batches.values() for r in records]
                    if batches:
                        await consumer.commit()
        finally:
            await consumer.stop()
        return found

    return asyncio.run(read())


@pytest.mark.timeout(400)
@pytest.mark.parametrize("read", [read_with_librdkafka, read_with_aiokafka])
def test_run_3(
    source: LocalCluster,
    destination: LocalCluster,
    rest: Rest,
    unique: Callable[[str], str],
    read: Callable[[LocalCluster, str, str, int], list[Place]],
) -> None:
    link, group, topic = unique("link")[-40:], unique("g"), unique("topic")
    create_topic(source, topic, PARTITIONS)
    filters = name_filters("groupFilters", (group, "LITERAL", "INCLUDE"))
    checked(
        rest.create_link(
            link,
            source,
            consumer_offset_sync_enable="true",
            consumer_offset_sync_ms=str(INTERVAL_S * 1000),
            consumer_offset_group_filters=filters,
        )
    )
    checked(rest.create_mirror(link, topic))
    for partition in range(PARTITIONS):
        produce(source, topic, numbered(200, partition=partition))
    rest.wait_for_status(link, topic)
    at_source = read(source, group, topic, 150)
    # 2: producers have stopped
    wait_for_ends(source, destination, topic, PARTITIONS)

    def equal() -> bool:
        return all(committed(source, group, topic, p) == committed(destination, group, topic, p) for p in range(2))

    # 3
    wait_until(equal, "committed offsets are equal on both", poll_s=0.25)
    # 4, 5
    checked(rest.ask("POST", f"/{link}/mirrors:promote", {"mirror_topic_names": [topic]}))
    rest.wait_for_status(link, topic, "STOPPED")
    # 6
    for partition in range(PARTITIONS):
        produce(destination, topic, numbered(100, start=200, partition=partition))
    everything = [(p, record.offset) for p in range(PARTITIONS) for record in consume(destination, topic, p)]
    here = read(destination, group, topic, len(everything) - len(at_source))
    assert len(everything) == PARTITIONS * 300
    assert sorted(at_source + here) == sorted(everything), "each exactly once"
