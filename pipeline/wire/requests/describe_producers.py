"""DescribeProducers (API 61), v0 (KIP-664): what a partition's leader remembers of each producer.

Sent to the leader; needs READ on the topic, nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pipeline.wire.requests.base import Request
from pipeline.wire.requests.codec import Reader, Writer, grouped


@dataclass(frozen=True, slots=True)
class ProducerState:
    producer_id: int
    epoch: int
    last_sequence: int
    """-1 where the epoch has changed (by a marker) since the last data: the next batch begins at 0."""
    last_timestamp: int
    coordinator_epoch: int
    """The highest that a marker came with; -1 where none has."""
    transaction_start: int
    """First offset of the open transaction, or -1."""


@dataclass(frozen=True, slots=True)
class PartitionProducers:
    topic: str
    partition: int
    error_code: int
    error_message: str | None
    producers: tuple[ProducerState, ...]

    def find(self, producer_id: int) -> ProducerState | None:
        """What the leader knows of this producer id; None: it is new there, or expired."""
        return next((state for state in self.producers if state.producer_id == producer_id), None)


@dataclass(frozen=True, slots=True)
class DescribeProducersResponse:
    throttle_ms: int
    partitions: tuple[PartitionProducers, ...]


@dataclass(frozen=True, slots=True)
class DescribeProducersRequest(Request[DescribeProducersResponse]):
    """Asks the leader about its (topic, partition)s."""

    API: ClassVar[str] = "DescribeProducers"
    API_KEY: ClassVar[int] = 61
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0

    partitions: Sequence[tuple[str, int]]

    def encode(self, out: Writer, version: int) -> None:
        topics = grouped(self.partitions, lambda p: p[0])
        out.count(len(topics))
        for topic, partitions in topics.items():
            out.string(topic)
            out.int32s([partition for _, partition in partitions])
            out.tags()
        out.tags()

    def decode(self, answer: Reader, version: int) -> DescribeProducersResponse:
        throttle_ms = answer.int32()
        partitions: list[PartitionProducers] = []
        for _ in range(answer.count()):
            topic = answer.string()
            for _ in range(answer.count()):
                head = answer.int32(), answer.int16(), answer.nullable_string()
                partitions.append(PartitionProducers(topic, *head, answer.array(lambda: _state(answer))))
                answer.tags()
            answer.tags()
        answer.tags()
        return DescribeProducersResponse(throttle_ms, tuple(partitions))


def _state(answer: Reader) -> ProducerState:
    state = ProducerState(
        answer.int64(), answer.int32(), answer.int32(), answer.int64(), answer.int32(), answer.int64()
    )
    answer.tags()
    return state
