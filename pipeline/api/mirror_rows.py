"""KafkaMirrorData: a mirror as REST-59..62 shows it, and the rows of an operation's answer (REST-63)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.api.envelopes import Address, Row, resource
from pipeline.link.models import FinalPosition, Mirror, Position
from pipeline.link.states import MirrorStatus

ALTER_FIELDS = {
    "mirror_topic_name": "",
    "error_code": None,
    "error_message": None,
    "mirror_lags": (),
    "messages_truncated": None,
    "partition_level_truncation_data": (),
}


def mirror_row(
    mirror: Mirror,
    positions: Sequence[Position],
    cluster_id: str,
    address: Address,
    *,
    with_errors: bool = False,
    with_partitions: bool = False,
) -> Row:
    """A mirror with the lag of each partition; `with_partitions` adds ours, the figures of MIRROR-100."""
    path = ("clusters", cluster_id, "links", mirror.link, "mirrors", mirror.mirror_topic)
    fields: Row = {
        "link_name": mirror.link,
        "mirror_topic_name": mirror.mirror_topic,
        "source_topic_name": mirror.source_topic,
        "num_partitions": mirror.partitions,
        "mirror_lags": lag_rows(mirror, positions),
        "mirror_status": str(mirror.status),
        "mirror_topic_error": str(mirror.error),
        "state_time_ms": mirror.status_time_ms,
    }
    if with_errors:
        fields["mirror_state_transition_errors"] = [
            {"error_code": str(e.error_code), "error_message": e.error_message} for e in mirror.transition_errors
        ]
    if with_partitions:
        fields["mirror_topic_error_message"] = mirror.error_message
        fields["partition_states"] = [_state_row(mirror, position) for position in positions]
    names = {"kafka": cluster_id, "link": mirror.link, "mirror": mirror.mirror_topic}
    return resource("KafkaMirrorData", address, path, names, fields)


def lag_rows(mirror: Mirror, positions: Sequence[Position]) -> list[Row]:
    """Lag and last fetch per partition, all of them; those of a stopped mirror as they were when it stopped
    (MIRROR-79).
    """
    known: dict[int, Position | FinalPosition] = {position.partition: position for position in positions}
    if mirror.status is MirrorStatus.STOPPED and mirror.final:
        known = {final.partition: final for final in mirror.final}
    return [_lag_row(partition, known.get(partition)) for partition in range(mirror.partitions)]


def _lag_row(partition: int, at: Position | FinalPosition | None) -> Row:
    if at is None:
        return {"partition": partition, "lag": 0, "last_source_fetch_offset": -1}
    return {"partition": partition, "lag": at.lag, "last_source_fetch_offset": at.last_source_fetch_offset}


def _state_row(mirror: Mirror, position: Position) -> Row:
    return {
        "partition": position.partition,
        "state": str(mirror.status),
        "local_log_end_offset": position.log_end_offset,
        "last_fetch_source_high_watermark": position.source_high_watermark,
        "lag": position.lag,
        "last_fetch_ms": position.last_fetch_ms,
        "records": position.records,
        "bytes": position.bytes,
        "gap_offsets": position.gap_offsets,
        "lost": [list(span) for span in position.lost],
        "error": str(position.error),
        "error_message": position.error_message,
        "marker_path": position.marker_path,
        "worker": position.worker,
        "time_ms": position.time_ms,
    }


def topic_results(data: Any) -> list[Row]:
    """The results per topic that a command on mirrors carries."""
    return [dict(row) for row in data.get("mirrors", ())] if isinstance(data, Mapping) else []


def http_status(error_code: int) -> int:
    """The HTTP status an error_code belongs to: 400 to 400, 40403 to 404 (spec 8.4)."""
    return error_code if error_code < 1000 else error_code // 100


def alter_row(row: Mapping[str, Any], link: str, cluster_id: str, address: Address) -> Row:
    """One topic of an operation's answer; what the worker left out is null or empty (REST-63)."""
    topic = str(row.get("mirror_topic_name", ""))
    fields = {name: row.get(name, default) for name, default in ALTER_FIELDS.items()}
    fields |= {name: list(fields[name] or ()) for name in ("mirror_lags", "partition_level_truncation_data")}
    path = ("clusters", cluster_id, "links", link, "mirrors", topic)
    return resource("AlterMirrorsData", address, path, {"kafka": cluster_id, "link": link, "mirror": topic}, fields)
