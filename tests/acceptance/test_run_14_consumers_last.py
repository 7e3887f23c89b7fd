"""RUN-14: producers move first, stragglers go on reading the old cluster's mirrors, and their offsets flow along."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.local.cluster import LocalCluster
from tests.acceptance.tasks import commit, committed, name_filters
from tests.acceptance.test_run_02_read_position import member, read
from tests.acceptance.test_run_10_disaster_drill import reverse
from tests.support.asking import Rest, checked, wait_for_ends
from tests.support.clients import create_topic
from tests.support.producing import numbered, produce
from tests.support.workers import wait_until


def syncing(group: str) -> dict[str, str]:
    return {
        "consumer_offset_sync_enable": "true",
        "consumer_offset_sync_ms": "1000",
        "consumer_offset_group_filters": name_filters("groupFilters", (group, "LITERAL", "INCLUDE")),
    }


@pytest.mark.timeout(300)
def test_run_14(
    source: LocalCluster, destination: LocalCluster, rest: Rest, rest_there: Rest, unique: Callable[[str], str]
) -> None:
    a, b = source, destination
    link, topic, group = unique("link")[-40:], unique("topic"), unique("g")
    create_topic(a, topic)
    checked(rest.create_side(link, a, **syncing(group)))
    checked(rest_there.create_side(link, b, **syncing(group)))
    checked(rest.create_mirror(link, topic))
    produce(a, topic, numbered(100))
    with member(a, group, topic) as reader:
        read(reader, 30)
    rest.wait_for_status(link, topic)
    wait_until(lambda: committed(b, group, topic) == 30, "B knows where the group is", 120, 0.1)
    # the producers move
    reverse((rest, rest_there), link, topic)
    assert committed(a, group, topic) == committed(b, group, topic) == 30, "equal at the switch (MIRROR-71)"
    produce(b, topic, numbered(100, start=100))
    wait_for_ends(b, a, topic)
    # stragglers read A's mirror, and never find themselves set back (TASK-16)
    seen: list[int] = []
    for count in (20, 15, 25):
        with member(a, group, topic) as reader:
            read(reader, count)
        seen.append(committed(a, group, topic) or 0)
    assert seen == [50, 65, 90]
    wait_until(lambda: committed(b, group, topic) == 90, "their offsets flow to B (TASK-17)", 120, 0.1)
    assert committed(a, group, topic) == 90
    # they move
    with member(b, group, topic) as reader:
        assert read(reader, 10)[0] == 90
    wait_until(lambda: committed(a, group, topic) == committed(b, group, topic) == 100, "and back to A", 120, 0.1)


@pytest.mark.timeout(300)
def test_with_a_default_link_offsets_do_not_flow(
    source: LocalCluster, destination: LocalCluster, rest: Rest, unique: Callable[[str], str]
) -> None:
    """MODE-26."""
    link, topic, group = unique("link")[-40:], unique("topic"), unique("g")
    create_topic(source, topic)
    produce(source, topic, numbered(50))
    checked(rest.create_link(link, source, **syncing(group)))
    checked(rest.create_mirror(link, topic))
    commit(source, group, topic, 20)
    rest.wait_for_status(link, topic)
    wait_until(lambda: committed(destination, group, topic) == 20, "B knows where the group is", 120, 0.1)
    checked(rest.ask("POST", f"/{link}/mirrors:promote", {"mirror_topic_names": [topic]}))
    rest.wait_for_status(link, topic, "STOPPED")
    commit(source, group, topic, 40)
    another = unique("another")
    create_topic(source, another)
    checked(rest.create_mirror(link, another))
    commit(source, group, another, 0)
    wait_until(lambda: committed(destination, group, another) == 0, "the sync has run since", 120, 0.1)
    assert committed(destination, group, topic) == 20
