"""A mirror topic that somebody deletes on the destination is no mirror any more, and can be made again (MIRROR-69)."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, assert_equal, checked, wait_for_ends
from tests.support.clients import create_topic, delete_topic, log_ends
from tests.support.producing import numbered, produce
from tests.support.workers import wait_until


def test_a_mirror_goes_with_its_topic_and_comes_back_by_command(
    source: LocalCluster, destination: LocalCluster, rest: Rest, unique: Callable[[str], str], topic: str
) -> None:
    link, stopped = unique("link"), unique("stopped")
    checked(rest.create_link(link, source))
    for name in (topic, stopped):
        create_topic(source, name)
        produce(source, name, numbered(10))
        checked(rest.create_mirror(link, name))
        rest.wait_for_status(link, name)
        wait_for_ends(source, destination, name)
    checked(rest.ask("POST", f"/{link}/mirrors:failover", {"mirror_topic_names": [stopped]}))
    rest.wait_for_status(link, stopped, "STOPPED")

    for name in (topic, stopped):
        delete_topic(destination, name)
    wait_until(lambda: rest.mirrors(link) == [], "both mirrors are gone", 120, 0.5)
    assert log_ends(source, topic) == [10], "the source is not touched"

    produce(source, topic, numbered(5, start=10))
    checked(rest.create_mirror(link, topic))
    rest.wait_for_status(link, topic)
    wait_for_ends(source, destination, topic)
    assert_equal(source, destination, topic)
    checked(rest.ask("DELETE", f"/{link}", force="true"))
    assert log_ends(destination, topic) == [16]
