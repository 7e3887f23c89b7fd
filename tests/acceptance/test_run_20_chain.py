"""RUN-20: A to B to C. C has what A has; when B's mirror is failed over, C goes on from B."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, assert_equal, checked, wait_for_ends
from tests.support.clients import create_topic
from tests.support.consuming import consume
from tests.support.producing import numbered, produce
from tests.support.workers import WorkerProcess

PARTITIONS = 2


@pytest.fixture
def last() -> Iterator[LocalCluster]:
    """The end of the chain."""
    with LocalCluster() as cluster:
        yield cluster


@pytest.fixture
def rest_last(last: LocalCluster, tmp_path: Path) -> Iterator[Rest]:
    with WorkerProcess(last.bootstrap_servers, tmp_path) as worker, Rest(worker, last) as made:
        yield made


@pytest.mark.timeout(300)
def test_run_20(
    source: LocalCluster, destination: LocalCluster, last: LocalCluster, rest: Rest, rest_last: Rest
) -> None:
    topic = f"chained-{last.cluster_id}"
    create_topic(source, topic, PARTITIONS)
    produce(source, topic, numbered(500))
    first_link, second_link = f"{topic}-ab"[-40:], f"{topic}-bc"[-40:]
    checked(rest.create_link(first_link, source))
    checked(rest.create_mirror(first_link, topic))
    rest.wait_for_status(first_link, topic)
    checked(rest_last.create_link(second_link, destination))
    checked(rest_last.create_mirror(second_link, topic))
    rest_last.wait_for_status(second_link, topic)
    produce(source, topic, numbered(500, start=500))
    wait_for_ends(source, last, topic, PARTITIONS)
    assert_equal(source, last, topic, partitions=PARTITIONS)
    checked(rest.ask("POST", f"/{first_link}/mirrors:failover", {"mirror_topic_names": [topic]}))
    rest.wait_for_status(first_link, topic, "STOPPED")
    produce(destination, topic, numbered(300, start=1000))
    produce(source, topic, numbered(100, start=5000))
    wait_for_ends(destination, last, topic, PARTITIONS)
    for partition in range(PARTITIONS):
        assert consume(last, topic, partition) == consume(destination, topic, partition)
    assert rest_last.mirror(second_link, topic)["mirror_status"] == "ACTIVE"
