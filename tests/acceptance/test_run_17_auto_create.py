"""RUN-17: topics that match a filter become mirrors by themselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.local.cluster import LocalCluster
from tests.acceptance.tasks import configure, errors, name_filters, task, wait_for_state
from tests.support.asking import Rest, assert_equal, checked
from tests.support.clients import create_topic, log_ends
from tests.support.producing import numbered, produce
from tests.support.workers import wait_until

TASK = "AutoCreateMirror"


@pytest.mark.timeout(300)
def test_run_17(source: LocalCluster, destination: LocalCluster, rest: Rest, unique: Callable[[str], str]) -> None:
    link, demo = unique("link")[-40:], unique("filterdemo")[-40:]
    prefix = f"dest-{demo[-8:]}-"
    for number in range(1, 6):
        create_topic(source, f"{demo}{number}")
        produce(source, f"{demo}{number}", numbered(10))
    create_topic(destination, f"{prefix}{demo}-taken")
    filters = name_filters("topicFilters", (demo, "PREFIXED", "INCLUDE"))
    checked(
        rest.create_link(
            link,
            source,
            cluster_link_prefix=prefix,
            metadata_max_age_ms="2000",
            auto_create_mirror_topics_filters=filters,
        )
    )
    wait_for_state(rest, link, TASK, "NOT_CONFIGURED")
    assert rest.mirrors(link) == []

    configure(rest, link, auto_create_mirror_topics_enable="true", auto_create_mirror_topics_filters=filters)
    wanted = [f"{prefix}{demo}{number}" for number in range(1, 6)]
    wait_until(lambda: rest.mirrors(link) == wanted, "five mirrors", poll_s=0.25)
    create_topic(source, f"{demo}6")
    wait_until(lambda: f"{prefix}{demo}6" in rest.mirrors(link), "the sixth", poll_s=0.25)
    wait_until(lambda: task(rest, link, TASK).get("state") == "ACTIVE", "the task is fine", poll_s=0.25)

    create_topic(source, f"{demo}-taken")
    create_topic(source, f"{demo}7")
    wait_until(lambda: errors(rest, link, TASK) == ["TOPIC_EXISTS_ERROR"], "the taken name is listed", poll_s=0.25)
    assert f"{prefix}{demo}-taken" in task(rest, link, TASK)["errors"][0]["error_message"]
    wait_until(lambda: f"{prefix}{demo}7" in rest.mirrors(link), "others are unaffected", poll_s=0.25)

    configure(rest, link, auto_create_mirror_topics_enable="false")
    wait_for_state(rest, link, TASK, "NOT_CONFIGURED")
    rows = checked(rest.ask("GET", f"/{link}/configs")).json()["data"]
    assert {row["name"]: row["value"] for row in rows}["auto.create.mirror.topics.filters"] == ""
    produce(source, f"{demo}1", numbered(10, start=10))
    wait_until(lambda: log_ends(destination, f"{prefix}{demo}1") == [20], "existing ones go on", poll_s=0.25)
    assert_equal(source, destination, f"{demo}1", f"{prefix}{demo}1")
