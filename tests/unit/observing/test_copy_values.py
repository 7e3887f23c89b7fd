"""What the worker that copies says, and what it says of itself."""

from __future__ import annotations

import pytest

from pipeline.metrics.meter import METER
from pipeline.mirror.engine import keep_counts
from pipeline.mirror.link_copying import SOURCE_SILENT
from pipeline.mirror.verdicts import Api, judge
from pipeline.observing.copy_values import blocked_by
from tests.unit.lifecycle.rows import mirror
from tests.unit.observing.worlds import fresh_meter, scraped, series, shot, status, world


@pytest.fixture(autouse=True)
def meter() -> None:
    fresh_meter()


def test_partitions_are_given_by_whoever_copies_them() -> None:
    found = scraped(shot(world(mirror()).model, status(partition=1), owned=frozenset()))
    at = {"link": "l", "topic": "m", "partition": "1"}
    assert series(found, "mirror_lag_records", **at) == 10
    assert series(found, "mirror_log_end_offset", **at) == 90
    assert series(found, "mirror_source_high_watermark", **at) == 100
    assert series(found, "link_max_lag_records", link="l") is None  # somebody else leads it


def test_a_partition_without_its_start_has_no_lag_yet() -> None:
    found = scraped(shot(world(mirror()).model, status(is_seeded=False)))
    assert series(found, "mirror_lag_records", link="l", topic="m", partition="0") is None


def test_counts_go_on_when_a_copier_ends_and_another_begins() -> None:
    """A counter that fell would read as a restart, and rates would be wrong (MET-65)."""
    model = world(mirror()).model
    first, second = status(partition=0, records=90), status(partition=1, records=10)
    at = {"link": "l", "topic": "m"}
    assert series(scraped(shot(model, first, second)), "mirror_records_total", **at) == 100
    keep_counts(first)
    assert series(scraped(shot(model, second)), "mirror_records_total", **at) == 100
    assert series(scraped(shot(model, second, status(records=5))), "mirror_records_total", **at) == 105
    keep_counts(second)
    assert series(scraped(shot(model)), "mirror_records_total", **at) == 100
    assert METER.numbers["clusterlink_mirror_bytes_total"]["l", "m"] == 1800


@pytest.mark.parametrize(
    ("waits_for", "reason"),
    [
        ("", None),
        (judge(Api.PRODUCE, 19).reason, "not_enough_replicas"),
        (judge(Api.PRODUCE, 20).reason, "not_enough_replicas"),
        (judge(Api.FETCH, 5).reason, "no_leader"),
        ("m-0: no leader known", "no_leader"),
        (SOURCE_SILENT, "source_unavailable"),
        ("m-0: replicas are slow, or fewer of them in sync than min.insync.replicas", "not_enough_replicas"),
        (judge(Api.PRODUCE, 45).reason, None),
    ],
)
def test_why_a_partition_is_blocked(waits_for: str, reason: str | None) -> None:
    assert blocked_by(waits_for) == reason


def test_blocked_and_throttled_partitions_are_counted() -> None:
    model, waiting = world(mirror()).model, status(waits_for=judge(Api.PRODUCE, 19).reason)
    found = scraped(shot(model, waiting, status(partition=1), throttled=True, dead=1))
    blocked = {
        reason: series(found, "mirror_partitions_blocked", link="l", reason=reason)
        for reason in ("source_unavailable", "not_enough_replicas", "no_leader")
    }
    assert blocked == {"source_unavailable": 0, "not_enough_replicas": 1, "no_leader": 0}
    assert series(found, "throttled_partitions", link="l") == 2
    assert series(found, "fetchers_dead", link="l") == 1


def test_a_mirror_is_as_old_as_its_slowest_partition() -> None:
    late = status(partition=1, behind_since_ms=1, last_timestamp_ms=0, seen_ms=1_000)
    snapshot = shot(world(mirror()).model, status(seen_ms=5_000), late)
    found = scraped(snapshot)
    assert series(found, "mirror_lag_seconds", link="l", topic="m") == (snapshot.now_ms - 1) / 1000
    assert series(found, "mirror_last_fetch_age_seconds", link="l", topic="m") == (snapshot.now_ms - 1_000) / 1000


def test_a_worker_says_who_it_is_and_what_it_holds() -> None:
    found = scraped(shot(world(mirror()).model, status()))
    assert series(found, "worker_info", worker="here:8090", version="1.2.3") == 1
    assert series(found, "worker_partitions", worker="here:8090") == 1
    assert series(found, "worker_links_led", worker="here:8090") == 1
    assert series(found, "memory_held_bytes", worker="here:8090") == 5
    assert series(found, "faust_events_total") == 7
    assert ("process_resident_memory_bytes", frozenset()) in found
