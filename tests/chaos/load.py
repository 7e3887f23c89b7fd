"""Steady load on the source: one thread a topic, and one whose groups commit. Remembers what was acknowledged."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from pipeline.local.cluster import LocalCluster
from tests.chaos.topics import PLACES, QUIET, TOPICS, Place, Topic, digest
from tests.support.clients import TIMEOUT_S, configuration

GROUPS = ("chaos-one", "chaos-two")
KEYS = 40


class Load:
    """`acknowledged(place, offset, digest)` is called from several threads, once for each record."""

    def __init__(
        self, cluster: LocalCluster, seed: int, acknowledged: Callable[[Place, int, bytes], None], rest_s: float
    ) -> None:
        self._cluster, self._seed, self._acknowledged, self._rest_s = cluster, seed, acknowledged, rest_s
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(topic,), daemon=True) for topic in TOPICS]
        self._threads.append(threading.Thread(target=self._commit, daemon=True))
        self.failures: list[BaseException] = []
        self.records = 0

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End it; whatever was sent has been acknowledged or refused then."""
        self._stop.set()
        for thread in self._threads:
            thread.join(180)

    def _write(self, topic: Topic) -> None:
        dice = random.Random(f"{self._seed} {topic.name}")
        number = 0
        try:
            producer = self._producer(topic)
            while not self._stop.wait(self._rest_s):
                records = [self._record(dice, topic, number + n) for n in range(dice.randint(1, 40))]
                number += len(records)
                try:
                    self._send(producer, topic, records, is_kept=dice.random() > 0.3)
                except KafkaException as error:  # a broker is away: the transaction's end is not known
                    if not topic.is_transactional:
                        raise
                    producer = self._recovered(producer, topic, error)
            producer.flush(120)
        except BaseException as error:
            self.failures.append(error)

    def _producer(self, topic: Topic) -> Producer:
        own = {"transactional.id": "chaos", "transaction.timeout.ms": 10_000} if topic.is_transactional else {}
        producer = Producer(
            configuration(
                self._cluster,
                **{
                    "enable.idempotence": True,
                    "batch.num.messages": topic.batch,
                    "linger.ms": 5 if topic.batch > 1 else 0,
                    **QUIET,
                    "compression.type": "lz4" if topic.batch > 1 else "none",
                    "message.timeout.ms": 10_000 if topic.is_transactional else 300_000,
                },
                **own,
            )
        )
        if topic.is_transactional:
            producer.init_transactions(120)
        return producer

    def _recovered(self, producer: Producer, topic: Topic, error: KafkaException) -> Producer:
        """The same producer after an abort where that is possible, or the next with its id."""
        found = error.args[0]
        if isinstance(found, KafkaError) and found.txn_requires_abort():
            try:
                producer.abort_transaction(TIMEOUT_S)
                return producer
            except KafkaException:
                pass
        while not self._stop.wait(0.5):
            try:
                return self._producer(topic)
            except KafkaException:
                continue
        return producer

    def _send(
        self, producer: Producer, topic: Topic, records: list[tuple[int, bytes | None, bytes | None]], *, is_kept: bool
    ) -> None:
        sent: list[tuple[Place, int, bytes]] = []

        def delivered(error: KafkaError | None, message: Message, told: bytes) -> None:
            if error is None:
                at = ((topic.name, message.partition() or 0), message.offset() or 0, told)
                if topic.is_transactional:
                    sent.append(at)
                else:
                    self._acknowledged(*at)
                    self.records += 1

        if topic.is_transactional:
            producer.begin_transaction()
        for partition, key, value in records:
            told = digest(key, value)
            producer.produce(
                topic.name,
                value,
                key,
                partition=partition,
                on_delivery=lambda error, message, told=told: delivered(error, message, told),
            )
        if not topic.is_transactional:
            producer.poll(0)
            if len(producer) > 20_000:  # the source is away: no more before it is back
                producer.flush(300)
            return
        producer.flush(TIMEOUT_S)
        if not is_kept:
            producer.abort_transaction(TIMEOUT_S)
            return
        producer.commit_transaction(TIMEOUT_S)
        for at in sent:
            self._acknowledged(*at)
            self.records += 1

    @staticmethod
    def _record(dice: random.Random, topic: Topic, number: int) -> tuple[int, bytes | None, bytes | None]:
        """Every value says which it is, so that a second one of it is seen."""
        key = b"k%d" % dice.randrange(KEYS)
        value: bytes | None = b"%s %d " % (topic.name.encode(), number) + dice.randbytes(dice.randint(0, 200))
        if topic.is_compacted and dice.random() < 0.05:
            value = None
        return dice.randrange(topic.partitions), key if topic.is_compacted or dice.random() < 0.5 else None, value

    def _commit(self) -> None:
        """Groups that move on, each at its pace, and one of them back at times (TASK-13)."""
        dice = random.Random(f"{self._seed} groups")
        consumers = {
            group: Consumer(configuration(self._cluster, **{"group.id": group, "enable.auto.commit": False, **QUIET}))
            for group in GROUPS
        }
        while not self._stop.wait(0.5):
            group = dice.choice(GROUPS)
            consumer = consumers[group]
            topic, partition = dice.choice(PLACES)
            try:
                low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), 5)
                offset = high if dice.random() < 0.7 else dice.randint(low, high)
                consumer.commit(offsets=[TopicPartition(topic, partition, offset)], asynchronous=False)
            except KafkaException:
                continue  # the broker is away
        for consumer in consumers.values():
            consumer.close()
