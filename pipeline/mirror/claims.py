"""Records of the claims topic: tokens for claims, and which producer id a mirror partition has.

Both rest on one thing: a Kafka partition gives every record an offset, and everybody reads the same order. A worker
writes its record, reads the partition up to it, and decides from what it has read; nobody else has to agree.

Tokens. A claim is safe if no other claim computed from the same basis (producer id, e, c) carries its token (`append`).
Claims of all mirror partitions share the topic, so the offset modulo 63 alone is not unique for one of them: two rivals
may get the same. Hence the record says what it claims (mirror partition and basis), its token is its offset modulo 63
plus 1, and the token may be used only if no earlier record of the same partition and basis has it; else write another.
Of several records with one token only the first is usable, and everybody sees the same first.

Claims of *different* bases never both pass, whatever their tokens, so only records of one basis are compared. Proof:
let claim X be computed from (e, c), and claim Y from another (e', c') that was read later. A reading is replicated, and
e and c only grow, so when Y was read something had advanced (e, c) for good. The first thing that did is a claim of
(e, c), or a run's marker with c+64 or more. Either refuses every other claim of (e, c) for good, so X too, unless it
*was* X; then X had landed before Y was computed, and Y is meant for an offset after it.

Producer ids. The first record by log offset for (mirror topic id, partition, generation) wins, whoever wrote it. When
the id is retired, the next generation begins in the same way. The topic must therefore never be compacted (the *last*
record of a key would stay), and keep producer ids for ever; claims are of no use after `CLAIM_LIFETIME_MS`.

Closing. When a mirror stops, a negative producer id is written for the next generation: there will be no other. Once
the id before it is retired too (`pipeline/lifecycle/fencing.py`), whoever still believes that it copies the partition
is refused by the leader, reads again, finds the id retired and its successor closed, and ends (`Closed`). A topic that
becomes a mirror once more (a reverse, and one back) gets a producer id for the generation after the closing.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from pipeline.link.errors import Malformed
from pipeline.link.jsonable import Jsonable
from pipeline.mirror.append import Token
from pipeline.mirror.readings import TOKENS, Basis

T = TypeVar("T")

CLAIM_LIFETIME_MS = 3_600_000
"""A claim lands within this of its record or never: then its token is free again. Requests in doubt use up tokens, so
retry claims at most once a minute; at 63 within this time a claim has to wait."""


class Closed(Exception):
    """The mirror has stopped: there is no producer id for it any more. Whoever copies it rests until he is ended."""


class Reopened(Exception):
    """A partition was closed by others, and its topic has become a mirror again: not what is to be closed any more."""


@dataclass(frozen=True, slots=True)
class Claim(Jsonable):
    """A worker is about to write a marker that was computed from `basis`."""

    mirror_topic_id: str
    partition: int
    producer_id: int
    epoch: int
    coordinator_epoch: int
    worker: str = ""

    @property
    def key(self) -> str:
        """Of the record: all claims of a mirror partition have to be in one partition of the claims topic."""
        return partition_key(self.mirror_topic_id, self.partition)

    @property
    def basis(self) -> Basis:
        return Basis(self.producer_id, self.epoch, self.coordinator_epoch)

    def competes_with(self, other: Claim) -> bool:
        return (self.key, self.basis) == (other.key, other.basis)

    @classmethod
    def of(cls, mirror_topic_id: str, partition: int, basis: Basis, worker: str) -> Claim:
        return cls(mirror_topic_id, partition, *basis, worker)


@dataclass(frozen=True, slots=True)
class ProducerId(Jsonable):
    """A producer id, from InitProducerId, for one generation (0, 1, ...) of a mirror partition."""

    mirror_topic_id: str
    partition: int
    generation: int
    producer_id: int
    worker: str = ""
    is_transactional: bool = False
    """Markers go through the transaction coordinator: the producer id belongs to the partition's transactional id."""

    @property
    def key(self) -> str:
        """As a claim's."""
        return partition_key(self.mirror_topic_id, self.partition)

    @property
    def is_closing(self) -> bool:
        """Nobody writes to the partition any more: its mirror has stopped."""
        return self.producer_id < 0


