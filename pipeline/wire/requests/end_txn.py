"""EndTxn (API 26), v1 to v3: have the coordinator write a marker to every partition of a transaction.

Not v5: there the coordinator raises the epoch with every transaction (KIP-890), and the mirror's sequences would
restart. 47 or 90: fenced, another owner has the transactional id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pipeline.wire.requests.base import Request
from pipeline.wire.requests.codec import Reader, Writer


@dataclass(frozen=True, slots=True)
class EndTxnResponse:
    throttle_ms: int
    error_code: int


@dataclass(frozen=True, slots=True)
class EndTxnRequest(Request[EndTxnResponse]):
    API: ClassVar[str] = "EndTxn"
    API_KEY: ClassVar[int] = 26
    VERSIONS: ClassVar[tuple[int, int]] = (1, 3)
    FLEXIBLE_FROM: ClassVar[int] = 3

    transactional_id: str
    producer_id: int
    epoch: int
    committed: bool = False

    def encode(self, out: Writer, version: int) -> None:
        out.string(self.transactional_id)
        out.int64(self.producer_id)
        out.int16(self.epoch)
        out.boolean(self.committed)
        out.tags()

    def decode(self, answer: Reader, version: int) -> EndTxnResponse:
        response = EndTxnResponse(answer.int32(), answer.int16())
        answer.tags()
        return response
