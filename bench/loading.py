"""Fill a source topic quickly, with payloads like those of Kafka's own producer benchmark: random capital letters."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from bench.cases import Case, Kind
from pipeline.local.cluster import LocalCluster

Counts = tuple[int, int]
"""Records that are there to be read, and offsets."""
PAYLOADS = 256
BATCH_RECORDS = 1000
TRANSACTION_RECORDS = 100
CLEANER_TIMEOUT_S = 300.0
CLEANED_SHARE = 0.6
TICK_S = 0.6
SET = AlterConfigOpType.SET
FULL_BATCHES: Mapping[str, Any] = {"linger.ms": 20, "batch.size": 256 << 10, "batch.num.messages": 10_000}
_CONFIGS: dict[Kind, Mapping[str, str]] = {
    Kind.COMPACTED: {
        "cleanup.policy": "compact",
        "min.cleanable.dirty.ratio": "0.01",
        "min.compaction.lag.ms": "3600000",
        "segment.ms": "500",
        "segment.bytes": str(64 << 20),
    }
}
_CLEANING = {"min.compaction.lag.ms": "0", "max.compaction.lag.ms": "1000"}
"""Only when all is loaded: what is there to be cleaned has to be known."""
_AFTER_CLEANING = {
    "min.cleanable.dirty.ratio": "0.9",
    "max.compaction.lag.ms": str(2**63 - 1),
    "segment.ms": "604800000",
}
_CONF: dict[str, Any] = {
    "acks": "all",
    "log_level": 3,
    "enable.idempotence": True,
    "queue.buffering.max.messages": 500_000,
    "queue.buffering.max.kbytes": 256 << 10,
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A source topic: records a consumer can read, offsets its log goes over, bytes its segments take."""

    topic: str
    records: int
    offsets: int
    log_bytes: int


def create_topic(servers: str, topic: str, partitions: int, configs: Mapping[str, str] | None = None) -> None:
    """Make the topic, with retention off: a benchmark's data must not vanish while it is copied."""
    wanted = NewTopic(topic, partitions, 1, config={"retention.ms": "-1", **(configs or {})})
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 3})
    admin.create_topics([wanted])[topic].result()


def delete_topic(servers: str, topic: str) -> None:
    """Remove the topic; returns when the cluster has agreed to."""
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 3})
    admin.delete_topics([topic])[topic].result()


def log_bytes(cluster: LocalCluster, topic: str, node_id: int = 1) -> int:
    """What a broker's segments of a topic take."""
    found = 0
    for segment in cluster.data_folder(node_id).glob(f"{topic}-*/*.log"):
        with contextlib.suppress(FileNotFoundError):  # the cleaner puts others in its place
            found += segment.stat().st_size
    return found


def load(cluster: LocalCluster, topic: str, case: Case, records: int) -> Loaded:
    """Make a topic and fill it."""
    create_topic(cluster.bootstrap_servers, topic, case.partitions, _CONFIGS.get(case.kind))
    return fill(cluster, topic, case, records)


def fill(cluster: LocalCluster, topic: str, case: Case, records: int) -> Loaded:
    """Write records to a topic, evenly over its partitions."""
    found, offsets = _LOADERS[case.kind](cluster, topic, case, records)
    return Loaded(topic, found, offsets, log_bytes(cluster, topic))


def _batches(case: Case, records: int, size: int) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """(partition, messages) in turns over the partitions. Seeded: each run has the same records."""
    chance = random.Random(1)
    letters = bytes(range(65, 91))
    payloads = [bytes(chance.choices(letters, k=case.record_bytes)) for _ in range(PAYLOADS)]
    for number, first in enumerate(range(0, records, size)):
        count = min(size, records - first)
        messages = [{"value": payloads[(first + at * 31) % PAYLOADS]} for at in range(count)]
        yield number % case.partitions, messages


def _load_plain(cluster: LocalCluster, topic: str, case: Case, records: int) -> Counts:
    return _produce(cluster, topic, case, records, FULL_BATCHES)


