"""RUN-24 and RUN-25: topic configs and partitions follow the source, but for what is kept apart."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.link.topic_configs import DEFAULT_INCLUDE
from pipeline.local.cluster import LocalCluster
from tests.acceptance.tasks import errors, task, wait_for_state
from tests.support.asking import Rest, assert_equal, checked, wait_for_ends
from tests.support.clients import add_partitions, config, create_topic, set_config
from tests.support.producing import numbered, produce
from tests.support.workers import wait_until

TASK = "TopicConfigsSync"
LONG_MS = "7776000000"


@pytest.mark.timeout(300)
def test_run_24(
    source: LocalCluster, destination: LocalCluster, rest: Rest, unique: Callable[[str], str], topic: str
) -> None:
    link = unique("link")[-40:]
    create_topic(source, topic, 2)
    checked(rest.create_link(link, source, topic_config_sync_ms="1000", metadata_max_age_ms="2000"))
    checked(rest.create_mirror(link, topic))
    rest.wait_for_status(link, topic)
    wait_for_state(rest, link, TASK, "ACTIVE")

    def repaired() -> int:
        return int(task(rest, link, TASK)["counts"].get("configs_repaired", 0))

    assert repaired() == 0
    set_config(source, topic, "retention.ms", "123456789")
    wait_until(lambda: config(destination, topic, "retention.ms") == "123456789", "retention.ms follows", poll_s=0.25)
    set_config(destination, topic, "retention.ms", "99")
    wait_until(lambda: repaired() > 0, "it is noticed", poll_s=0.25)
    wait_until(lambda: config(destination, topic, "retention.ms") == "123456789", "it is set back", poll_s=0.25)

    add_partitions(source, topic, 8)
    wait_until(lambda: len(rest.mirror(link, topic)["partition_states"]) == 8, "partitions follow", poll_s=0.25)
    for partition in range(8):
        produce(source, topic, numbered(5, partition=partition))
    wait_for_ends(source, destination, topic, 8)

    add_partitions(destination, topic, 9)
    wait_until(lambda: errors(rest, link, TASK), "a partition that the source does not have is listed", poll_s=0.25)
    report = task(rest, link, TASK)
    assert "added some here" in report["errors"][0]["error_message"], "MIRROR-93"
    assert len(rest.mirror(link, topic)["partition_states"]) == 8
    add_partitions(source, topic, 9)
    produce(source, topic, numbered(5, partition=8))
    wait_for_state(rest, link, TASK, "ACTIVE")
    wait_for_ends(source, destination, topic, 9)
    assert_equal(source, destination, topic, partitions=9)


@pytest.mark.timeout(300)
def test_run_25(
    source: LocalCluster, destination: LocalCluster, rest: Rest, unique: Callable[[str], str], topic: str
) -> None:
    link = unique("link")[-40:]
    create_topic(source, topic, retention_ms="86400000")
    include = ",".join(name for name in DEFAULT_INCLUDE if name != "retention.ms")
    checked(rest.create_link(link, source, topic_config_sync_ms="1000", topic_config_sync_include=include))
    given = {"source_topic_name": topic, "configs": [{"name": "retention.ms", "value": LONG_MS}]}
    checked(rest.ask("POST", f"/{link}/mirrors", given))
    rest.wait_for_status(link, topic)
    set_config(source, topic, "segment.ms", "1000000")
    set_config(source, topic, "retention.ms", "1000000")
    wait_until(lambda: config(destination, topic, "segment.ms") == "1000000", "a cycle has been", poll_s=0.25)
    assert config(destination, topic, "retention.ms") == LONG_MS