class Registrar(Protocol):
    """Tokens and producer ids that all workers agree on (`pipeline/control/registry.py`)."""

    async def token(self, mirror_topic_id: str, partition: int, basis: Basis) -> Token: ...

    async def producer(
        self,
        mirror_topic_id: str,
        partition: int,
        allocate: Callable[[], Awaitable[tuple[int, bool]]],
        retired: int | None = None,
    ) -> ProducerId: ...

    async def check_open(self, mirror_topic_id: str, partition: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Placed(Generic[T]):
    """A record with its place in the claims topic's partition; the time is the broker's (LogAppendTime)."""

    offset: int
    timestamp_ms: int
    record: T


def partition_key(mirror_topic_id: str, partition: int) -> str:
    return f"{mirror_topic_id}/{partition}"


def usable(claim: Placed[Claim], earlier: Iterable[Placed[Claim]]) -> Token | None:
    """Give the token of a claim, or None: then write another claim record and ask again.

    `earlier`: every claim with a lower offset in the same partition that is still retained; others' may be among them.
    """
    value = _token_value(claim)
    for other in earlier:
        if (
            other.offset < claim.offset
            and other.record.competes_with(claim.record)
            and other.timestamp_ms > claim.timestamp_ms - CLAIM_LIFETIME_MS
            and _token_value(other) == value
        ):
            return None
    return Token(claim.record.basis, value)


def current(records: Iterable[Placed[ProducerId]]) -> ProducerId | None:
    """Give the producer id of the latest generation of one mirror partition."""
    found = winners(records)
    return found[max(found)] if found else None


def winners(records: Iterable[Placed[ProducerId]]) -> dict[int, ProducerId]:
    """Give the record that counts of each generation: the first one written."""
    first: dict[int, Placed[ProducerId]] = {}
    for placed in records:
        winner = first.get(placed.record.generation)
        if winner is None or placed.offset < winner.offset:
            first[placed.record.generation] = placed
    return {generation: placed.record for generation, placed in first.items()}


def last_open(records: Iterable[Placed[ProducerId]]) -> ProducerId | None:
    """Give the last producer id with which a partition may have been written, closed or not; None if there was none."""
    return current(placed for placed in records if not placed.record.is_closing)


def was_closed(records: Iterable[Placed[ProducerId]], since: int) -> bool:
    """Whether a partition has been closed in this generation or a later one."""
    return any(each.is_closing and each.generation >= since for each in winners(records).values())


def next_generation(latest: ProducerId | None) -> int:
    """The generation to write a producer id for: a partition's first, or the successor of one read as retired."""
    return 0 if latest is None else latest.generation + 1


def encode(record: Claim | ProducerId) -> bytes:
    """The value of a record of the claims topic: `{"kind": "claim" | "producer-id", ...}`; its key is `record.key`."""
    kind = "claim" if isinstance(record, Claim) else "producer-id"
    return json.dumps({"kind": kind, **record.to_json()}, separators=(",", ":")).encode()


def decode(value: bytes) -> Claim | ProducerId:
    """Read what `encode` gave; raises Malformed for anything else."""
    try:
        raw: Any = json.loads(value)
    except ValueError as error:
        raise Malformed(f"claims topic: not JSON: {error}") from None
    kind = raw.get("kind") if isinstance(raw, dict) else None
    if kind == "claim":
        return Claim.from_json(raw)
    if kind == "producer-id":
        return ProducerId.from_json(raw)
    raise Malformed(f"claims topic: kind is {kind!r}, not claim or producer-id")


def _token_value(claim: Placed[Claim]) -> int:
    return claim.offset % TOKENS + 1
