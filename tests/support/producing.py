"""Put records into a real cluster: plain, in every codec, in transactions that commit, abort or stay open."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from pipeline.local.cluster import LocalCluster
from tests.support.clients import TIMEOUT_S, configuration

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


@dataclass(frozen=True)
class Sent:
    """A record to be produced. No timestamp: the producer's clock."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    partition: int = 0
    timestamp_ms: int | None = None


def numbered(count: int, start: int = 0, size: int = 20, partition: int = 0) -> list[Sent]:
    """Records that tell which they are: value "00000017.....", padded to `size` bytes, key the number."""
    return [
        Sent(f"{n:08d}".encode().ljust(size, b"."), str(n).encode(), partition=partition)
        for n in range(start, start + count)
    ]


def produce(
    cluster: LocalCluster,
    topic: str,
    records: Iterable[Sent],
    *,
    codec: str = "none",
    batch: int = 1000,
    **conf: Any,
) -> list[int]:
    """Produce and wait for all; returns their offsets. `batch` is the most records in a batch: 1 makes single ones."""
    producer = Producer(
        configuration(
            cluster,
            **{
                "compression.type": codec,
                "batch.num.messages": batch,
                "linger.ms": 5 if batch > 1 else 0,
                "enable.idempotence": True,
            }
            | conf,
        )
    )
    sender = _Sender(producer, topic)
    sender.send(records)
    return sender.finish()


class Transaction:
    """A transaction under way. `begin` has happened; records sent are flushed, so that brokers have them."""

    def __init__(self, producer: Producer, topic: str) -> None:
        self._producer = producer
        self._topic = topic
        producer.begin_transaction()

    def send(self, records: Iterable[Sent]) -> list[int]:
        sender = _Sender(self._producer, self._topic)
        sender.send(records)
        return sender.finish()

    def commit(self) -> None:
        again_while_it_may_be(self._producer.commit_transaction)

    def abort(self) -> None:
        again_while_it_may_be(self._producer.abort_transaction)


class TransactionalProducer:
    """One transactional id, one transaction at a time."""

    def __init__(self, cluster: LocalCluster, topic: str, transactional_id: str | None = None, **conf: Any) -> None:
        """A transactional id of its own unless told: reusing one fences its earlier owner.

        Transactions may stay open for ten minutes: nobody but the test ends them.
        """
        self._topic = topic
        own = {
            "transactional.id": transactional_id or uuid.uuid4().hex,
            "transaction.timeout.ms": 600_000,
            "linger.ms": 5,
        }
        self._producer = Producer(configuration(cluster, **(own | conf)))
        again_while_it_may_be(self._producer.init_transactions)

    def begin(self) -> Transaction:
        """Begin a transaction that is the caller's to end; one that is left alone stays open."""
        return Transaction(self._producer, self._topic)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Committed at the end of the block, aborted when the block raises."""
        begun = self.begin()
        try:
            yield begun
        except BaseException:
            begun.abort()
            raise
        begun.commit()

    def committed(self, records: Iterable[Sent]) -> list[int]:
        """One committed transaction of these records; returns their offsets."""
        with self.transaction() as begun:
            return begun.send(records)

    def aborted(self, records: Iterable[Sent]) -> list[int]:
        """One aborted transaction of these records, which the brokers did get; returns their offsets."""
        begun = self.begin()
        offsets = begun.send(records)
        begun.abort()
        return offsets


def again_while_it_may_be(step: Callable[[float], object]) -> None:
    """A step of a transaction; one that got no answer in time is repeated, where librdkafka says that it may be."""
    limit = time.monotonic() + TIMEOUT_S
    while True:
        try:
            step(TIMEOUT_S)
            return
        except KafkaException as error:
            if not error.args[0].retriable() or time.monotonic() > limit:
                raise


class _Sender:
    """Hands records to a producer and collects the offsets in their order, or the first error."""

    def __init__(self, producer: Producer, topic: str) -> None:
        self._producer = producer
        self._topic = topic
        self._offsets: dict[int, int] = {}
        self._error: KafkaError | None = None
        self._count = 0

    def send(self, records: Iterable[Sent]) -> None:
        for record in records:
            stamp = {} if record.timestamp_ms is None else {"timestamp": record.timestamp_ms}
            position = self._count
            self._count += 1
            while True:
                try:
                    self._producer.produce(
                        self._topic,
                        value=record.value,
                        key=record.key,
                        headers=list(record.headers),
                        partition=record.partition,
                        on_delivery=lambda error, message, position=position: self._done(position, error, message),
                        **stamp,
                    )
                    break
                except BufferError:
                    self._producer.poll(0.1)
            self._producer.poll(0)

    def finish(self) -> list[int]:
        left = self._producer.flush(TIMEOUT_S)
        if self._error is not None:
            raise RuntimeError(f"{self._topic}: {self._error}")
        if left:
            raise TimeoutError(f"{self._topic}: {left} records were not acknowledged in {TIMEOUT_S:.0f} s")
        return [self._offsets[n] for n in range(self._count)]

    def _done(self, position: int, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._error = self._error or error
            return
        offset = message.offset()
        assert offset is not None
        self._offsets[position] = offset
