"""confluent-kafka clients for a LocalCluster: librdkafka is not what the engine is built on, so a fair witness."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from pipeline.local.cluster import LocalCluster
from pipeline.local.options import Mechanism, Protocol

TIMEOUT_S = 30.0
# What a broker says for a moment after it came back or a leader moved. librdkafka's admin client does not ask again.
NOT_YET = frozenset(
    (
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError._TRANSPORT,
    )
)
Answer = TypeVar("Answer")


def configuration(
    cluster: LocalCluster, user: str | None = None, protocol: Protocol | None = None, **more: Any
) -> dict[str, Any]:
    """librdkafka's configuration for a user; without one, the first super user where the protocol asks for a user."""
    protocol = protocol or cluster.options.protocols[0]
    found: dict[str, Any] = {"bootstrap.servers": cluster.bootstrap(protocol), "security.protocol": protocol.value}
    if protocol.is_sasl:
        user = user or cluster.options.super_users[0]
        found |= {
            "sasl.mechanism": Mechanism.PLAIN.value,
            "sasl.username": user,
            "sasl.password": cluster.options.users[user],
        }
    if protocol.is_tls and cluster.authority is not None:
        found["ssl.ca.pem"] = cluster.authority.certificate
    # The default wait between metadata questions is for clusters far away.
    return found | {"topic.metadata.refresh.fast.interval.ms": 20, "log_level": 3} | more


def answered(ask: Callable[[], Answer]) -> Answer:
    """The answer to an admin request that may be asked twice, once the broker is ready to give one."""
    limit = time.monotonic() + TIMEOUT_S
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].code() not in NOT_YET or time.monotonic() > limit:
                raise
        time.sleep(0.05)


def admin(cluster: LocalCluster, user: str | None = None) -> AdminClient:
    return AdminClient(configuration(cluster, user))


def create_topic(cluster: LocalCluster, topic: str, partitions: int = 1, replicas: int = 1, **configs: str) -> None:
    """Create a topic; config names with underscores for dots (cleanup_policy="compact")."""
    new = NewTopic(topic, partitions, replicas, config={k.replace("_", "."): v for k, v in configs.items()})
    client = admin(cluster)  # a client that nobody holds is destroyed, its answers with it
    for future in client.create_topics([new], operation_timeout=TIMEOUT_S).values():
        future.result(TIMEOUT_S)


def delete_topic(cluster: LocalCluster, topic: str) -> None:
    client = admin(cluster)
    for future in client.delete_topics([topic], operation_timeout=TIMEOUT_S).values():
        future.result(TIMEOUT_S)


def add_partitions(cluster: LocalCluster, topic: str, total: int) -> None:
    client = admin(cluster)
    client.create_partitions([NewPartitions(topic, total)])[topic].result(TIMEOUT_S)


def config(cluster: LocalCluster, topic: str, name: str) -> str:
    """What a topic's config is now."""
    client, resource = admin(cluster), ConfigResource(ResourceType.TOPIC, topic)
    return str(answered(lambda: client.describe_configs([resource])[resource].result(TIMEOUT_S))[name].value)


def set_config(cluster: LocalCluster, topic: str, name: str, value: str) -> None:
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    client, resource = admin(cluster), ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    answered(lambda: client.incremental_alter_configs([resource])[resource].result(TIMEOUT_S))


def delete_records(cluster: LocalCluster, topic: str, before: int, partition: int = 0) -> None:
    """Let a partition's log begin at an offset."""
    client = admin(cluster)
    wanted = TopicPartition(topic, partition, before)
    answered(lambda: client.delete_records([wanted])[wanted].result(TIMEOUT_S))


def log_ends(cluster: LocalCluster, topic: str, partitions: int = 1) -> list[int]:
    """The high watermark of each partition, as any consumer is told it."""
    return _offsets(cluster, topic, partitions, OffsetSpec.latest())


def log_starts(cluster: LocalCluster, topic: str, partitions: int = 1) -> list[int]:
    return _offsets(cluster, topic, partitions, OffsetSpec.earliest())


def _offsets(cluster: LocalCluster, topic: str, partitions: int, spec: OffsetSpec) -> list[int]:
    asked = {TopicPartition(topic, p): spec for p in range(partitions)}
    client = admin(cluster)

    def ask() -> dict[int, int]:
        answers = client.list_offsets(asked, request_timeout=TIMEOUT_S)
        return {place.partition: future.result(TIMEOUT_S).offset for place, future in answers.items()}

    found = answered(ask)
    return [found[p] for p in range(partitions)]
