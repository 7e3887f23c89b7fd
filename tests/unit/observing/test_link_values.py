"""What the leader of a link says of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.link.models import TaskError, TaskStatus
from pipeline.link.states import LinkState, MirrorError, MirrorStatus, TaskErrorCode, TaskName, TaskState
from pipeline.metrics.meter import METER
from pipeline.metrics.metric import Detail
from tests.unit.lifecycle.rows import LINK, mirror
from tests.unit.observing.worlds import fresh_meter, position, scraped, series, shot, status, world


@pytest.fixture(autouse=True)
def meter() -> None:
    fresh_meter()


def test_a_link_is_in_one_state() -> None:
    found = scraped(shot(world(link=replace(LINK, state=LinkState.UNAVAILABLE)).model))
    states = {s: series(found, "link_state", link="l", mode="DESTINATION", state=s) for s in LinkState}
    assert states == {s: float(s is LinkState.UNAVAILABLE) for s in LinkState}
    assert series(found, "links", mode="DESTINATION", state="UNAVAILABLE") == 1
    assert series(found, "links", mode="SOURCE", state="ACTIVE") == 0


def test_only_the_worker_that_leads_a_link_speaks_of_it() -> None:
    """MET-65: two workers that share the partitions give the link once."""
    rows = world(mirror())
    halves = [scraped(shot(rows.model, owned=frozenset(owned))) for owned in ((0, 1), (2, 3))]
    given = [half for half in halves if series(half, "link_max_lag_records", link="l") is not None]
    assert len(given) == 1
    assert sum(series(h, "links", mode="DESTINATION", state="ACTIVE") or 0 for h in halves) == 1


def test_lags_are_the_largest_of_partitions_and_of_mirrors() -> None:
    rows = world(mirror("a"), mirror("b"), mirror("stopped", status=MirrorStatus.STOPPED))
    rows.report(position("a", 0, source_high_watermark=100))
    rows.report(position("a", 1, source_high_watermark=97))
    rows.report(position("b", 0, source_high_watermark=90))
    rows.report(position("stopped", 0, source_high_watermark=10_000))
    found = scraped(shot(rows.model))
    assert series(found, "mirror_topic_max_lag_records", link="l", topic="a") == 10
    assert series(found, "mirror_topic_max_lag_records", link="l", topic="b") == 0
    assert series(found, "mirror_topic_max_lag_records", link="l", topic="stopped") is None
    assert series(found, "link_max_lag_records", link="l") == 10


def test_source_unavailable_is_a_state_of_its_own() -> None:
    """MET-62."""
    found = scraped(shot(world(mirror("a", status=MirrorStatus.SOURCE_UNAVAILABLE), mirror("b")).model))
    assert series(found, "mirror_topics", link="l", state="SOURCE_UNAVAILABLE") == 1
    assert series(found, "mirror_topics", link="l", state="ACTIVE") == 1
    assert series(found, "mirror_partitions", link="l", state="in_error") == 2


def test_partitions_that_failed_count_before_their_mirror_has() -> None:
    rows = world(mirror("a"), mirror("b", status=MirrorStatus.FAILED))
    rows.report(position("a", 1, error=MirrorError.UNEXPECTED_TRUNCATION))
    found = scraped(shot(rows.model))
    assert series(found, "mirror_partitions", link="l", state="failed") == 3
    assert series(found, "mirror_partitions", link="l", state="active") == 1


def test_a_task_in_error_has_a_series_for_each_code() -> None:
    rows = world()
    errors = (
        TaskError(TaskErrorCode.AUTHORIZATION_ERROR, "one"),
        TaskError(TaskErrorCode.AUTHORIZATION_ERROR, "two"),
        TaskError(TaskErrorCode.POLICY_VIOLATION_ERROR, "three"),
    )
    row = TaskStatus("l", TaskName.ACL_SYNC, TaskState.IN_ERROR, errors, 5_000, 20)
    rows.put("tasks", "l/AclSync", row.to_json())
    found = scraped(shot(rows.model))
    for code in ("AUTHORIZATION_ERROR", "POLICY_VIOLATION_ERROR"):
        assert series(found, "task_state", link="l", task="AclSync", state="IN_ERROR", error_code=code) == 1
    assert series(found, "task_duration_seconds", link="l", task="AclSync") == 0.02
    assert series(found, "task_last_success_timestamp_seconds", link="l", task="AclSync") is None


def test_what_cycles_measured_here_is_newer_than_the_row() -> None:
    rows = world()
    row = TaskStatus("l", TaskName.ACL_SYNC, TaskState.ACTIVE, (), 5_000, 20)
    rows.put("tasks", "l/AclSync", row.to_json())
    assert series(scraped(shot(rows.model)), "task_last_success_timestamp_seconds", link="l", task="AclSync") == 5
    METER.set("clusterlink_task_last_success_timestamp_seconds", 9.0, "l", "AclSync")
    assert series(scraped(shot(rows.model)), "task_last_success_timestamp_seconds", link="l", task="AclSync") == 9
    led_by_another = scraped(shot(rows.model, owned=frozenset()))
    assert series(led_by_another, "task_last_success_timestamp_seconds", link="l", task="AclSync") is None


def test_transitions_that_wait_are_counted_by_code() -> None:
    error = TaskError(TaskErrorCode.CONSUMER_GROUP_IN_USE_ERROR, "g")
    waiting = [mirror(name, status=MirrorStatus.PENDING_STOPPED, transition_errors=(error,)) for name in "ab"]
    found = scraped(shot(world(*waiting).model))
    assert series(found, "mirror_transitions_in_error", link="l", error_code="CONSUMER_GROUP_IN_USE_ERROR") == 2


def test_owned_acls_are_those_of_this_very_link() -> None:
    rows = world()
    rows.put("owned_acls", "l/1", {"link_id": LINK.cluster_link_id, "acls": [["x"], ["y"]]})
    rows.put("owned_acls", "l/2", {"link_id": "an older link of this name", "acls": [["z"]]})
    assert series(scraped(shot(rows.model)), "acls_owned", link="l") == 2


def test_series_vanish_with_their_link_or_mirror() -> None:
    """MET-63: nothing of what is gone is in the next scrape, counters neither."""
    rows = world(mirror("a"), mirror("b"))
    for topic in ("a", "b"):
        METER.add("clusterlink_mirror_bytes_total", "l", topic, by=5)
    METER.add("clusterlink_probe_failures_total", "l")
    assert series(scraped(shot(rows.model)), "mirror_bytes_total", link="l", topic="b") == 5
    rows.put("mirrors", "l/b", None)
    found = scraped(shot(rows.model))
    assert not [labels for _, labels in found if ("topic", "b") in labels]
    assert series(found, "mirror_bytes_total", link="l", topic="a") == 5
    rows.put("mirrors", "l/a", None)
    rows.put("links", "l", None)
    assert not [labels for _, labels in scraped(shot(rows.model)) if ("link", "l") in labels]


@pytest.mark.parametrize(
    ("detail", "topics", "partitions"),
    [(Detail.LINK, False, False), (Detail.TOPIC, True, False), (Detail.PARTITION, True, True)],
)
def test_detail_is_what_was_asked_for(detail: Detail, topics: bool, partitions: bool) -> None:
    found = scraped(shot(world(mirror("a")).model, status("a")), detail)
    names = {label for _, labels in found for label, _ in labels}
    assert ("topic" in names, "partition" in names) == (topics, partitions)
    assert series(found, "link_max_lag_records", link="l") is not None
