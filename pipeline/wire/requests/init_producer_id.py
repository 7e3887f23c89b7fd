"""InitProducerId (API 22), v1 to v4: a producer id that is nobody else's, or the next epoch of a transactional id.

Without a transactional id any broker answers, with a fresh id and epoch 0. With one the transaction coordinator answers
(51 CONCURRENT_TRANSACTIONS: ask again), aborts what was open and fences whoever had the id before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pipeline.wire.requests.base import Request
from pipeline.wire.requests.codec import Reader, Writer


@dataclass(frozen=True, slots=True)
class InitProducerIdResponse:
    throttle_ms: int
    error_code: int
    producer_id: int
    epoch: int


@dataclass(frozen=True, slots=True)
class InitProducerIdRequest(Request[InitProducerIdResponse]):
    API: ClassVar[str] = "InitProducerId"
    API_KEY: ClassVar[int] = 22
    VERSIONS: ClassVar[tuple[int, int]] = (1, 4)
    FLEXIBLE_FROM: ClassVar[int] = 2

    transactional_id: str | None = None
    transaction_timeout_ms: int = 60_000
    producer_id: int = -1
    """v3+: the id and epoch that the caller holds; refused (47, 90) when somebody has taken over (KIP-360)."""
    epoch: int = -1

    def versions(self) -> tuple[int, int]:
        return 1 if self.producer_id < 0 else 3, 4

    def encode(self, out: Writer, version: int) -> None:
        out.string(self.transactional_id)
        out.int32(self.transaction_timeout_ms)
        if version >= 3:
            out.int64(self.producer_id)
            out.int16(self.epoch)
        out.tags()

    def decode(self, answer: Reader, version: int) -> InitProducerIdResponse:
        response = InitProducerIdResponse(answer.int32(), answer.int16(), answer.int64(), answer.int16())
        answer.tags()
        return response
