"""RUN-4: a promotion waits for producers that go on, and ends by itself when they stop."""

from __future__ import annotations

import time
from collections.abc import Callable

from pipeline.local.cluster import LocalCluster
from tests.acceptance.operating import Operator
from tests.support.asking import Rest, checked
from tests.support.clients import create_topic, log_ends
from tests.support.consuming import consume
from tests.support.load import Load
from tests.support.workers import wait_until

PARTITIONS = 2
LOOK_S = 6.0


def test_run_4(
    source: LocalCluster, destination: LocalCluster, operator: Operator, rest: Rest, unique: Callable[[str], str]
) -> None:
    topic, link = unique("topic"), unique("link")
    create_topic(source, topic, PARTITIONS)
    checked(rest.create_link(link, source))
    checked(rest.create_mirror(link, topic))
    rest.wait_for_status(link, topic)
    with Load(source, topic, PARTITIONS):
        operator.says("mirror", "promote", topic, "--link", link)
        until = time.monotonic() + LOOK_S
        while time.monotonic() < until:
            assert rest.mirror(link, topic)["mirror_status"] == "PENDING_STOPPED"
            time.sleep(0.5)
        before = log_ends(destination, topic, PARTITIONS)
        wait_until(
            lambda: all(now > then for now, then in zip(ends(destination, topic), before, strict=True)),
            "the drain keeps copying",
        )
        operator.says("mirror", "promote", topic, "--link", link)  # in progress: accepted, and nothing changes
    rest.wait_for_status(link, topic, "STOPPED", within_s=60)
    for partition in range(PARTITIONS):
        assert consume(destination, topic, partition) == consume(source, topic, partition)
    final = rest.mirror(link, topic)
    assert [row["lag"] for row in final["mirror_lags"]] == [0] * PARTITIONS
    assert [row["last_source_fetch_offset"] for row in final["mirror_lags"]] == log_ends(source, topic, PARTITIONS)


def ends(cluster: LocalCluster, topic: str) -> list[int]:
    return log_ends(cluster, topic, PARTITIONS)
