"""FindCoordinator (API 10), v1 to v4: which broker coordinates a consumer group or a transactional id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from pipeline.wire.requests.base import Request
from pipeline.wire.requests.codec import Reader, Writer

GROUP: Final = 0
TRANSACTION: Final = 1


@dataclass(frozen=True, slots=True)
class Coordinator:
    key: str
    node_id: int
    host: str
    port: int
    error_code: int
    """15 COORDINATOR_NOT_AVAILABLE while its internal topic is being made: ask again."""
    error_message: str | None


@dataclass(frozen=True, slots=True)
class FindCoordinatorResponse:
    throttle_ms: int
    coordinators: tuple[Coordinator, ...]


@dataclass(frozen=True, slots=True)
class FindCoordinatorRequest(Request[FindCoordinatorResponse]):
    """One key, or several where the broker knows v4 (KIP-699)."""

    API: ClassVar[str] = "FindCoordinator"
    API_KEY: ClassVar[int] = 10
    VERSIONS: ClassVar[tuple[int, int]] = (1, 4)
    FLEXIBLE_FROM: ClassVar[int] = 3

    keys: Sequence[str]
    key_type: int = TRANSACTION

    def versions(self) -> tuple[int, int]:
        return 1 if len(self.keys) == 1 else 4, 4

    def encode(self, out: Writer, version: int) -> None:
        if version < 4:
            out.string(self.keys[0])
        out.int8(self.key_type)
        if version >= 4:
            out.count(len(self.keys))
            for key in self.keys:
                out.string(key)
        out.tags()

    def decode(self, answer: Reader, version: int) -> FindCoordinatorResponse:
        throttle_ms = answer.int32()
        if version >= 4:
            coordinators = answer.array(lambda: _coordinator(answer))
        else:
            error_code, message = answer.int16(), answer.nullable_string()
            where = answer.int32(), answer.string(), answer.int32()
            coordinators = (Coordinator(self.keys[0], *where, error_code, message),)
        answer.tags()
        return FindCoordinatorResponse(throttle_ms, coordinators)


def _coordinator(answer: Reader) -> Coordinator:
    where = answer.string(), answer.int32(), answer.string(), answer.int32()
    coordinator = Coordinator(*where, answer.int16(), answer.nullable_string())
    answer.tags()
    return coordinator
