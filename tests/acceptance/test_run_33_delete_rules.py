"""RUN-33: the rules of deleting a link (MIRROR-74), LINK-100 to LINK-105, one by one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.local.cluster import LocalCluster
from tests.acceptance.operating import Operator
from tests.support.asking import Rest, checked, refusal, wait_for_ends
from tests.support.clients import create_topic, log_ends
from tests.support.load import Load
from tests.support.producing import numbered, produce


@pytest.fixture
def link(rest: Rest, source: LocalCluster, unique: Callable[[str], str]) -> str:
    name = unique("link")
    checked(rest.create_link(name, source))
    return name


@pytest.fixture
def topic(rest: Rest, source: LocalCluster, destination: LocalCluster, link: str, unique: Callable[[str], str]) -> str:
    """A topic with 10 records that is mirrored."""
    name = unique("topic")
    create_topic(source, name)
    produce(source, name, numbered(10))
    checked(rest.create_mirror(link, name))
    rest.wait_for_status(link, name)
    wait_for_ends(source, destination, name)
    return name


def test_link_100_live_mirrors_keep_it(rest: Rest, operator: Operator, link: str, topic: str) -> None:
    answer = rest.ask("DELETE", f"/{link}")
    assert refusal(answer) == (403, 40301)
    assert f"{topic} (ACTIVE)" in answer.json()["message"]
    assert link in rest.links()


def test_link_101_a_drain_keeps_it_too(rest: Rest, source: LocalCluster, link: str, topic: str) -> None:
    with Load(source, topic, 1):
        checked(rest.ask("POST", f"/{link}/mirrors:promote", {"mirror_topic_names": [topic]}))
        rest.wait_for_status(link, topic, "PENDING_STOPPED", within_s=30)
        answer = rest.ask("DELETE", f"/{link}")
        assert refusal(answer) == (403, 40301)
        assert f"{topic} (PENDING_STOPPED)" in answer.json()["message"]
    rest.wait_for_status(link, topic, "STOPPED", within_s=60)


def test_link_102_history_goes_and_104_data_stays(
    rest: Rest, destination: LocalCluster, operator: Operator, link: str, topic: str
) -> None:
    operator.says("mirror", "failover", topic, "--link", link)
    rest.wait_for_status(link, topic, "STOPPED")
    history = rest.mirror(link, topic)
    assert history["mirror_lags"] == [{"partition": 0, "lag": 0, "last_source_fetch_offset": 10}]
    checked(rest.ask("DELETE", f"/{link}", validate_only="true"))
    assert link in rest.links()
    checked(rest.ask("DELETE", f"/{link}"))
    assert link not in rest.links()
    assert rest.mirror(link, topic) == {}
    assert log_ends(destination, topic) == [11]


def test_link_103_force_fails_over_first(
    rest: Rest, source: LocalCluster, destination: LocalCluster, link: str, topic: str
) -> None:
    checked(rest.ask("POST", f"/{link}/mirrors:pause", {"mirror_topic_names": [topic]}))
    checked(rest.ask("DELETE", f"/{link}", force="true"))
    assert link not in rest.links()
    produce(source, topic, numbered(3, start=10))
    assert produce(destination, topic, numbered(1, start=99)) == [11], "the users', and nothing more comes"


def test_link_105_an_absent_link(rest: Rest, operator: Operator, unique: Callable[[str], str]) -> None:
    absent = unique("absent")
    assert refusal(rest.ask("DELETE", f"/{absent}")) == (404, 404)
    assert absent in operator.is_refused("link", "delete", absent, "--force")


def test_a_deleted_links_name_and_topic_can_be_used_again(
    rest: Rest, source: LocalCluster, link: str, topic: str
) -> None:
    checked(rest.ask("DELETE", f"/{link}", force="true"))
    checked(rest.create_link(link, source))
    assert refusal(rest.create_mirror(link, topic))[0] == 400, "the topic is a regular one now, and stays"
