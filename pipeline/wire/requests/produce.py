"""Produce (API 0), v8 to v11: one closed batch per partition, many partitions, acknowledged by all in-sync replicas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from pipeline.wire.requests.base import Request
from pipeline.wire.requests.codec import Batch, Reader, Writer, grouped


@dataclass(frozen=True, slots=True)
class ProduceBatch:
    """A batch from `restamp_head`, `close_batch` or `filler_batch`; brokers take one per partition and request."""

    topic: str
    partition: int
    batch: Batch = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProducedPartition:
    """Where a batch went, or why it did not."""

    topic: str
    partition: int
    error_code: int
    base_offset: int
    """Offset of the batch's first record; of the first append where the broker saw a duplicate. Compare it (I1)."""
    log_append_time: int
    """ms, or -1 on a CreateTime topic."""
    log_start_offset: int
    error_message: str | None
    record_errors: tuple[tuple[int, str | None], ...] = ()
    """(index in the batch, message) of records that the broker would not take."""
    leader: tuple[int, int] | None = None
    """(node id, leader epoch) where the broker asked is not the leader (v10+, KIP-951)."""


@dataclass(frozen=True, slots=True)
class ProduceResponse:
    throttle_ms: int
    partitions: tuple[ProducedPartition, ...]


@dataclass(frozen=True, slots=True)
class ProduceRequest(Request[ProduceResponse]):
    API: ClassVar[str] = "Produce"
    API_KEY: ClassVar[int] = 0
    VERSIONS: ClassVar[tuple[int, int]] = (8, 11)
    FLEXIBLE_FROM: ClassVar[int] = 9

    batches: Sequence[ProduceBatch]
    timeout_ms: int = 30_000
    acks: int = -1
    """-1: all in-sync replicas. Never 0: there would be no answer, and aiokafka would wait for one."""
    transactional_id: str | None = None

    def encode(self, out: Writer, version: int) -> None:
        out.string(self.transactional_id)
        out.int16(self.acks)
        out.int32(self.timeout_ms)
        topics = grouped(self.batches, lambda b: b.topic)
        out.count(len(topics))
        for topic, batches in topics.items():
            if len({b.partition for b in batches}) < len(batches):
                raise ValueError(f"a Produce request takes one batch per partition, and {topic} has several")
            out.string(topic)
            out.count(len(batches))
            for b in batches:
                out.int32(b.partition)
                out.records(b.batch)
                out.tags()
            out.tags()
        out.tags()

    def decode(self, answer: Reader, version: int) -> ProduceResponse:
        partitions: list[ProducedPartition] = []
        for _ in range(answer.count()):
            topic = answer.string()
            partitions.extend(_partition(answer, topic) for _ in range(answer.count()))
            answer.tags()
        throttle_ms = answer.int32()
        answer.tags()
        return ProduceResponse(throttle_ms, tuple(partitions))


def _partition(answer: Reader, topic: str) -> ProducedPartition:
    partition = answer.int32()
    error_code = answer.int16()
    base_offset = answer.int64()
    log_append_time = answer.int64()
    log_start_offset = answer.int64()
    record_errors = answer.array(lambda: _record_error(answer))
    error_message = answer.nullable_string()
    tags = answer.tags()
    leader = (tags[0].int32(), tags[0].int32()) if 0 in tags else None
    return ProducedPartition(
        topic,
        partition,
        error_code,
        base_offset,
        log_append_time,
        log_start_offset,
        error_message,
        record_errors,
        leader,
    )


def _record_error(answer: Reader) -> tuple[int, str | None]:
    pair = answer.int32(), answer.nullable_string()
    answer.tags()
    return pair