def _load_tiny(cluster: LocalCluster, topic: str, case: Case, records: int) -> Counts:
    return _produce(cluster, topic, case, records, {"linger.ms": 0, "batch.num.messages": 1})


def _produce(cluster: LocalCluster, topic: str, case: Case, records: int, conf: Mapping[str, Any]) -> Counts:
    producer = _producer(cluster, case, conf)
    for partition, messages in _batches(case, records, BATCH_RECORDS):
        _enqueue(producer, topic, partition, messages)
    _finish(producer)
    return records, records


def _load_transactional(cluster: LocalCluster, topic: str, case: Case, records: int) -> Counts:
    producer = _producer(cluster, case, {"transactional.id": f"bench-{topic}", "linger.ms": 5})
    producer.init_transactions()
    markers = 0
    for partition, messages in _batches(case, records, TRANSACTION_RECORDS):
        producer.begin_transaction()
        _enqueue(producer, topic, partition, messages)
        producer.commit_transaction()
        markers += 1
    return records, records + markers


def _load_compacted(cluster: LocalCluster, topic: str, case: Case, records: int) -> Counts:
    """Every other record has a key of its own, the others have one together; then wait for the cleaner.

    It takes closed segments only, and one is closed when a record comes some time after the last: that is what the
    ticks are for. In the end the topic's settings are as usual, and the cleaner has nothing to do there any more.
    """
    producer = _producer(cluster, case, FULL_BATCHES)
    for number, (partition, messages) in enumerate(_batches(case, records, BATCH_RECORDS)):
        for at, message in enumerate(messages):
            message["key"] = b"often" if at % 2 else b"%d-%d" % (number, at)
        _enqueue(producer, topic, partition, messages)
    _finish(producer)
    whole, ticks, give_up_at = log_bytes(cluster, topic), 0, time.monotonic() + CLEANER_TIMEOUT_S
    _set_configs(cluster, topic, _CLEANING)
    while log_bytes(cluster, topic) > CLEANED_SHARE * whole:
        if time.monotonic() > give_up_at:
            raise RuntimeError(f"the cleaner was not done with {topic} in {CLEANER_TIMEOUT_S:.0f} s")
        time.sleep(TICK_S)
        for partition in range(case.partitions):
            _enqueue(producer, topic, partition, [{"value": b"tick", "key": b"tick"}])
        _finish(producer)
        ticks += case.partitions
    _set_configs(cluster, topic, _AFTER_CLEANING)
    return records // 2, records + ticks


def _set_configs(cluster: LocalCluster, topic: str, configs: Mapping[str, str]) -> None:
    entries = [ConfigEntry(name, value, incremental_operation=SET) for name, value in configs.items()]
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers, "log_level": 3})
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
    admin.incremental_alter_configs([resource])[resource].result()


def _producer(cluster: LocalCluster, case: Case, conf: Mapping[str, Any]) -> Producer:
    own = {"bootstrap.servers": cluster.bootstrap_servers, "compression.type": case.codec}
    return Producer({**own, **_CONF, **conf})


def _enqueue(producer: Producer, topic: str, partition: int, messages: list[dict[str, Any]]) -> None:
    """Hand messages over; waits while the producer's queue is full."""
    waiting = messages
    while waiting:
        producer.produce_batch(topic, waiting, partition=partition)
        waiting = [each for each in waiting if "_error" in each]
        for each in waiting:
            del each["_error"]
        producer.poll(0.05 if waiting else 0)


def _finish(producer: Producer) -> None:
    if producer.flush(120):
        raise RuntimeError("the source did not take all records within two minutes")


_LOADERS: dict[Kind, Callable[[LocalCluster, str, Case, int], Counts]] = {
    Kind.PLAIN: _load_plain,
    Kind.TINY_BATCHES: _load_tiny,
    Kind.TRANSACTIONAL: _load_transactional,
    Kind.COMPACTED: _load_compacted,
}
