"""RUN-33: the rules of deleting a link (MIRROR-74), LINK-100 to LINK-105, one by one.

Through both doors.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.local.cluster import LocalCluster
from tests.acceptance.doors import Door
from tests.support.asking import Rest, refusal, wait_for_ends
from tests.support.clients import create_topic, log_ends
from tests.support.producing import TransactionalProducer, numbered, produce


@pytest.fixture
def link(door: Door, source: LocalCluster, unique: Callable[[str], str]) -> str:
    name = unique("link")
    door.create_link(name, source)
    return name


@pytest.fixture
def topic(
    *,
    door: Door,
    rest: Rest,
    source: LocalCluster,
    destination: LocalCluster,
    link: str,
    unique: Callable[[str], str],
) -> str:
    """A topic with 10 records that is mirrored."""
    name = unique("topic")
    create_topic(source, name)
    produce(source, name, numbered(10))
    door.create_mirror(link, name)
    rest.wait_for_status(link, name)
    wait_for_ends(source, destination, name)
    return name


def test_link_100_live_mirrors_keep_it(rest: Rest, door: Door, link: str, topic: str) -> None:
    assert f"{topic} (ACTIVE)" in door.cannot_delete_link(link)
    assert refusal(rest.ask("DELETE", f"/{link}")) == (403, 40301)
    assert link in door.links()


def test_link_101_a_drain_keeps_it_too(rest: Rest, door: Door, source: LocalCluster, link: str, topic: str) -> None:
    held = TransactionalProducer(source, topic).begin()
    held.send(numbered(5, start=10))
    door.operate("promote", link, topic)
    rest.wait_for_status(link, topic, "PENDING_STOPPED")
    assert f"{topic} (PENDING_STOPPED)" in door.cannot_delete_link(link)
    assert refusal(rest.ask("DELETE", f"/{link}")) == (403, 40301)
    held.commit()
    rest.wait_for_status(link, topic, "STOPPED", within_s=60)


def test_link_102_history_goes_and_104_data_stays(
    rest: Rest, destination: LocalCluster, door: Door, link: str, topic: str
) -> None:
    door.operate("failover", link, topic)
    rest.wait_for_status(link, topic, "STOPPED")
    assert door.describe(link, topic) == ("STOPPED", [0], [10])
    door.delete_link(link, dry_run=True)
    assert link in door.links()
    door.delete_link(link)
    assert link not in door.links()
    assert rest.mirror(link, topic) == {}
    assert log_ends(destination, topic) == [11]


def test_link_103_force_fails_over_first(
    door: Door, source: LocalCluster, destination: LocalCluster, link: str, topic: str
) -> None:
    door.operate("pause", link, topic)
    door.delete_link(link, failover_mirrors=True)
    assert link not in door.links()
    produce(source, topic, numbered(3, start=10))
    assert produce(destination, topic, numbered(1, start=99)) == [11], "the users', and nothing more comes"


def test_link_105_an_absent_link(rest: Rest, door: Door, unique: Callable[[str], str]) -> None:
    absent = unique("absent")
    assert refusal(rest.ask("DELETE", f"/{absent}")) == (404, 404)
    assert absent in door.cannot_delete_link(absent)


def test_a_deleted_links_name_and_topic_can_be_used_again(
    door: Door, source: LocalCluster, link: str, topic: str
) -> None:
    door.delete_link(link, failover_mirrors=True)
    door.create_link(link, source)
    assert topic in door.cannot_create_mirror(link, topic), "the topic is a regular one now, and stays"
