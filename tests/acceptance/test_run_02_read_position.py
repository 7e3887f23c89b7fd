"""RUN-2: a group's read position carries over, and is never taken from a group that reads on the destination."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka import Consumer

from pipeline.local.cluster import LocalCluster
from tests.acceptance.tasks import commit, committed, configure, errors, name_filters, wait_for_state
from tests.support.asking import Rest, checked, wait_for_ends
from tests.support.clients import answered, configuration, create_topic
from tests.support.consuming import records
from tests.support.producing import numbered, produce
from tests.support.workers import wait_until

TASK = "ConsumerOffsetSync"
INTERVAL_S = 3


@contextmanager
def member(cluster: LocalCluster, group: str, topic: str) -> Iterator[Consumer]:
    """A member of a group that commits what it is told to; it leaves at the end of the block."""
    consumer = Consumer(
        configuration(cluster, **{"group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest"})
    )
    consumer.subscribe([topic])
    try:
        yield consumer
    finally:
        consumer.close()


def read(consumer: Consumer, count: int) -> list[int]:
    """The next `count` records' offsets, committed."""
    found: list[int] = []

    def enough() -> bool:
        for message in records(consumer.consume(count - len(found), 0.2)):
            found.append(int(message.offset() or 0))
            answered(lambda m=message: consumer.commit(m, asynchronous=False))  # type: ignore[misc]
        return len(found) == count

    wait_until(enough, f"{count} records are read")
    return found


@pytest.mark.timeout(300)
def test_run_2(
    source: LocalCluster, destination: LocalCluster, rest: Rest, unique: Callable[[str], str], topic: str
) -> None:
    link, group = unique("link")[-40:], unique("g")
    create_topic(source, topic)
    produce(source, topic, numbered(20))
    everything = name_filters("groupFilters", (group, "PREFIXED", "INCLUDE"))
    checked(
        rest.create_link(
            link,
            source,
            consumer_offset_sync_enable="true",
            consumer_offset_sync_ms=str(INTERVAL_S * 1000),
            consumer_offset_group_filters=everything,
        )
    )
    checked(rest.create_mirror(link, topic))
    wait_for_ends(source, destination, topic)
    with member(source, group, topic) as reader:
        assert read(reader, 5) == [0, 1, 2, 3, 4]
    wait_until(lambda: committed(destination, group, topic) == 5, "the position is carried over", poll_s=0.25)
    wait_for_state(rest, link, TASK, "ACTIVE")

    with member(destination, group, topic) as reader:
        assert read(reader, 5) == [5, 6, 7, 8, 9]
        commit(source, group, topic, 7)
        wait_until(lambda: errors(rest, link, TASK) == ["CONSUMER_GROUP_IN_USE_ERROR"], "it is said to be live")
        assert committed(destination, group, topic) == 10
    wait_for_state(rest, link, TASK, "ACTIVE")
    assert committed(destination, group, topic) == 10
    commit(source, group, topic, 8)
    wait_until(lambda: committed(destination, group, topic) == 8, "the source has moved again", poll_s=0.25)

    excluded = name_filters("groupFilters", ("*", "LITERAL", "INCLUDE"), (group, "LITERAL", "EXCLUDE"))
    configure(rest, link, consumer_offset_group_filters=excluded)
    commit(source, group, topic, 11)
    other = f"{group}-other"
    commit(source, other, topic, 12)
    wait_until(lambda: committed(destination, other, topic) == 12, "others are synced still", poll_s=0.25)
    assert committed(destination, group, topic) == 8

    configure(rest, link, consumer_offset_sync_enable="false")
    wait_for_state(rest, link, TASK, "NOT_CONFIGURED")
