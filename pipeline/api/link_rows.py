"""KafkaLinkData: a link as REST-51..57 shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pipeline.api.envelopes import Address, Row, resource
from pipeline.link.models import Link, Mirror, TaskStatus
from pipeline.link.states import LinkMode, StateCategory

_REMOTE_FIELD = {
    LinkMode.DESTINATION: "source_cluster_id",
    LinkMode.SOURCE: "destination_cluster_id",
    LinkMode.BIDIRECTIONAL: "remote_cluster_id",
}


def link_row(
    link: Link,
    mirrors: Sequence[Mirror],
    tasks: Sequence[TaskStatus] | None,
    cluster_id: str,
    address: Address,
    *,
    with_runs: bool = False,
) -> Row:
    """A link with its mirrors; `tasks` is None unless the caller asked for them (REST-56)."""
    by_name = None if tasks is None else sorted(tasks, key=lambda task: task.task)
    remote: Row = dict.fromkeys(_REMOTE_FIELD.values())
    remote[_REMOTE_FIELD[link.mode]] = link.remote_cluster_id
    return resource(
        "KafkaLinkData",
        address,
        ("clusters", cluster_id, "links", link.name),
        {"kafka": cluster_id, "link": link.name},
        {
            **remote,
            "link_name": link.name,
            "link_id": link.link_id,
            "cluster_link_id": link.cluster_link_id,
            "topic_names": sorted(mirror.mirror_topic for mirror in mirrors),
            "link_error": str(link.error),
            "link_error_message": link.error_message,
            "link_state": str(link.state),
            "tasks": None if by_name is None else [task_row(task, with_runs) for task in by_name],
            "category_counts": category_counts(mirrors),
        },
    )


def task_row(task: TaskStatus, with_run: bool = False) -> Row:
    """A task with its errors; `with_run` adds ours, what its last run did (TASK-54)."""
    run: Row = {"last_run_ms": task.last_run_ms, "duration_ms": task.duration_ms, "counts": dict(task.counts)}
    return {
        "task_name": str(task.task),
        "state": str(task.state),
        "errors": [{"error_code": str(e.error_code), "error_message": e.error_message} for e in task.errors],
        **(run if with_run else {}),
    }


def category_counts(mirrors: Sequence[Mirror]) -> list[Row]:
    """Mirror partitions per category, every category listed (STATE-60)."""
    counts: Counter[StateCategory] = Counter()
    for mirror in mirrors:
        counts[mirror.status.category] += mirror.partitions
    return [{"state_category": str(category), "count": counts[category]} for category in StateCategory]
