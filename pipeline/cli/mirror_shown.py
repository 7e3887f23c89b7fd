"""Rows of mirrors and of operations on them as the command line shows them (CLI-9..12)."""

from __future__ import annotations

from typing import Any

from pipeline.cli.output import Row

LIST_COLUMNS = {
    "link_name": "Link Name",
    "mirror_topic_name": "Mirror Topic Name",
    "source_topic_name": "Source Topic Name",
    "mirror_status": "Mirror Status",
    "status_time_ms": "Status Time (ms)",
    "num_partition": "Num Partition",
    "max_per_partition_mirror_lag": "Max Per Partition Mirror Lag",
}
DESCRIBE_COLUMNS = {
    "link_name": "Link Name",
    "mirror_topic_name": "Mirror Topic Name",
    "source_topic_name": "Source Topic Name",
    "mirror_status": "Mirror Status",
    "mirror_topic_error": "Mirror Topic Error",
    "status_time_ms": "Status Time (ms)",
    "partition": "Partition",
    "partition_mirror_lag": "Partition Mirror Lag",
    "last_source_fetch_offset": "Last Source Fetch Offset",
}
VERBOSE_COLUMNS = {
    "local_log_end_offset": "Local Log End Offset",
    "last_fetch_source_high_watermark": "Last Fetch Source High Watermark",
    "time_since_last_fetch_ms": "Time Since Last Fetch (ms)",
    "lost": "Lost Offsets",
    "marker_path": "Marker Path",
    "worker": "Worker",
    "error_message": "Error Message",
}
OPERATION_COLUMNS = {
    "mirror_topic_name": "Mirror Topic Name",
    "partition": "Partition",
    "partition_mirror_lag": "Partition Mirror Lag",
    "last_source_fetch_offset": "Last Source Fetch Offset",
    "error_message": "Error Message",
    "error_code": "Error Code",
}
TRUNCATE_COLUMNS = {
    "mirror_topic_name": "Mirror Topic Name",
    "partition": "Partition",
    "error_message": "Error Message",
    "error_code": "Error Code",
    "messages_truncated": "Messages Truncated",
    "offset_truncated_to": "Offset Truncated To",
}
ERROR_COLUMNS = {
    "error_code": "Mirror State Transition Error Code",
    "error_message": "Mirror State Transition Error Message",
}


def list_row(data: Row) -> dict[str, Any]:
    """A KafkaMirrorData; its lag is the largest of its partitions' (MIRROR-97)."""
    return {
        "link_name": data["link_name"],
        "mirror_topic_name": data["mirror_topic_name"],
        "source_topic_name": data["source_topic_name"],
        "mirror_status": data["mirror_status"],
        "status_time_ms": data["state_time_ms"],
        "num_partition": data["num_partitions"],
        "max_per_partition_mirror_lag": max((lag["lag"] for lag in data["mirror_lags"]), default=0),
    }


def partition_rows(data: Row, now_ms: int) -> list[dict[str, Any]]:
    """A row for each partition (CLI-10), with the figures of MIRROR-100 where the answer has them."""
    states = {state["partition"]: state for state in data.get("partition_states", ())}
    return [
        {
            "link_name": data["link_name"],
            "mirror_topic_name": data["mirror_topic_name"],
            "source_topic_name": data["source_topic_name"],
            "mirror_status": data["mirror_status"],
            "mirror_topic_error": data["mirror_topic_error"],
            "status_time_ms": data["state_time_ms"],
            "partition": lag["partition"],
            "partition_mirror_lag": lag["lag"],
            "last_source_fetch_offset": lag["last_source_fetch_offset"],
            **(_verbose(states.get(lag["partition"], {}), data, now_ms) if "partition_states" in data else {}),
        }
        for lag in data["mirror_lags"]
    ]


def _verbose(state: Row, data: Row, now_ms: int) -> dict[str, Any]:
    fetched_ms = state.get("last_fetch_ms", 0)
    return {
        "local_log_end_offset": state.get("local_log_end_offset", -1),
        "last_fetch_source_high_watermark": state.get("last_fetch_source_high_watermark", -1),
        "time_since_last_fetch_ms": max(0, now_ms - fetched_ms) if fetched_ms else -1,
        "lost": ", ".join(f"{first}..{last}" for first, last in state.get("lost", ())),
        "marker_path": state.get("marker_path", ""),
        "worker": state.get("worker", ""),
        "error_message": state.get("error_message") or data.get("mirror_topic_error_message", ""),
    }


def operation_rows(data: Row) -> list[dict[str, Any]]:
    """One topic of an operation's answer: a row for each partition, one with -1 for a refused topic (CLI-11)."""
    nowhere = [{"partition": -1, "lag": -1, "last_source_fetch_offset": -1}]
    return [
        {
            "mirror_topic_name": data["mirror_topic_name"],
            "partition": lag["partition"],
            "partition_mirror_lag": lag["lag"],
            "last_source_fetch_offset": lag["last_source_fetch_offset"],
            "error_message": data["error_message"] or "",
            "error_code": _code(data),
        }
        for lag in (nowhere if data["error_code"] else data["mirror_lags"] or nowhere)
    ]


def truncate_rows(data: Row, with_partitions: bool) -> list[dict[str, Any]]:
    """One topic of a truncate-and-restore (CLI-12); a partition of which nothing was cut has no offset."""
    topic = {
        "mirror_topic_name": data["mirror_topic_name"],
        "error_message": data["error_message"] or "",
        "error_code": _code(data),
        "messages_truncated": "" if data["messages_truncated"] is None else str(data["messages_truncated"]),
    }
    if not with_partitions or data["error_code"]:
        return [topic]
    return [
        topic
        | {
            "partition": part["partition_id"],
            "messages_truncated": str(part["messages_truncated"] or 0),
            "offset_truncated_to": ""
            if part["offset_truncated_to"] in (None, -1)
            else str(part["offset_truncated_to"]),
        }
        for part in data["partition_level_truncation_data"]
    ] or [topic]


def _code(data: Row) -> str:
    return "" if data["error_code"] is None else str(data["error_code"])
