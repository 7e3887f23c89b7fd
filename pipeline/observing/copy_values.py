"""Values of metrics that the worker gives which copies (`Giver.COPIER`), and those of itself. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from pipeline.metrics.meter import Labels
from pipeline.mirror.link_copying import SOURCE_SILENT
from pipeline.mirror.pieces import PieceStatus
from pipeline.observing.link_values import Value
from pipeline.observing.snapshot import CopiedLink, Snapshot

_CODE = re.compile(r"\(([A-Z_]+), -?\d+\)")
_REASONS = {
    "NOT_ENOUGH_REPLICAS": "not_enough_replicas",
    "NOT_ENOUGH_REPLICAS_AFTER_APPEND": "not_enough_replicas",
    "LEADER_NOT_AVAILABLE": "no_leader",
    "NOT_LEADER_OR_FOLLOWER": "no_leader",
    "REPLICA_NOT_AVAILABLE": "no_leader",
}
SOURCE_UNAVAILABLE = "source_unavailable"
_WORDS = {
    SOURCE_SILENT: SOURCE_UNAVAILABLE,
    "min.insync.replicas": "not_enough_replicas",
    "no leader known": "no_leader",
}
REASONS = (SOURCE_UNAVAILABLE, "not_enough_replicas", "no_leader")


def copy_values(snapshot: Snapshot) -> Iterator[Value]:
    """What is copied here, by link, mirror and partition."""
    for link, copied in snapshot.copied.items():
        yield "clusterlink_fetchers_dead", (link,), copied.dead_fetchers
        yield "clusterlink_throttled_partitions", (link,), len(copied.statuses) if copied.is_throttled else 0
        blocked = Counter(filter(None, map(blocked_by, copied.waits)))
        for reason in REASONS:
            yield "clusterlink_mirror_partitions_blocked", (link, reason), blocked[reason]
        yield from _of_topics(snapshot, link, copied)


def blocked_by(waits: str) -> str | None:
    """Why a partition cannot move, in the words of MET-25, from what it waits for; None for anything else."""
    for name in _CODE.findall(waits):
        if name in _REASONS:
            return _REASONS[name]
    return next((reason for words, reason in _WORDS.items() if words in waits), None)


def _of_topics(snapshot: Snapshot, link: str, copied: CopiedLink) -> Iterator[Value]:
    by_topic: dict[str, list[PieceStatus]] = defaultdict(list)
    for status in copied.statuses:
        by_topic[status.piece.mirror_topic].append(status)
        if not status.is_seeded:
            continue
        labels = (link, status.piece.mirror_topic, str(status.piece.partition))
        end, high_watermark = status.log_end_offset, status.source_high_watermark
        yield "clusterlink_mirror_log_end_offset", labels, end
        if high_watermark >= 0:
            yield "clusterlink_mirror_source_high_watermark", labels, high_watermark
            yield "clusterlink_mirror_lag_records", labels, max(0, high_watermark - end)
    for topic, statuses in by_topic.items():
        yield "clusterlink_mirror_lag_seconds", (link, topic), max(s.lag_seconds(snapshot.now_ms) for s in statuses)
        if fetched := [status.last_fetch_ms for status in statuses if status.last_fetch_ms]:
            age_s = max(0, snapshot.now_ms - min(fetched)) / 1000
            yield "clusterlink_mirror_last_fetch_age_seconds", (link, topic), age_s


def running_counts(copied: Mapping[str, CopiedLink]) -> dict[str, dict[Labels, float]]:
    """What the copiers that run have counted so far, to be added to what the meter kept of those that ended."""
    totals: dict[str, dict[Labels, float]] = {}
    for link, each in copied.items():
        for status in each.statuses:
            labels = (link, status.piece.mirror_topic)
            for metric, count in status.counted().items():
                series = totals.setdefault(metric, {})
                series[labels] = series.get(labels, 0) + count
    return totals


def worker_values(snapshot: Snapshot) -> Iterator[Value]:
    """The worker itself."""
    at = snapshot.worker
    label = (at.worker,)
    yield "clusterlink_worker_info", (at.worker, at.version), 1
    yield "clusterlink_worker_partitions", label, sum(len(copied.statuses) for copied in snapshot.copied.values())
    yield "clusterlink_worker_control_partitions", label, at.control_partitions
    yield "clusterlink_worker_links_led", label, len(snapshot.led)
    yield "clusterlink_worker_ready", label, float(at.is_ready)
    yield "clusterlink_event_loop_lag_seconds", label, at.loop_lag_s
    yield "clusterlink_memory_held_bytes", label, at.memory_held
    yield "clusterlink_memory_budget_bytes", label, at.memory_budget
    yield "clusterlink_rebalances_total", label, at.rebalances
    for name, value in at.faust.items():
        yield f"clusterlink_faust_{name}", (), value
