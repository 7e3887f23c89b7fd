"""Consumers of two client libraries switch clusters in the middle of a stream, at a failover nobody planned (TASK-20).

On both clusters together they read every record that the destination has; none is skipped, and what is read twice was
read on the source after the last sync (MIRROR-75).
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest
from aiokafka import AIOKafkaConsumer
from confluent_kafka import Consumer

from pipeline.local.cluster import LocalCluster
from tests.acceptance.tasks import committed, name_filters
from tests.support.asking import Rest, checked
from tests.support.clients import answered, configuration, create_topic
from tests.support.consuming import consume, records
from tests.support.load import Load
from tests.support.producing import numbered, produce
from tests.support.workers import wait_until

PARTITIONS, INTERVAL_S = 2, 1
Seen = dict[tuple[int, int], float]
"""When each (partition, offset) was read, monotonic seconds."""
Reading = Callable[[LocalCluster, str, str, Seen, threading.Event], None]


def with_librdkafka(cluster: LocalCluster, group: str, topic: str, seen: Seen, end: threading.Event) -> None:
    """Read and commit, until told to end."""
    consumer = Consumer(
        configuration(cluster, **{"group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest"})
    )
    consumer.subscribe([topic])
    try:
        while not end.is_set():
            messages = records(consumer.consume(200, 0.2))
            for message in messages:
                seen.setdefault((int(message.partition() or 0), int(message.offset() or 0)), time.monotonic())
            if messages:
                answered(lambda: consumer.commit(asynchronous=False))
    finally:
        consumer.close()


def with_aiokafka(cluster: LocalCluster, group: str, topic: str, seen: Seen, end: threading.Event) -> None:
    """As `with_librdkafka`, with the other library."""

    async def read() -> None:
        consumer = AIOKafkaConsumer(
            topic,
            bootstrap_servers=cluster.bootstrap_servers,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        await consumer.start()
        try:
            while not end.is_set():
                batches = await consumer.getmany(timeout_ms=200, max_records=200)
                for fetched in batches.values():
                    for record in fetched:
                        seen.setdefault((record.partition, record.offset), time.monotonic())
                if batches:
                    await consumer.commit()
        finally:
            await consumer.stop()

    asyncio.run(read())


def wait_for_a_cycle(destination: LocalCluster, group: str, topic: str, there: Seen) -> float:
    """Wait until a sync has carried over all that has been read by now; returns the moment that was."""
    now = time.monotonic()
    read = {p: max(offset for place, offset in list(there) if place == p) for p in range(PARTITIONS)}

    def are_synced() -> bool:
        return all((committed(destination, group, topic, p) or 0) > offset for p, offset in read.items())

    wait_until(are_synced, f"{group} has committed more than {read} here", poll_s=0.1)
    return now


@pytest.mark.timeout(400)
@pytest.mark.parametrize("read", [with_librdkafka, with_aiokafka])
def test_consumers_switch_clusters(
    source: LocalCluster, destination: LocalCluster, rest: Rest, unique: Callable[[str], str], read: Reading
) -> None:
    link, group, topic = unique("link")[-40:], unique("g"), unique("topic")
    create_topic(source, topic, PARTITIONS)
    checked(
        rest.create_link(
            link,
            source,
            consumer_offset_sync_enable="true",
            consumer_offset_sync_ms=str(INTERVAL_S * 1000),
            consumer_offset_group_filters=name_filters("groupFilters", (group, "LITERAL", "INCLUDE")),
        )
    )
    checked(rest.create_mirror(link, topic))
    rest.wait_for_status(link, topic)
    there: Seen = {}
    here: Seen = {}
    left, done = threading.Event(), threading.Event()
    first = threading.Thread(target=read, args=(source, group, topic, there, left))
    second = threading.Thread(target=read, args=(destination, group, topic, here, done))
    try:
        with Load(source, topic, PARTITIONS):
            first.start()
            wait_until(lambda: len({p for p, _ in list(there)}) == PARTITIONS and len(there) > 2_000, "it reads")
            for _ in range(3):  # steady work, in which the offsets are synced several times
                synced_since = wait_for_a_cycle(destination, group, topic, there)
            checked(rest.ask("POST", f"/{link}/mirrors:failover", {"mirror_topic_names": [topic]}))
            rest.wait_for_status(link, topic, "STOPPED")
            left.set()
            first.join()
        for partition in range(PARTITIONS):
            produce(destination, topic, numbered(10, partition=partition))  # the producers have switched too
        visible = {(p, record.offset) for p in range(PARTITIONS) for record in consume(destination, topic, p)}
        last = {max(place for place in visible if place[0] == p) for p in range(PARTITIONS)}
        second.start()
        wait_until(lambda: last <= set(here), "the rest is read on the destination", 120, 0.25)
    finally:
        left.set()
        done.set()
        for thread in (first, second):
            if thread.ident is not None:
                thread.join()
    assert visible <= set(there) | set(here), "none is skipped"
    for partition in range(PARTITIONS):
        begin = min(place for place in here if place[0] == partition)
        assert {place for place in visible if place[0] == partition and place >= begin} <= set(here)
    repeated = [there[place] for place in set(there) & set(here)]
    assert all(read_at >= synced_since for read_at in repeated), "nothing that was synced is repeated"
    print(f"read there {len(there)}, here {len(here)}, twice {len(repeated)}")
