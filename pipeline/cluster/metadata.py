"""What a cluster says about itself: brokers, topics with their ids, partitions with leaders and leader epochs."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kafka.protocol.metadata import MetadataRequest

from pipeline.cluster.asking import Asked

NO_TOPIC_ID = "A" * 22
"""The zero id, which a broker older than 2.8 reports for every topic."""


@dataclass(frozen=True, slots=True)
class Broker:
    """One broker as its cluster advertises it."""

    node_id: int
    host: str
    port: int
    rack: str | None = None


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
    """22 characters of URL-safe base64, as Kafka prints topic ids."""
    partitions: Mapping[int, PartitionInfo]
    error: int = 0
    is_internal: bool = False
    operations: frozenset[str] = frozenset()
    """What this client may do with the topic, by ACL operation name, where it was asked for (KIP-430)."""


@dataclass(frozen=True, slots=True)
class ClusterInfo:
    """One answer to a Metadata request."""

    cluster_id: str
    controller_id: int
    brokers: Mapping[int, Broker]
    topics: Mapping[str, TopicInfo] = field(default_factory=dict)


def metadata_request(topics: Iterable[str] | None, operations: bool = False) -> Asked:
    """Ask about these topics (None: all of them); never creates one. ``operations`` asks what we may do with them."""
    asked = None if topics is None else [MetadataRequest.MetadataRequestTopic(name=name) for name in sorted(topics)]
    return Asked(
        MetadataRequest(
            topics=asked,
            allow_auto_topic_creation=False,
            include_cluster_authorized_operations=False,
            include_topic_authorized_operations=operations,
        ),
        min_version=8 if operations else 4,
    )


def cluster_info(response: Any, operation_names: Any = None) -> ClusterInfo:
    """Read a Metadata response; ``operation_names`` turns a set of operation numbers into names."""
    return ClusterInfo(
        cluster_id=response.cluster_id or "",
        controller_id=response.controller_id,
        brokers={b.node_id: Broker(b.node_id, b.host, b.port, b.rack) for b in response.brokers},
        topics={topic.name: _topic(topic, operation_names) for topic in response.topics},
    )


def topic_id_text(topic_id: uuid.UUID | None) -> str:
    """Print a topic id as Kafka does."""
    return base64.urlsafe_b64encode(topic_id.bytes).decode()[:22] if topic_id is not None else NO_TOPIC_ID


def _topic(topic: Any, operation_names: Any) -> TopicInfo:
    return TopicInfo(
        name=topic.name,
        topic_id=topic_id_text(topic.topic_id),
        partitions={p.partition_index: _partition(p) for p in topic.partitions},
        error=topic.error_code,
        is_internal=topic.is_internal,
        operations=operation_names(topic.topic_authorized_operations) if operation_names else frozenset(),
    )


def _partition(partition: Any) -> PartitionInfo:
    epoch = partition.leader_epoch
    return PartitionInfo(
        leader=partition.leader_id,
        leader_epoch=-1 if epoch is None else epoch,
        replicas=tuple(partition.replica_nodes),
        isr=tuple(partition.isr_nodes),
        error=partition.error_code,
    )
