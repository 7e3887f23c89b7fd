"""docs/from-mirrormaker2.md: groups move from a copy with other offsets to a mirror, and read nothing twice.

The copy is what MirrorMaker 2 leaves of a source whose log begins above 0: the same records, from offset 0 on.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.local.cluster import LocalCluster
from tests.acceptance.tasks import commit, committed, name_filters
from tests.support.asking import Rest, assert_equal, checked, wait_for_ends
from tests.support.clients import create_topic, delete_records, delete_topic, log_ends, topic_names
from tests.support.consuming import consume
from tests.support.producing import Sent, numbered, produce
from tests.support.workers import wait_until

DELETED, RECORDS, READ = 20, 50, 40
"""At the source: offsets that are gone, the log's end, and up to where the group has read."""


def copied(source: LocalCluster, destination: LocalCluster, topic: str, copy: str) -> None:
    """A source whose log begins above 0, and its copy."""
    create_topic(source, topic)
    produce(source, topic, numbered(RECORDS))
    delete_records(source, topic, DELETED)
    create_topic(destination, copy)
    produce(destination, copy, [Sent(each.value, each.key) for each in consume(source, topic, start=DELETED)])
    assert log_ends(destination, copy) == [RECORDS - DELETED]


def test_a_standby_copy_is_replaced_and_its_groups_follow(
    source: LocalCluster, destination: LocalCluster, rest: Rest, unique: Callable[[str], str]
) -> None:
    topic, group, link = unique("orders"), unique("shop"), unique("east")
    copied(source, destination, topic, topic)
    commit(source, group, topic, READ)
    commit(destination, group, topic, READ - DELETED)  # what MirrorMaker 2 has made of it
    delete_topic(destination, topic)
    wait_until(lambda: committed(destination, group, topic) is None, "the translated offset is forgotten")
    filters = name_filters("groupFilters", (group, "LITERAL", "INCLUDE"))
    often = {"consumer_offset_sync_enable": "true", "consumer_offset_sync_ms": "1000"}
    checked(rest.create_link(link, source, **often, consumer_offset_group_filters=filters))
    checked(rest.create_mirror(link, topic))
    wait_for_ends(source, destination, topic)
    wait_until(
        lambda: committed(destination, group, topic) == READ, "the group has the source's own offset", poll_s=0.2
    )
    assert_equal(source, destination, topic)
    checked(rest.ask("POST", f"/{link}/mirrors:promote", {"mirror_topic_names": [topic]}))
    rest.wait_for_status(link, topic, "STOPPED")
    rest_of_it = consume(destination, topic, start=committed(destination, group, topic) or 0)
    assert [each.value for each in rest_of_it] == [each.value for each in numbered(RECORDS - READ, start=READ)]


def test_consumers_of_a_copy_go_on_behind_it_on_the_mirror(
    source: LocalCluster, destination: LocalCluster, rest: Rest, unique: Callable[[str], str]
) -> None:
    topic, group, link = unique("orders"), unique("shop"), unique("east")
    copied(source, destination, topic, f"source.{topic}")
    commit(destination, group, f"source.{topic}", RECORDS - DELETED)  # it has read the copy to its end
    checked(rest.create_link(link, source))
    checked(rest.create_mirror(link, topic))
    wait_for_ends(source, destination, topic)
    commit(destination, group, topic, *log_ends(destination, topic))
    produce(source, topic, numbered(10, start=RECORDS))
    wait_for_ends(source, destination, topic)
    read = consume(destination, topic, start=committed(destination, group, topic) or 0)
    assert [each.value for each in read] == [each.value for each in numbered(10, start=RECORDS)]
    assert f"source.{topic}" in topic_names(destination), "the copy stays beside it"
