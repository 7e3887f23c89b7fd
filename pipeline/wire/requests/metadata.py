"""Metadata (API 3), v8 to v12: brokers, topics, their ids (v10+, KIP-516) and the leaders of their partitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from pipeline.wire.requests.base import Request
from pipeline.wire.requests.codec import NO_TOPIC_ID, Reader, Writer

NOT_ASKED: Final = -(2**31)
"""Authorized operations that were not asked for."""


@dataclass(frozen=True, slots=True)
class Broker:
    node_id: int
    host: str
    port: int
    rack: str | None


@dataclass(frozen=True, slots=True)
class PartitionMetadata:
    partition: int
    error_code: int
    """5 LEADER_NOT_AVAILABLE comes with leader -1."""
    leader: int
    leader_epoch: int
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]
    offline: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TopicMetadata:
    topic: str
    """Empty for an id that no topic has."""
    topic_id: UUID
    """NO_TOPIC_ID before v10, and from brokers that have none."""
    error_code: int
    is_internal: bool
    partitions: tuple[PartitionMetadata, ...]
    """In the order the broker gave, not sorted."""
    authorized_operations: int
    """Bit n set: operation n (as in ACLs) is allowed to us; NOT_ASKED unless asked for."""


@dataclass(frozen=True, slots=True)
class MetadataResponse:
    throttle_ms: int
    brokers: tuple[Broker, ...]
    cluster_id: str | None
    controller_id: int
    topics: tuple[TopicMetadata, ...]
    cluster_authorized_operations: int


@dataclass(frozen=True, slots=True)
class MetadataRequest(Request[MetadataResponse]):
    """Topics by name and by id (ids: v12); `topics` None: all of them. Never creates a topic."""

    API: ClassVar[str] = "Metadata"
    API_KEY: ClassVar[int] = 3
    VERSIONS: ClassVar[tuple[int, int]] = (8, 12)
    FLEXIBLE_FROM: ClassVar[int] = 9

    topics: Sequence[str] | None = None
    topic_ids: Sequence[UUID] = ()
    authorized_operations: bool = False
    """Ask what we may do with each topic."""

    def versions(self) -> tuple[int, int]:
        return 12 if self.topic_ids else 8, 12

    def encode(self, out: Writer, version: int) -> None:
        asked = [(NO_TOPIC_ID, name) for name in self.topics or ()] + [(topic_id, None) for topic_id in self.topic_ids]
        everything = self.topics is None and not self.topic_ids
        out.count(None if everything else len(asked))
        for topic_id, name in asked:
            if version >= 10:
                out.uuid(topic_id)
            out.string(name)
            out.tags()
        out.boolean(False)  # allow auto topic creation
        if version <= 10:
            out.boolean(False)  # cluster authorized operations: DescribeCluster has them (KIP-700)
        out.boolean(self.authorized_operations)
        out.tags()

    def decode(self, answer: Reader, version: int) -> MetadataResponse:
        throttle_ms = answer.int32()
        brokers = answer.array(lambda: _broker(answer))
        cluster_id = answer.nullable_string()
        controller_id = answer.int32()
        topics = answer.array(lambda: _topic(answer, version))
        operations = answer.int32() if version <= 10 else NOT_ASKED
        answer.tags()
        return MetadataResponse(throttle_ms, brokers, cluster_id, controller_id, topics, operations)


def _broker(answer: Reader) -> Broker:
    broker = Broker(answer.int32(), answer.string(), answer.int32(), answer.nullable_string())
    answer.tags()
    return broker


def _topic(answer: Reader, version: int) -> TopicMetadata:
    error_code = answer.int16()
    name = answer.string()
    topic_id = answer.uuid() if version >= 10 else NO_TOPIC_ID
    is_internal = answer.boolean()
    partitions = answer.array(lambda: _partition(answer))
    operations = answer.int32()
    answer.tags()
    return TopicMetadata(name, topic_id, error_code, is_internal, partitions, operations)


def _partition(answer: Reader) -> PartitionMetadata:
    error_code, partition = answer.int16(), answer.int32()
    leader = answer.int32(), answer.int32()
    replicas, in_sync, offline = answer.int32s(), answer.int32s(), answer.int32s()
    answer.tags()
    return PartitionMetadata(partition, error_code, *leader, replicas, in_sync, offline)
