"""Properties of a link's watch over its source take effect while it runs (LINK-10)."""

from __future__ import annotations

import time

from tests.broker.hot.conftest import NEVER_MS, Running
from tests.support.asking import checked
from tests.support.clients import add_partitions, create_topic, delete_topic
from tests.support.tapping import Api
from tests.support.workers import wait_until

WITHIN_S = 120.0
GROWS, GOES = "hot-grows", "hot-goes"
FAILURES = "clusterlink_probe_failures_total"


def mirrored(running: Running, topic: str) -> None:
    create_topic(running.source, topic)
    checked(running.rest.create_mirror("hot", topic))
    running.rest.wait_for_status("hot", topic)


def test_how_old_metadata_may_be(running: Running) -> None:
    """LINK-52: added partitions are found by the new age, which does not wait for the old one to pass."""
    running.alter(metadata_max_age_ms=NEVER_MS)
    mirrored(running, GROWS)
    add_partitions(running.source, GROWS, 2)

    def partitions() -> int:
        return len(running.rest.mirror("hot", GROWS)["partition_states"])

    assert partitions() == 1
    running.alter(metadata_max_age_ms="1000")
    wait_until(lambda: partitions() == 2, "the mirror has grown", WITHIN_S, 0.25)


def test_how_long_a_missing_topic_is_waited_for(running: Running) -> None:
    """LINK-36: a mirror that waits already hears of it."""
    running.alter(cluster_link_retry_timeout_ms=NEVER_MS)
    mirrored(running, GOES)
    delete_topic(running.source, GOES)
    gone = time.monotonic()
    name = GOES.encode()

    def looked_for() -> int:
        return sum(name in asked.body for asked in running.tap.heard(Api.METADATA, gone))

    wait_until(lambda: looked_for() >= 3, "it is looked for", WITHIN_S)
    assert running.rest.mirror("hot", GOES)["mirror_status"] == "ACTIVE"
    running.alter(cluster_link_retry_timeout_ms="1000")
    running.rest.wait_for_status("hot", GOES, "FAILED")


def test_how_often_is_probed_and_how_often_that_may_fail(running: Running) -> None:
    """LINK-37, LINK-38: a change is probed at once, so the first failure says nothing of how often."""
    tap = running.tap
    tap.refuses = True
    tap.reset()
    never = {"availability_check_ms": NEVER_MS, "availability_check_consecutive_failure_threshold": "1000"}
    running.alter(**never)
    before = running.metric(FAILURES)
    running.alter(availability_check_ms="1000")
    wait_until(lambda: running.metric(FAILURES) >= before + 4, "probes fail one after the other", WITHIN_S, 0.25)
    assert running.row()["link_state"] == "ACTIVE"
    running.alter(availability_check_consecutive_failure_threshold="2")
    wait_until(lambda: running.row()["link_state"] == "UNAVAILABLE", "enough have failed", WITHIN_S, 0.25)
    tap.clears()
    wait_until(lambda: running.row()["link_state"] == "ACTIVE", "the link is back", WITHIN_S, 0.25)
    running.still_copies()
