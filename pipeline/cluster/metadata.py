"""What a cluster says about itself: brokers, topics with their ids, partitions with leaders and leader epochs."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from uuid import UUID

from pipeline.wire.requests.metadata import (
    Broker,
    MetadataRequest,
    MetadataResponse,
    PartitionMetadata,
    TopicMetadata,
)

__all__ = ["Broker", "ClusterInfo", "PartitionInfo", "TopicInfo", "cluster_info", "metadata_request", "topic_id_text"]


@dataclass(frozen=True, slots=True)
class PartitionInfo:
    """``leader`` and ``leader_epoch`` are -1 where there is none or it is not told."""

    leader: int
    leader_epoch: int
    replicas: tuple[int, ...]
    isr: tuple[int, ...] = ()
    error: int = 0


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """``error`` is a Kafka error code (3: no such topic, 29: not allowed to see it), else 0."""

    name: str
    topic_id: str
    """22 characters of URL-safe base64, as Kafka prints topic ids; all ``A`` from brokers that have none."""
    partitions: Mapping[int, PartitionInfo]
    error: int = 0
    is_internal: bool = False
    operations: frozenset[str] = frozenset()
    """What this client may do with the topic, by ACL operation name, where it was asked for (KIP-430)."""

    @property
    def uuid(self) -> UUID:
        """The topic id as Fetch v13 wants it."""
        return UUID(bytes=base64.urlsafe_b64decode(self.topic_id + "=="))


@dataclass(frozen=True, slots=True)
class ClusterInfo:
    """One answer to a Metadata request."""

    cluster_id: str
    controller_id: int
    brokers: Mapping[int, Broker]
    topics: Mapping[str, TopicInfo] = field(default_factory=dict)


def metadata_request(topics: Iterable[str] | None, operations: bool = False) -> MetadataRequest:
    """Ask about these topics (None: all of them); never creates one. ``operations`` asks what we may do with them."""
    return MetadataRequest(topics=None if topics is None else sorted(topics), authorized_operations=operations)


def cluster_info(response: MetadataResponse) -> ClusterInfo:
    """Read a Metadata response."""
    return ClusterInfo(
        cluster_id=response.cluster_id or "",
        controller_id=response.controller_id,
        brokers={broker.node_id: broker for broker in response.brokers},
        topics={topic.topic: _topic(topic) for topic in response.topics},
    )


def topic_id_text(topic_id: UUID) -> str:
    """Print a topic id as Kafka does."""
    return base64.urlsafe_b64encode(topic_id.bytes).decode()[:22]


OPERATIONS = {
    3: "READ",
    4: "WRITE",
    5: "CREATE",
    6: "DELETE",
    7: "ALTER",
    8: "DESCRIBE",
    9: "CLUSTER_ACTION",
    10: "DESCRIBE_CONFIGS",
    11: "ALTER_CONFIGS",
    12: "IDEMPOTENT_WRITE",
    13: "CREATE_TOKENS",
    14: "DESCRIBE_TOKENS",
    15: "TWO_PHASE_COMMIT",
}
"""ACL operations by the number that the protocol and its bit fields give them."""


@lru_cache(maxsize=256)
def operation_names(bits: int) -> frozenset[str]:
    """Read a bit field of authorized operations; one that was not asked for is empty."""
    return frozenset(name for bit, name in OPERATIONS.items() if bits >= 0 and bits >> bit & 1)


def _topic(topic: TopicMetadata) -> TopicInfo:
    return TopicInfo(
        name=topic.topic,
        topic_id=topic_id_text(topic.topic_id),
        partitions={p.partition: _partition(p) for p in sorted(topic.partitions, key=lambda p: p.partition)},
        error=topic.error_code,
        is_internal=topic.is_internal,
        operations=operation_names(topic.authorized_operations),
    )


def _partition(partition: PartitionMetadata) -> PartitionInfo:
    return PartitionInfo(
        leader=partition.leader,
        leader_epoch=partition.leader_epoch,
        replicas=partition.replicas,
        isr=partition.in_sync,
        error=partition.error_code,
    )
