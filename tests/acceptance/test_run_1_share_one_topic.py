"""RUN-1: share one topic, from a plain link (MODE-1) to a promotion that touches no source (MIRROR-77), and its end.

Through both doors.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.local.cluster import LocalCluster
from tests.acceptance.doors import Door
from tests.acceptance.operating import Operator
from tests.support.asking import Rest, assert_equal, wait_for_ends
from tests.support.clients import create_topic, log_ends
from tests.support.consuming import consume
from tests.support.producing import numbered, produce
from tests.support.workers import wait_until

PARTITIONS = 3


def values(cluster: LocalCluster, topic: str) -> list[bytes | None]:
    return [record.value for p in range(PARTITIONS) for record in consume(cluster, topic, p)]


def test_run_1(
    *,
    source: LocalCluster,
    destination: LocalCluster,
    door: Door,
    operator: Operator,
    rest: Rest,
    unique: Callable[[str], str],
) -> None:
    topic, link = unique("tasting-menu"), unique("usa-east-west")
    # 1
    create_topic(source, topic, PARTITIONS)
    for partition in range(PARTITIONS):
        produce(source, topic, numbered(1000 // 3 + (partition == 0), partition=partition))
    assert sum(log_ends(source, topic, PARTITIONS)) == 1000
    # 2
    asked = operator.knows("cluster", "id", "--bootstrap-server", source.bootstrap_servers)
    assert asked["cluster_id"] == source.cluster_id, "CLI-56: of the cluster itself, not of the endpoint"
    door.create_link(link, source)
    assert door.state(link) == ("ACTIVE", "NO_ERROR")
    # 3
    door.create_mirror(link, topic)
    rest.wait_for_status(link, topic)
    assert len(log_ends(destination, topic, PARTITIONS)) == PARTITIONS
    # 4
    wait_for_ends(source, destination, topic, PARTITIONS)
    assert values(destination, topic) == values(source, topic)
    assert_equal(source, destination, topic, partitions=PARTITIONS)
    # 5
    produce(source, topic, numbered(10, start=5000))
    wait_for_ends(source, destination, topic, PARTITIONS)
    wait_until(lambda: door.describe(link, topic).lags == [0, 0, 0], "lag returns to 0")
    # 7 (6, the guard, has tests of its own)
    door.operate("promote", link, topic)
    rest.wait_for_status(link, topic, "STOPPED", within_s=60)
    mirrored = values(destination, topic)
    assert mirrored == values(source, topic)
    produce(destination, topic, numbered(5, start=9000))
    at_source = values(source, topic)
    produce(source, topic, numbered(7, start=7000))
    assert len(values(source, topic)) == len(at_source) + 7, "the source is as it was"
    assert len(values(destination, topic)) == len(mirrored) + 5, "nothing more arrives"
    # 8
    refusal = door.cannot_operate("promote", link, topic)
    assert f"Topic '{topic}' has already stopped its mirror from '{link}'" in refusal
    # 9
    door.delete_link(link)
    assert link not in door.links()
    assert len(values(destination, topic)) == len(mirrored) + 5
