"""Fetch (API 1), v11 to v13: record batches of many partitions, with incremental sessions (KIP-227).

Sessions: session id 0 and epoch 0 open one (a full fetch), then epoch 1, 2, ... name only what changes: partitions
whose position moved, and those to forget; the broker answers only for partitions with news. Epoch -1 closes it.
Errors 70 (unknown session), 71 (wrong epoch) and 106 (names and ids mixed in one session): open a new one.

Topic ids (KIP-516, v13): sent where `names` is given and the broker knows them, so that a topic that was deleted and
created again answers 100 UNKNOWN_TOPIC_ID or 103 INCONSISTENT_TOPIC_ID instead of other data. Zero ids cannot be sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

from pipeline.wire.requests.base import Request
from pipeline.wire.requests.codec import NO_TOPIC_ID, Reader, Writer, grouped

READ_UNCOMMITTED, READ_COMMITTED = 0, 1


@dataclass(frozen=True, slots=True)
class FetchPartition:
    """What to read of one partition."""

    topic: str
    partition: int
    offset: int
    topic_id: UUID = NO_TOPIC_ID
    max_bytes: int = 1 << 20
    """Most bytes of this partition; its first batch comes whole, however large (KIP-74)."""
    leader_epoch: int = -1
    """The leader epoch we know: 74 FENCED or 75 UNKNOWN_LEADER_EPOCH when the broker knows another (KIP-320)."""
    last_fetched_epoch: int = -1
    """v12+: the leader epoch of the batch before `offset`; the broker then reports divergence (KIP-595)."""


@dataclass(frozen=True, slots=True)
class ForgottenPartition:
    """A partition that an incremental session shall leave out from now on."""

    topic: str
    partition: int
    topic_id: UUID = NO_TOPIC_ID


@dataclass(frozen=True, slots=True)
class FetchedPartition:
    """What came of one partition. `records` is a view: it keeps the whole answer in memory while it lives (I5)."""

    topic: str
    """Empty where the answer names a topic id that `names` does not know (any more)."""
    topic_id: UUID
    partition: int
    error_code: int
    high_watermark: int
    last_stable_offset: int
    log_start_offset: int
    aborted: tuple[tuple[int, int], ...]
    """(producer id, first offset) of the aborted transactions in `records`; read_committed only."""
    preferred_read_replica: int
    records: memoryview = field(repr=False)
    diverging: tuple[int, int] | None = None
    """(leader epoch, its end offset) from where on our log differs from the leader's; `records` is empty then."""
    leader: tuple[int, int] | None = None
    """(node id, leader epoch) of the leader, where the broker asked is not the one (v12+)."""


@dataclass(frozen=True, slots=True)
class FetchResponse:
    throttle_ms: int
    error_code: int
    """Of the session: 0, 70, 71 or 106. Partitions have their own."""
    session_id: int
    """0 where the broker keeps no session: every fetch must then name all partitions."""
    partitions: tuple[FetchedPartition, ...]


@dataclass(frozen=True, slots=True)
class FetchRequest(Request[FetchResponse]):
    """Partitions are answered in the order they are given; the whole answer holds about `max_bytes`."""

    API: ClassVar[str] = "Fetch"
    API_KEY: ClassVar[int] = 1
    VERSIONS: ClassVar[tuple[int, int]] = (11, 13)
    FLEXIBLE_FROM: ClassVar[int] = 12

    partitions: Sequence[FetchPartition]
    max_wait_ms: int = 500
    min_bytes: int = 1
    max_bytes: int = 50 << 20
    isolation: int = READ_COMMITTED
    session_id: int = 0
    session_epoch: int = -1
    forgotten: Sequence[ForgottenPartition] = ()
    names: Mapping[UUID, str] = field(default_factory=dict, repr=False)
    """Name of every topic id in the session; without it topics are named (v11, v12). May grow while a fetch is out."""
    rack_id: str = ""

    def versions(self) -> tuple[int, int]:
        by_id = bool(self.names)
        ids = {p.topic_id for p in self.partitions} | {p.topic_id for p in self.forgotten}
        if by_id and NO_TOPIC_ID in ids:
            raise ValueError("a fetch by topic id needs the id of every topic")
        epochs = any(p.last_fetched_epoch >= 0 for p in self.partitions)
        return 12 if epochs else 11, 13 if by_id else 12

    def encode(self, out: Writer, version: int) -> None:
        out.int32(-1)  # not a replica
        out.int32(self.max_wait_ms)
        out.int32(self.min_bytes)
        out.int32(self.max_bytes)
        out.int8(self.isolation)
        out.int32(self.session_id)
        out.int32(self.session_epoch)
        topics = grouped(self.partitions, lambda p: (p.topic, p.topic_id))
        out.count(len(topics))
        for (topic, topic_id), partitions in topics.items():
            _name(out, version, topic, topic_id)
            out.count(len(partitions))
            for p in partitions:
                out.int32(p.partition)
                out.int32(p.leader_epoch)
                out.int64(p.offset)
                if version >= 12:
                    out.int32(p.last_fetched_epoch)
                out.int64(-1)  # a follower's log start offset
                out.int32(p.max_bytes)
                out.tags()
            out.tags()
        forgotten = grouped(self.forgotten, lambda p: (p.topic, p.topic_id))
        out.count(len(forgotten))
        for (topic, topic_id), gone in forgotten.items():
            _name(out, version, topic, topic_id)
            out.int32s([p.partition for p in gone])
            out.tags()
        out.string(self.rack_id)
        out.tags()

    def decode(self, answer: Reader, version: int) -> FetchResponse:
        throttle_ms = answer.int32()
        error_code = answer.int16()
        session_id = answer.int32()
        partitions: list[FetchedPartition] = []
        for _ in range(answer.count()):
            topic_id = answer.uuid() if version >= 13 else NO_TOPIC_ID
            topic = self.names.get(topic_id, "") if version >= 13 else answer.string()
            partitions.extend(_partition(answer, topic, topic_id) for _ in range(answer.count()))
            answer.tags()
        answer.tags()
        return FetchResponse(throttle_ms, error_code, session_id, tuple(partitions))


def _name(out: Writer, version: int, topic: str, topic_id: UUID) -> None:
    if version >= 13:
        out.uuid(topic_id)
    else:
        out.string(topic)


def _partition(answer: Reader, topic: str, topic_id: UUID) -> FetchedPartition:
    partition = answer.int32()
    error_code = answer.int16()
    high_watermark = answer.int64()
    last_stable_offset = answer.int64()
    log_start_offset = answer.int64()
    aborted = answer.array(lambda: _aborted(answer))
    preferred_read_replica = answer.int32()
    records = answer.records()
    tags = answer.tags()
    diverging = (tags[0].int32(), tags[0].int64()) if 0 in tags else None
    leader = (tags[1].int32(), tags[1].int32()) if 1 in tags else None
    return FetchedPartition(
        topic,
        topic_id,
        partition,
        error_code,
        high_watermark,
        last_stable_offset,
        log_start_offset,
        aborted,
        preferred_read_replica,
        records,
        diverging,
        leader,
    )


def _aborted(answer: Reader) -> tuple[int, int]:
    pair = answer.int64(), answer.int64()
    answer.tags()
    return pair
