"""RUN-9, MIRROR-78: failback without a bidirectional link, by deleting a topic: on either side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipeline.local.cluster import LocalCluster
from tests.support.asking import assert_equal, checked, wait_for_ends
from tests.support.clients import create_topic, delete_topic, log_ends
from tests.support.consuming import consume
from tests.support.pairing import Side, paired
from tests.support.producing import numbered, produce


def mirror(side: Side, link: str, topic: str, origin: LocalCluster) -> None:
    checked(side.rest.create_mirror(link, topic))
    side.rest.wait_for_status(link, topic)
    wait_for_ends(origin, side.cluster, topic)


def stop(side: Side, link: str, topic: str, how: str) -> None:
    checked(side.rest.ask("POST", f"/{link}/mirrors:{how}", {"mirror_topic_names": [topic]}))
    side.rest.wait_for_status(link, topic, "STOPPED")


def test_run_9(source: LocalCluster, destination: LocalCluster, tmp_path: Path, unique: Callable[[str], str]) -> None:
    topic, there, back = unique("topic"), unique("there")[-40:], unique("back")[-40:]
    create_topic(source, topic)
    produce(source, topic, numbered(100))
    with paired(source, destination, tmp_path) as (a, b):
        checked(b.rest.create_link(there, source))
        mirror(b, there, topic, source)
        produce(source, topic, numbered(5, start=100))
        stop(b, there, topic, "failover")
        produce(destination, topic, numbered(20, start=200))

        delete_topic(source, topic)
        checked(a.rest.create_link(back, destination))
        refused = b.rest.create_mirror(back, topic)
        assert refused.status_code == 404, "the link is on the other side"
        mirror(a, back, topic, destination)
        stop(a, back, topic, "promote")
        assert_equal_but_for_the_fence(destination, source, topic)

        # the other way: mirroring begins again on B
        produce(source, topic, numbered(7, start=300))
        delete_topic(destination, topic)
        mirror(b, there, topic, source)
        assert_equal(source, destination, topic)


def assert_equal_but_for_the_fence(source: LocalCluster, mirror: LocalCluster, topic: str) -> None:
    """The mirror has stopped: its log is its source's, and one offset longer (docs/stopping.md)."""
    assert consume(mirror, topic) == consume(source, topic)
    assert log_ends(mirror, topic) == [log_ends(source, topic)[0] + 1]
