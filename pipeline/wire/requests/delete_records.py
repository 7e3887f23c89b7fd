"""DeleteRecords (API 21), v1 and v2: move the start of a log. To the leader; needs DELETE on the topic.

44 POLICY_VIOLATION where the topic's cleanup policy has no `delete`: seed a compacted mirror under `compact,delete`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pipeline.wire.requests.base import Request
from pipeline.wire.requests.codec import Reader, Writer, grouped


@dataclass(frozen=True, slots=True)
class DeleteUpTo:
    """`offset`: the first one to keep, at most the high watermark, which -1 stands for."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class DeletedPartition:
    topic: str
    partition: int
    low_watermark: int
    """The log start offset now."""
    error_code: int


@dataclass(frozen=True, slots=True)
class DeleteRecordsResponse:
    throttle_ms: int
    partitions: tuple[DeletedPartition, ...]


@dataclass(frozen=True, slots=True)
class DeleteRecordsRequest(Request[DeleteRecordsResponse]):
    API: ClassVar[str] = "DeleteRecords"
    API_KEY: ClassVar[int] = 21
    VERSIONS: ClassVar[tuple[int, int]] = (1, 2)
    FLEXIBLE_FROM: ClassVar[int] = 2

    partitions: Sequence[DeleteUpTo]
    timeout_ms: int = 30_000
    """How long the leader waits for its followers."""

    def encode(self, out: Writer, version: int) -> None:
        topics = grouped(self.partitions, lambda p: p.topic)
        out.count(len(topics))
        for topic, partitions in topics.items():
            out.string(topic)
            out.count(len(partitions))
            for p in partitions:
                out.int32(p.partition)
                out.int64(p.offset)
                out.tags()
            out.tags()
        out.int32(self.timeout_ms)
        out.tags()

    def decode(self, answer: Reader, version: int) -> DeleteRecordsResponse:
        throttle_ms = answer.int32()
        partitions: list[DeletedPartition] = []
        for _ in range(answer.count()):
            topic = answer.string()
            for _ in range(answer.count()):
                partitions.append(DeletedPartition(topic, answer.int32(), answer.int64(), answer.int16()))
                answer.tags()
            answer.tags()
        answer.tags()
        return DeleteRecordsResponse(throttle_ms, tuple(partitions))
