"""Fill a source topic quickly, with payloads like those of Kafka's own producer benchmark: random capital letters."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from bench.cases import Case, Kind

PAYLOADS = 256
BATCH_RECORDS = 1000
TRANSACTION_RECORDS = 100
_CONF: dict[str, Any] = {
    "acks": "all",
    "log_level": 3,
    "enable.idempotence": True,
    "queue.buffering.max.messages": 500_000,
    "queue.buffering.max.kbytes": 256 << 10,
}


def create_topic(servers: str, topic: str, partitions: int) -> None:
    """Make the topic, with retention off: a benchmark's data must not vanish while it is copied."""
    wanted = NewTopic(topic, partitions, 1, config={"retention.ms": "-1"})
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 3})
    admin.create_topics([wanted])[topic].result()


def delete_topic(servers: str, topic: str) -> None:
    """Remove the topic; returns when the cluster has agreed to."""
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 3})
    admin.delete_topics([topic])[topic].result()


def load(servers: str, topic: str, case: Case, records: int) -> int:
    """Write records to the topic, evenly over its partitions; returns how many offsets its log then has."""
    return _LOADERS[case.kind](servers, topic, case, records)


def _batches(case: Case, records: int, size: int) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """(partition, messages) in turns over the partitions. Seeded: each run has the same records."""
    chance = random.Random(1)
    letters = bytes(range(65, 91))
    payloads = [bytes(chance.choices(letters, k=case.record_bytes)) for _ in range(PAYLOADS)]
    for number, first in enumerate(range(0, records, size)):
        count = min(size, records - first)
        messages = [{"value": payloads[(first + at * 31) % PAYLOADS]} for at in range(count)]
        yield number % case.partitions, messages


def _load_plain(servers: str, topic: str, case: Case, records: int) -> int:
    conf = {"linger.ms": 20, "batch.size": 256 << 10, "batch.num.messages": 10_000}
    return _produce(servers, topic, case, records, conf)


def _load_tiny(servers: str, topic: str, case: Case, records: int) -> int:
    return _produce(servers, topic, case, records, {"linger.ms": 0, "batch.num.messages": 1})


def _produce(servers: str, topic: str, case: Case, records: int, conf: dict[str, Any]) -> int:
    producer = Producer({"bootstrap.servers": servers, "compression.type": case.codec, **_CONF, **conf})
    for partition, messages in _batches(case, records, BATCH_RECORDS):
        _enqueue(producer, topic, partition, messages)
    _finish(producer)
    return records


def _load_transactional(servers: str, topic: str, case: Case, records: int) -> int:
    conf = {"transactional.id": f"bench-{topic}", "linger.ms": 5, "compression.type": case.codec}
    producer = Producer({"bootstrap.servers": servers, **_CONF, **conf})
    producer.init_transactions()
    markers = 0
    for partition, messages in _batches(case, records, TRANSACTION_RECORDS):
        producer.begin_transaction()
        _enqueue(producer, topic, partition, messages)
        producer.commit_transaction()
        markers += 1
    return records + markers


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


_LOADERS: dict[Kind, Callable[[str, str, Case, int], int]] = {
    Kind.PLAIN: _load_plain,
    Kind.TINY_BATCHES: _load_tiny,
    Kind.TRANSACTIONAL: _load_transactional,
}
