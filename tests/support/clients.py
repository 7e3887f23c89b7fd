"""confluent-kafka clients for a LocalCluster: librdkafka is not what the engine is built on, so a fair witness."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
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
from pipeline.verify import sides

TIMEOUT_S = 90.0
"""A limit for a machine that is busy with other things; a quiet one answers in milliseconds."""
ASK_S = 15.0
"""For one question to a leader, which is asked again: one that has died meanwhile has a successor."""
# What is said for a moment, of groups and of the controller too. librdkafka's admin client does not ask again.
NOT_YET = sides.NOT_YET | {
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.NOT_CONTROLLER,
}
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
    return sides.again(ask, NOT_YET, TIMEOUT_S)


def admin(cluster: LocalCluster, user: str | None = None) -> AdminClient:
    return AdminClient(configuration(cluster, user))


def create_topic(cluster: LocalCluster, topic: str, partitions: int = 1, replicas: int = 1, **configs: str) -> None:
    """Create a topic, and wait until a broker shows it; config names with underscores for dots."""
    create_topics(
        cluster, NewTopic(topic, partitions, replicas, config={k.replace("_", "."): v for k, v in configs.items()})
    )


def create_topics(cluster: LocalCluster, *wanted: NewTopic) -> None:
    """Create topics, and wait until a broker shows them: the controller answers a moment before brokers know."""
    client = admin(cluster)  # a client that nobody holds is destroyed, its answers with it
    change = partial(client.create_topics, list(wanted), operation_timeout=TIMEOUT_S)
    _changed(change, KafkaError.TOPIC_ALREADY_EXISTS)
    _until(client, lambda shown: all(shown.get(new.topic, 0) for new in wanted), f"{[new.topic for new in wanted]}")


def delete_topic(cluster: LocalCluster, topic: str) -> None:
    """Delete a topic, and wait until a broker shows it no more."""
    client = admin(cluster)
    _changed(partial(client.delete_topics, [topic], operation_timeout=TIMEOUT_S), KafkaError.UNKNOWN_TOPIC_OR_PART)
    _until(client, lambda shown: topic not in shown, f"{topic} gone")


def add_partitions(cluster: LocalCluster, topic: str, total: int) -> None:
    """Give a topic so many partitions, and wait until a broker shows them: who produces to one that it has not heard
    of is refused."""
    client = admin(cluster)
    _changed(partial(client.create_partitions, [NewPartitions(topic, total)]), KafkaError.INVALID_PARTITIONS)
    _until(client, lambda shown: shown.get(topic, 0) >= total, f"{total} partitions of {topic}")


def topic_names(cluster: LocalCluster, user: str | None = None) -> set[str]:
    """All topics that a user is shown."""
    return set(_shown(admin(cluster, user)))


def _shown(client: AdminClient) -> dict[str, int]:
    """The topics that there are, and how many partitions they have."""
    topics = answered(lambda: client.list_topics(timeout=TIMEOUT_S)).topics
    return {name: len(each.partitions) for name, each in topics.items() if each.error is None}


def _until(client: AdminClient, is_so: Callable[[dict[str, int]], bool], what: str) -> None:
    limit = time.monotonic() + TIMEOUT_S
    while not is_so(_shown(client)):
        assert time.monotonic() < limit, f"no broker shows {what}"
        time.sleep(0.02)


def _changed(ask: Callable[[], dict[Any, Any]], is_done: int) -> None:
    """Have something changed; where an answer was lost, the next one may be `is_done`."""
    asked = 0

    def once_more() -> None:
        nonlocal asked
        asked += 1
        for future in ask().values():
            try:
                future.result(TIMEOUT_S)
            except KafkaException as error:
                if asked == 1 or error.args[0].code() != is_done:
                    raise

    answered(once_more)


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
    answered(lambda: client.delete_records([wanted], request_timeout=ASK_S)[wanted].result(TIMEOUT_S))


def log_ends(cluster: LocalCluster, topic: str, partitions: int = 1) -> list[int]:
    """The high watermark of each partition, as any consumer is told it."""
    return _offsets(cluster, topic, partitions, OffsetSpec.latest())


def log_starts(cluster: LocalCluster, topic: str, partitions: int = 1) -> list[int]:
    return _offsets(cluster, topic, partitions, OffsetSpec.earliest())


def _offsets(cluster: LocalCluster, topic: str, partitions: int, spec: OffsetSpec) -> list[int]:
    asked = {TopicPartition(topic, p): spec for p in range(partitions)}
    client = admin(cluster)

    def ask() -> dict[int, int]:
        answers = client.list_offsets(asked, request_timeout=ASK_S)
        return {place.partition: future.result(TIMEOUT_S).offset for place, future in answers.items()}

    found = answered(ask)
    return [found[p] for p in range(partitions)]
