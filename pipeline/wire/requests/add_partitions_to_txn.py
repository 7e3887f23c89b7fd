"""AddPartitionsToTxn (API 24), v1 to v3: name the partitions that a transaction will mark when it ends.

To the transaction coordinator. v4 and later are for brokers among themselves. 51 CONCURRENT_TRANSACTIONS: the one
before is not finished, ask again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pipeline.wire.requests.base import Request
from pipeline.wire.requests.codec import Reader, Writer, grouped


@dataclass(frozen=True, slots=True)
class AddedPartition:
    topic: str
    partition: int
    error_code: int


@dataclass(frozen=True, slots=True)
class AddPartitionsToTxnResponse:
    throttle_ms: int
    partitions: tuple[AddedPartition, ...]


@dataclass(frozen=True, slots=True)
class AddPartitionsToTxnRequest(Request[AddPartitionsToTxnResponse]):
    API: ClassVar[str] = "AddPartitionsToTxn"
    API_KEY: ClassVar[int] = 24
    VERSIONS: ClassVar[tuple[int, int]] = (1, 3)
    FLEXIBLE_FROM: ClassVar[int] = 3

    transactional_id: str
    producer_id: int
    epoch: int
    partitions: Sequence[tuple[str, int]]

    def encode(self, out: Writer, version: int) -> None:
        out.string(self.transactional_id)
        out.int64(self.producer_id)
        out.int16(self.epoch)
        topics = grouped(self.partitions, lambda p: p[0])
        out.count(len(topics))
        for topic, partitions in topics.items():
            out.string(topic)
            out.int32s([partition for _, partition in partitions])
            out.tags()
        out.tags()

    def decode(self, answer: Reader, version: int) -> AddPartitionsToTxnResponse:
        throttle_ms = answer.int32()
        partitions: list[AddedPartition] = []
        for _ in range(answer.count()):
            topic = answer.string()
            for _ in range(answer.count()):
                partitions.append(AddedPartition(topic, answer.int32(), answer.int16()))
                answer.tags()
            answer.tags()
        answer.tags()
        return AddPartitionsToTxnResponse(throttle_ms, tuple(partitions))
