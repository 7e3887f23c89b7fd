"""RUN-27: pause and resume, of one mirror and of the link, under load: nothing is lost, nothing comes twice.

Through both doors.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from pipeline.local.cluster import LocalCluster
from tests.acceptance.doors import Door
from tests.support.asking import Rest, assert_equal, wait_for_ends
from tests.support.clients import create_topic, log_ends
from tests.support.load import Load
from tests.support.mirroring import SCALE
from tests.support.workers import wait_until

PARTITIONS = 2
STILL_S = 2.0 * SCALE
"""With CLUSTERLINK_TEST_SCALE=75 the four pauses come to the ten minutes of the runbook."""


@pytest.mark.timeout(400 + 20 * SCALE)
def test_run_27(
    source: LocalCluster, destination: LocalCluster, door: Door, rest: Rest, unique: Callable[[str], str]
) -> None:
    topics, link = [unique("one"), unique("other")], unique("link")
    door.create_link(link, source)
    for topic in topics:
        create_topic(source, topic, PARTITIONS)
        door.create_mirror(link, topic)
    for topic in topics:
        rest.wait_for_status(link, topic)
    one, other = topics
    with Load(source, one, PARTITIONS), Load(source, other, PARTITIONS, seed=2):
        door.operate("pause", link, one)
        rest.wait_for_status(link, one, "PAUSED")
        stays(destination, one)
        before = log_ends(destination, other, PARTITIONS)
        wait_until(
            lambda: all(now > then for now, then in zip(log_ends(destination, other, PARTITIONS), before, strict=True)),
            "the other goes on",
            60,
            0.25,
        )

        door.configure(link, cluster_link_paused="true")
        for topic in topics:
            rest.wait_for_status(link, topic, "LINK_PAUSED")
            stays(destination, topic)
        door.configure(link, cluster_link_paused="false")
        rest.wait_for_status(link, other, "ACTIVE")
        rest.wait_for_status(link, one, "PAUSED")
        stays(destination, one)

        door.operate("resume", link, one)
        rest.wait_for_status(link, one, "ACTIVE")
    for topic in topics:
        wait_for_ends(source, destination, topic, PARTITIONS, within_s=120 + 20 * SCALE)
        assert_equal(source, destination, topic, partitions=PARTITIONS)


def stays(cluster: LocalCluster, topic: str) -> None:
    """The mirror's ends do not move any more, once what was on its way has landed."""
    ends, since = log_ends(cluster, topic, PARTITIONS), time.monotonic()

    def is_still() -> bool:
        nonlocal ends, since
        before, ends = ends, log_ends(cluster, topic, PARTITIONS)
        since = since if ends == before else time.monotonic()
        return time.monotonic() - since > STILL_S

    wait_until(is_still, f"{topic} stays as it is under load", 60 + 2 * STILL_S, 0.25)
