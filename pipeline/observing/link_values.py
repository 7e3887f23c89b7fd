"""Values of metrics that the leader of a link gives (`Giver.LEADER`), from rows alone. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pipeline.link.models import Link, Mirror, TaskStatus
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import (
    LinkMode,
    LinkState,
    MirrorError,
    MirrorStatus,
    StateCategory,
    TaskErrorCode,
    TaskName,
    TaskState,
)
from pipeline.metrics.meter import Labels
from pipeline.observing.snapshot import Snapshot

Value = tuple[str, Labels, float]
INTERVALS = {
    TaskName.CONSUMER_OFFSET_SYNC: "consumer_offset_sync_ms",
    TaskName.ACL_SYNC: "acl_sync_ms",
    TaskName.TOPIC_CONFIGS_SYNC: "topic_config_sync_ms",
    TaskName.AUTO_CREATE_MIRROR: "metadata_max_age_ms",
}
"""What says how often a task runs (STATE-20..23)."""


def link_values(snapshot: Snapshot) -> Iterator[Value]:
    """Everything that is known of the links this worker leads."""
    by_kind = Counter((link.mode, link.state) for link in snapshot.led.values())
    for mode in LinkMode:
        for state in LinkState:
            yield "clusterlink_links", (mode, state), by_kind[mode, state]
    for link in snapshot.led.values():
        for state in LinkState:
            yield "clusterlink_link_state", (link.name, link.mode, state), float(link.state is state)
        yield "clusterlink_acls_owned", (link.name,), snapshot.acls_owned[link.name]
        yield from _of_mirrors(snapshot, link)
        settings = LinkSettings.of(link.configs)
        for task, interval in INTERVALS.items():
            yield "clusterlink_task_interval_seconds", (link.name, task), getattr(settings, interval) / 1000
    for status in snapshot.tasks:
        yield from _of_task(snapshot, status)


def _of_mirrors(snapshot: Snapshot, link: Link) -> Iterator[Value]:
    mirrors = snapshot.mirrors[link.name]
    states = Counter(mirror.status for mirror in mirrors)
    for status in MirrorStatus:
        yield "clusterlink_mirror_topics", (link.name, status), states[status]
    partitions: Counter[str] = Counter(dict.fromkeys(PARTITION_STATES, 0))
    waiting: Counter[str] = Counter()
    largest = 0
    for mirror in mirrors:
        at = [snapshot.positions.get(f"{link.name}/{mirror.mirror_topic}/{n}") for n in range(mirror.partitions)]
        for position in at:
            has_failed = position is not None and position.error is not MirrorError.NO_ERROR
            partitions["failed" if has_failed and mirror.is_copying else partition_state(mirror)] += 1
        labels = (link.name, mirror.mirror_topic)
        yield (
            "clusterlink_mirror_state_timestamp_seconds",
            (*labels, mirror.status),
            mirror.status_time_ms / 1000,
        )
        if mirror.status is not MirrorStatus.STOPPED:  # what a failover has left is history, and waits for nothing
            waiting.update({error.error_code for error in mirror.transition_errors})
            lag = max((position.lag for position in at if position is not None), default=0)
            largest = max(largest, lag)
            yield "clusterlink_mirror_topic_max_lag_records", labels, lag
    yield "clusterlink_link_max_lag_records", (link.name,), largest
    for state, count in partitions.items():
        yield "clusterlink_mirror_partitions", (link.name, state), count
    for code, count in waiting.items():
        yield "clusterlink_mirror_transitions_in_error", (link.name, code), count


PARTITION_STATES = ("active", "paused", "pending", "in_error", "failed", "stopped")


def partition_state(mirror: Mirror) -> str:
    """Where the partitions of a mirror are counted (MET-4, MET-16): as STATE-60 does, FAILED and STOPPED apart."""
    if mirror.status is MirrorStatus.FAILED:
        return "failed"
    category = mirror.status.category
    return "stopped" if category is StateCategory.NOT_APPLICABLE else category.lower()


def _of_task(snapshot: Snapshot, status: TaskStatus) -> Iterator[Value]:
    """A task as its row has it; what its cycles here have measured is newer, and comes from the meter."""
    for code in dict.fromkeys(error.error_code for error in status.errors) or (TaskErrorCode.NO_ERROR,):
        yield "clusterlink_task_state", (status.link, status.task, status.state, code), 1
    if status.state not in (TaskState.ACTIVE, TaskState.IN_ERROR):
        return
    labels = (status.link, status.task)
    if labels not in snapshot.numbers["clusterlink_task_duration_seconds"]:
        yield "clusterlink_task_duration_seconds", labels, status.duration_ms / 1000
    has_measured = labels in snapshot.numbers["clusterlink_task_last_success_timestamp_seconds"]
    if status.state is TaskState.ACTIVE and not has_measured:
        yield "clusterlink_task_last_success_timestamp_seconds", labels, status.last_run_ms / 1000
