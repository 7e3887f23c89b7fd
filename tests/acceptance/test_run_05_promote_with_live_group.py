"""RUN-5: a promotion waits for a group that reads the mirror already; a failover does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from confluent_kafka import Consumer

from pipeline.local.cluster import LocalCluster
from tests.acceptance.tasks import commit, committed, name_filters
from tests.support.asking import Rest, checked, wait_for_ends
from tests.support.clients import configuration, create_topic
from tests.support.producing import numbered, produce
from tests.support.workers import wait_until

IN_USE = "CONSUMER_GROUP_IN_USE_ERROR"


def reasons(rest: Rest, link: str, topic: str) -> list[str]:
    answer = checked(rest.ask("GET", f"/{link}/mirrors/{topic}", include_state_transition_errors="true")).json()
    return [each["error_code"] for each in answer.get("mirror_state_transition_errors") or ()]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("way_out", ["the group ends", "failover"])
def test_run_5(
    source: LocalCluster, destination: LocalCluster, rest: Rest, unique: Callable[[str], str], way_out: str
) -> None:
    link, group, topic = unique("link")[-40:], unique("g"), unique("topic")
    create_topic(source, topic)
    produce(source, topic, numbered(20))
    filters = name_filters("groupFilters", (group, "LITERAL", "INCLUDE"))
    # An interval that never comes round in this test: what is synced at the end, the promotion itself has synced.
    often = {"consumer_offset_sync_ms": "600000", "consumer_offset_group_filters": filters}
    checked(rest.create_link(link, source, consumer_offset_sync_enable="true", **often))
    checked(rest.create_mirror(link, topic))
    rest.wait_for_status(link, topic)
    wait_for_ends(source, destination, topic)
    commit(source, group, topic, 7)
    reader = Consumer(configuration(destination, **{"group.id": group, "enable.auto.commit": False}))
    try:
        reader.subscribe([topic])
        wait_until(lambda: reader.poll(0.1) is None and reader.assignment(), "the group is live", 60, 0)
        checked(rest.ask("POST", f"/{link}/mirrors:promote", {"mirror_topic_names": [topic]}))
        wait_until(lambda: reasons(rest, link, topic) == [IN_USE], "the reason is listed", poll_s=0.25)
        assert rest.mirror(link, topic)["mirror_status"] == "PENDING_STOPPED"
        if way_out == "failover":
            checked(rest.ask("POST", f"/{link}/mirrors:failover", {"mirror_topic_names": [topic]}))
            rest.wait_for_status(link, topic, "STOPPED", within_s=60)
            return
    finally:
        reader.close()
    rest.wait_for_status(link, topic, "STOPPED", within_s=60)
    assert committed(destination, group, topic) == 7
    assert reasons(rest, link, topic) == []
