"""What the source receives: orders with keys and headers, in every codec, some in transactions, some aborted."""

from __future__ import annotations

import itertools
import json
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
BURST_RECORDS = 100
ABORT_EVERY = 4
TIMEOUT_S = 120.0


@dataclass
class Produced:
    """What has been written so far."""

    records: int = 0
    transactions: int = 0
    aborted: int = 0


def create_topic(bootstrap_servers: str, topic: str, partitions: int) -> None:
    """Make the source topic."""
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 2})
    admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(TIMEOUT_S)


class Orders:
    """Writes bursts of orders: some at once, then at a steady rate in a thread until the end of the `with` block."""

    def __init__(self, bootstrap_servers: str, topic: str, partitions: int, records_per_s: int) -> None:
        self.produced = Produced()
        self.error: BaseException | None = None
        self._topic, self._partitions = topic, partitions
        self._pause_s = BURST_RECORDS / records_per_s
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep_producing, name="orders", daemon=True)
        base: dict[str, Any] = {
            "bootstrap.servers": bootstrap_servers,
            "linger.ms": 5,
            "enable.idempotence": True,
            "log_level": 2,  # what matters is raised; the rest would break up the live table
        }
        self._plain = [Producer({**base, "compression.type": codec}) for codec in CODECS]
        self._transactional = Producer({**base, "transactional.id": f"demo-{topic}", "compression.type": "lz4"})

    def __enter__(self) -> Self:
        self._transactional.init_transactions(TIMEOUT_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(TIMEOUT_S)

    def start(self) -> None:
        """Produce at the steady rate from now on."""
        self._thread.start()

    def burst(self, number: int) -> None:
        """Write one burst: each codec in turn, then a transaction, every fourth of which is aborted."""
        turn = number % (len(CODECS) + 1)
        if turn < len(CODECS):
            self._send(self._plain[turn])
            return
        self._transactional.begin_transaction()
        self._send(self._transactional)
        self.produced.transactions += 1
        if self.produced.transactions % ABORT_EVERY == 0:
            self._transactional.abort_transaction(TIMEOUT_S)
            self.produced.aborted += 1
        else:
            self._transactional.commit_transaction(TIMEOUT_S)

    def preload(self, bursts: int) -> None:
        """Write some bursts at once, before anything mirrors the topic."""
        for number in range(bursts):
            self.burst(number)

    def _send(self, producer: Producer) -> None:
        for _ in range(BURST_RECORDS):
            number = next(self._numbers)
            order = {"order": number, "customer": number % 997, "amount": number * 37 % 10_000 / 100}
            producer.produce(
                self._topic,
                # Every 50th is a deletion: a null value is a value too.
                value=None if number % 50 == 49 else json.dumps(order).encode(),
                key=f"customer-{number % 997}".encode(),
                headers=[("trace", number.to_bytes(8, "big")), ("channel", None if number % 3 else b"web")],
                partition=number % self._partitions,
            )
        if producer.flush(TIMEOUT_S):
            raise TimeoutError("the source cluster does not take records")
        self.produced.records += BURST_RECORDS

    def _keep_producing(self) -> None:
        try:
            for number in itertools.count():
                began = time.monotonic()
                self.burst(number)
                if self._stop.wait(max(0.0, self._pause_s - (time.monotonic() - began))):
                    return
        except BaseException as error:
            self.error = error
