"""ListOffsets (API 2), v1 to v8: the ends of logs, and the offset at a time.

With replica id -1 the end is what a consumer may read up to: the high watermark, or with READ_COMMITTED the last stable
offset. With replica id -2 (a "debug" reader) it is the true end of the leader's log, which the append protocol needs:
resuming at a high watermark that lags behind would shift records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from pipeline.wire.requests.base import Request
from pipeline.wire.requests.codec import Reader, Writer, grouped

LATEST: Final = -1
EARLIEST: Final = -2
MAX_TIMESTAMP: Final = -3  # v7+ (KIP-734)
EARLIEST_LOCAL: Final = -4  # v8+ (KIP-405)

CONSUMER: Final = -1
LOG_END: Final = -2  # as replica id: see beyond the high watermark


@dataclass(frozen=True, slots=True)
class OffsetQuery:
    """`timestamp`: ms, for the first record at or after it, or LATEST, EARLIEST, MAX_TIMESTAMP, EARLIEST_LOCAL."""

    topic: str
    partition: int
    timestamp: int = LATEST
    leader_epoch: int = -1
    """v4+: fences the request like a fetch (74, 75)."""


@dataclass(frozen=True, slots=True)
class ListedOffset:
    topic: str
    partition: int
    error_code: int
    timestamp: int
    """Of the record found, or -1 for LATEST and EARLIEST."""
    offset: int
    """-1 where no record is that young."""
    leader_epoch: int
    """Of the record found (of the leader for LATEST), -1 where unknown."""


@dataclass(frozen=True, slots=True)
class ListOffsetsResponse:
    throttle_ms: int
    partitions: tuple[ListedOffset, ...]


@dataclass(frozen=True, slots=True)
class ListOffsetsRequest(Request[ListOffsetsResponse]):
    API: ClassVar[str] = "ListOffsets"
    API_KEY: ClassVar[int] = 2
    VERSIONS: ClassVar[tuple[int, int]] = (1, 8)
    FLEXIBLE_FROM: ClassVar[int] = 6

    partitions: Sequence[OffsetQuery]
    replica_id: int = CONSUMER
    isolation: int = 0
    """1: LATEST is the last stable offset (v2+)."""

    def versions(self) -> tuple[int, int]:
        lowest = 2 if self.isolation else 1
        earliest = min((p.timestamp for p in self.partitions), default=LATEST)
        return max(lowest, {MAX_TIMESTAMP: 7, EARLIEST_LOCAL: 8}.get(earliest, 1)), 8

    def encode(self, out: Writer, version: int) -> None:
        out.int32(self.replica_id)
        if version >= 2:
            out.int8(self.isolation)
        topics = grouped(self.partitions, lambda p: p.topic)
        out.count(len(topics))
        for topic, partitions in topics.items():
            out.string(topic)
            out.count(len(partitions))
            for p in partitions:
                out.int32(p.partition)
                if version >= 4:
                    out.int32(p.leader_epoch)
                out.int64(p.timestamp)
                out.tags()
            out.tags()
        out.tags()

    def decode(self, answer: Reader, version: int) -> ListOffsetsResponse:
        throttle_ms = answer.int32() if version >= 2 else 0
        partitions: list[ListedOffset] = []
        for _ in range(answer.count()):
            topic = answer.string()
            for _ in range(answer.count()):
                head = answer.int32(), answer.int16(), answer.int64(), answer.int64()
                partitions.append(ListedOffset(topic, *head, answer.int32() if version >= 4 else -1))
                answer.tags()
            answer.tags()
        answer.tags()
        return ListOffsetsResponse(throttle_ms, tuple(partitions))
