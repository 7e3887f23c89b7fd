"""A mirror's progress, from the worker's REST interface, with rates computed from one look to another.

Workers report about once a second and partition, so rates are taken over a few seconds: from one look to the next they
would be nothing or twice as much.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import httpx

RATE_OVER_S = 3.0
SHOWN_WITHIN_S, AGAIN_S = 60.0, 0.1
"""What was made by records on the commands topic shows over REST a moment later (REST-96)."""


@dataclass(frozen=True, slots=True)
class PartitionLine:
    """One partition at one look. Rates are since an earlier look, 0 at the first."""

    partition: int
    source_end: int
    mirror_end: int
    lag: int
    records: int
    bytes: int
    records_per_s: float
    bytes_per_s: float
    gap_offsets: int
    marker_path: str
    error: str


@dataclass(frozen=True, slots=True)
class Look:
    """The mirror at one moment."""

    time_s: float
    status: str
    error: str
    lines: tuple[PartitionLine, ...]

    @property
    def lag(self) -> int:
        return sum(line.lag for line in self.lines)

    @property
    def mirror_ends(self) -> int:
        return sum(max(0, line.mirror_end) for line in self.lines)

    @property
    def records_per_s(self) -> float:
        return sum(line.records_per_s for line in self.lines)


def look(row: dict[str, Any], now_s: float, before: Look | None) -> Look:
    """Read a KafkaMirrorData row with partition states (MIRROR-100)."""
    earlier = {line.partition: line for line in before.lines} if before else {}
    elapsed_s = now_s - before.time_s if before else 0.0
    lines = tuple(_line(state, earlier.get(state["partition"]), elapsed_s) for state in row.get("partition_states", ()))
    error = _error(row["mirror_topic_error"], row.get("mirror_topic_error_message"))
    return Look(now_s, row["mirror_status"], error, lines)


def _line(state: dict[str, Any], before: PartitionLine | None, elapsed_s: float) -> PartitionLine:
    def rate(value: int, earlier: int) -> float:
        # A worker that takes over begins to count again: no negative rates.
        return max(0, value - earlier) / elapsed_s if elapsed_s > 0 else 0.0

    return PartitionLine(
        partition=state["partition"],
        source_end=state["last_fetch_source_high_watermark"],
        mirror_end=state["local_log_end_offset"],
        lag=state["lag"],
        records=state["records"],
        bytes=state["bytes"],
        records_per_s=rate(state["records"], before.records) if before else 0.0,
        bytes_per_s=rate(state["bytes"], before.bytes) if before else 0.0,
        gap_offsets=state["gap_offsets"],
        marker_path=state["marker_path"],
        error=_error(state["error"], state["error_message"]),
    )


def _error(code: str, message: str | None) -> str:
    return "" if code == "NO_ERROR" else f"{code} {message or ''}".rstrip()


class Watch:
    """Looks at one mirror through one worker."""

    def __init__(self, url: str, cluster_id: str, link: str, mirror: str) -> None:
        self._client = httpx.Client(timeout=60)
        self._url = f"{url}/kafka/v3/clusters/{cluster_id}/links/{link}/mirrors/{mirror}"
        self._looks: deque[Look] = deque()

    def look(self) -> Look:
        """The mirror now. Raises httpx.HTTPError where the worker does not answer, or does not show it."""
        give_up_at = time.monotonic() + SHOWN_WITHIN_S
        while (answer := self._ask()).status_code == httpx.codes.NOT_FOUND and not self._looks:
            if time.monotonic() > give_up_at:
                break
            time.sleep(AGAIN_S)
        answer.raise_for_status()
        now_s = time.monotonic()
        while len(self._looks) > 1 and self._looks[0].time_s < now_s - RATE_OVER_S:
            self._looks.popleft()
        self._looks.append(look(answer.json(), now_s, self._looks[0] if self._looks else None))
        return self._looks[-1]

    def close(self) -> None:
        self._client.close()

    def _ask(self) -> httpx.Response:
        return self._client.get(self._url, params={"include_partition_states": "true"})
