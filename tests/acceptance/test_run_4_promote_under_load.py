"""RUN-4: a promotion waits for producers that go on, and ends by itself when they stop. Through both doors."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from confluent_kafka import Producer

from pipeline.local.cluster import LocalCluster
from tests.acceptance.doors import Door
from tests.support.asking import Rest
from tests.support.clients import TIMEOUT_S, configuration, create_topic, log_ends
from tests.support.consuming import consume
from tests.support.workers import wait_until

PARTITIONS = 2
LOOK_S = 3.0


@contextmanager
def steady(cluster: LocalCluster, topic: str, partitions: int = PARTITIONS) -> Iterator[list[bytes]]:
    """Producers that never rest for as long as a second: that would be long enough for a promotion to end.

    Gives the values that were produced.
    """
    producer = Producer(configuration(cluster, **{"linger.ms": 0}))
    stop = threading.Event()
    values: list[bytes] = []

    def run() -> None:
        while not stop.wait(0.02):
            for partition in range(partitions):
                values.append(str(time.monotonic()).encode())
                producer.produce(topic, values[-1], partition=partition)
            producer.poll(0)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield values
    finally:
        stop.set()
        thread.join()
        assert producer.flush(TIMEOUT_S) == 0


def test_run_4(
    source: LocalCluster, destination: LocalCluster, door: Door, rest: Rest, unique: Callable[[str], str]
) -> None:
    topic, link = unique("topic"), unique("link")
    create_topic(source, topic, PARTITIONS)
    door.create_link(link, source)
    door.create_mirror(link, topic)
    rest.wait_for_status(link, topic)
    with steady(source, topic):
        door.operate("promote", link, topic)
        until = time.monotonic() + LOOK_S
        while time.monotonic() < until:
            assert door.describe(link, topic).status == "PENDING_STOPPED"
            time.sleep(0.5)
        before = log_ends(destination, topic, PARTITIONS)
        wait_until(
            lambda: all(now > then for now, then in zip(ends(destination, topic), before, strict=True)),
            "the drain keeps copying",
        )
        door.operate("promote", link, topic)  # in progress: accepted, and nothing changes
    rest.wait_for_status(link, topic, "STOPPED", within_s=60)
    for partition in range(PARTITIONS):
        assert consume(destination, topic, partition) == consume(source, topic, partition)
    assert door.describe(link, topic) == ("STOPPED", [0] * PARTITIONS, log_ends(source, topic, PARTITIONS))


def ends(cluster: LocalCluster, topic: str) -> list[int]:
    return log_ends(cluster, topic, PARTITIONS)
