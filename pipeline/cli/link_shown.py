"""Rows of links, their properties and tasks as the command line shows them (CLI-2..6)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipeline.cli.output import Row

LINK_COLUMNS = {
    "link_name": "Name",
    "link_id": "ID",
    "topic_name": "Topic Name",
    "source_cluster": "Source Cluster",
    "destination_cluster": "Destination Cluster",
    "remote_cluster": "Remote Cluster",
    "state": "State",
    "error": "Error",
    "error_message": "Error Message",
    "mirror_partition_states_count": "Mirror Partition States Count",
}
CONFIG_COLUMNS = {
    "config_name": "Config Name",
    "config_value": "Config Value",
    "read_only": "Read-Only",
    "sensitive": "Sensitive",
    "source": "Source",
    "synonyms": "Synonyms",
}
TASK_COLUMNS = {"task_name": "Task Name", "state": "State", "errors": "Errors"}
TASK_RUN_COLUMNS = {"last_run_ms": "Last Run (ms)", "duration_ms": "Duration (ms)", "counts": "Counts"}


def link_row(data: Row, topic: str | None = None) -> dict[str, Any]:
    """A KafkaLinkData; what is empty is left out (CLI-2). NO_ERROR is nothing to show (STATE-10)."""
    row = {
        "link_name": data["link_name"],
        "link_id": data["cluster_link_id"],
        "topic_name": topic,
        "source_cluster": data["source_cluster_id"],
        "destination_cluster": data["destination_cluster_id"],
        "remote_cluster": data["remote_cluster_id"],
        "state": data["link_state"],
        "error": data["link_error"] if data["link_error"] != "NO_ERROR" else "",
        "error_message": data["link_error_message"],
    }
    return {name: value for name, value in row.items() if value}


def described_link_row(data: Row) -> dict[str, Any]:
    """With the count of mirror partitions in each state that has any (CLI-3)."""
    counts = [f"{each['state_category']}: {each['count']}" for each in data["category_counts"] if each["count"]]
    return link_row(data) | {"mirror_partition_states_count": ", ".join(counts)}


def topic_rows(data: Row) -> list[dict[str, Any]]:
    """A row for each mirror topic of a link; one without topic where it has none (`link list --include-topics`)."""
    return [link_row(data, topic) for topic in data["topic_names"]] or [link_row(data)]


def config_row(data: Row) -> dict[str, Any]:
    return {
        "config_name": data["name"],
        "config_value": "" if data["value"] is None else data["value"],
        "read_only": data["is_read_only"],
        "sensitive": data["is_sensitive"],
        "source": data["source"],
        "synonyms": data["synonyms"],
    }


def task_rows(tasks: Iterable[Row], with_runs: bool = False) -> list[dict[str, Any]]:
    """Tasks by name (CLI-6); `with_runs` adds the last run, its duration and counts (TASK-54)."""
    names = ("task_name", "state", "errors", *(TASK_RUN_COLUMNS if with_runs else ()))
    return [
        {name: task[name] for name in names if name in task}
        for task in sorted(tasks, key=lambda t: str(t["task_name"]))
    ]


def readable_task(task: Row) -> dict[str, Any]:
    """For people: errors as `CODE: "message"`, counts as `name: number`."""
    errors = ", ".join(f'{error["error_code"]}: "{error["error_message"]}"' for error in task["errors"])
    counts = ", ".join(f"{name}: {count}" for name, count in task.get("counts", {}).items())
    return {**task, "errors": errors, "counts": counts}
