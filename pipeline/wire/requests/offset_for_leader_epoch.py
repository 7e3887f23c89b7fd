"""OffsetForLeaderEpoch (API 23), v3 and v4: where a leader epoch ended, to see that a source was truncated (KIP-320).

Asked for the epoch E of our last batch, the leader answers with its largest epoch <= E and that one's end offset. If
the epoch differs, or its end lies before our position, the source no longer holds what was mirrored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pipeline.wire.requests.base import Request
from pipeline.wire.requests.codec import Reader, Writer, grouped


@dataclass(frozen=True, slots=True)
class EpochQuery:
    topic: str
    partition: int
    leader_epoch: int
    """The epoch to look up."""
    current_leader_epoch: int = -1
    """Fences the request: 74 when it is behind the broker's, 75 when ahead; -1 does not."""


@dataclass(frozen=True, slots=True)
class EpochEnd:
    topic: str
    partition: int
    error_code: int
    leader_epoch: int
    """-1 where the leader knows no epoch that low, or none that high yet."""
    end_offset: int
    """Of the leader's newest epoch: the true end of its log, above the high watermark too; -1 with epoch -1."""


@dataclass(frozen=True, slots=True)
class OffsetForLeaderEpochResponse:
    throttle_ms: int
    partitions: tuple[EpochEnd, ...]


@dataclass(frozen=True, slots=True)
class OffsetForLeaderEpochRequest(Request[OffsetForLeaderEpochResponse]):
    API: ClassVar[str] = "OffsetForLeaderEpoch"
    API_KEY: ClassVar[int] = 23
    VERSIONS: ClassVar[tuple[int, int]] = (3, 4)
    FLEXIBLE_FROM: ClassVar[int] = 4

    partitions: Sequence[EpochQuery]
    replica_id: int = -1

    def encode(self, out: Writer, version: int) -> None:
        out.int32(self.replica_id)
        topics = grouped(self.partitions, lambda p: p.topic)
        out.count(len(topics))
        for topic, partitions in topics.items():
            out.string(topic)
            out.count(len(partitions))
            for p in partitions:
                out.int32(p.partition)
                out.int32(p.current_leader_epoch)
                out.int32(p.leader_epoch)
                out.tags()
            out.tags()
        out.tags()

    def decode(self, answer: Reader, version: int) -> OffsetForLeaderEpochResponse:
        throttle_ms = answer.int32()
        partitions: list[EpochEnd] = []
        for _ in range(answer.count()):
            topic = answer.string()
            for _ in range(answer.count()):
                error_code, partition = answer.int16(), answer.int32()
                partitions.append(EpochEnd(topic, partition, error_code, answer.int32(), answer.int64()))
                answer.tags()
            answer.tags()
        answer.tags()
        return OffsetForLeaderEpochResponse(throttle_ms, tuple(partitions))
