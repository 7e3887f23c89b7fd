"""The tasks of a link run on one worker, and go on on another when that one dies (TASK-53 without its 30 s)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.control.keys import link_partition
from pipeline.local.cluster import LocalCluster
from tests.acceptance.tasks import commit, committed, name_filters
from tests.support.asking import Rest, checked, wait_for_ends
from tests.support.clients import create_topic
from tests.support.producing import numbered, produce
from tests.support.workers import WorkerProcess, wait_until

PARTITIONS = 4
"""Of the control topics, as `WorkerProcess` sets them."""


@pytest.mark.timeout(400)
def test_offsets_are_synced_by_the_worker_that_is_left(
    source: LocalCluster, destination: LocalCluster, tmp_path: Path, unique: Callable[[str], str], topic: str
) -> None:
    link, group, other = unique("link")[-40:], unique("g"), unique("g-other")
    create_topic(source, topic)
    produce(source, topic, numbered(20))
    first = WorkerProcess(destination.bootstrap_servers, tmp_path)
    second = WorkerProcess(destination.bootstrap_servers, tmp_path, first.app_id)
    with first, second:
        wait_until(lambda: first.owned and second.owned and not first.owned & second.owned, "both have a share", 120)
        home = link_partition(link, PARTITIONS)
        leader, left = (first, second) if home in first.owned else (second, first)
        with Rest(left, destination) as rest:
            checked(
                rest.create_link(
                    link,
                    source,
                    consumer_offset_sync_enable="true",
                    consumer_offset_sync_ms="1000",
                    consumer_offset_group_filters=name_filters(
                        "groupFilters", (group, "PREFIXED", "INCLUDE"), (other, "PREFIXED", "INCLUDE")
                    ),
                )
            )
            checked(rest.create_mirror(link, topic))
            wait_for_ends(source, destination, topic)
            commit(source, group, topic, 5)
            wait_until(lambda: committed(destination, group, topic) == 5, "the leader syncs", poll_s=0.25)
            leader.kill()
            commit(destination, group, topic, 11)  # the group's own: whoever comes next has to know that it is
            commit(source, other, topic, 3)
            wait_until(lambda: committed(destination, other, topic) == 3, "the other one syncs", poll_s=0.25)
            assert committed(destination, group, topic) == 11
            commit(source, group, topic, 8)
            wait_until(lambda: committed(destination, group, topic) == 8, "it goes on", poll_s=0.25)
