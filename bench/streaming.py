"""Records at a steady rate, each with the time at which it was handed to the producer, and a consumer that times them.

Producer and consumer are in one process, so there is one clock. What is timed contains the producer's way to the
source, the copy, and the consumer's way from the destination; `Reader` on the source itself shows what of it is not
the copier's.
"""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from bench.measures import Figures, Measure
from bench.measuring import Stalled

RATE_PER_S = 1000
WARM_UP_SHARE = 0.25
GIVE_UP_AFTER_S = 30.0
_HEAD = struct.Struct(">qq")  # number, time in ns


class Reader:
    """Reads a topic in a thread of its own for the length of a block; `latencies` are in ms, by number of record."""

    def __init__(self, servers: str, topic: str, partitions: int) -> None:
        self.latencies: dict[int, float] = {}
        self.remark = ""
        self._last = [-1] * partitions
        conf = {"bootstrap.servers": servers, "group.id": "bench", "enable.auto.commit": False, "log_level": 2}
        self._consumer = Consumer(conf)
        self._consumer.assign([TopicPartition(topic, each, OFFSET_BEGINNING) for each in range(partitions)])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"reader of {servers}")

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def wait_for(self, records: int) -> None:
        """Return when it has so many. Raises Stalled when it gets no further."""
        had, give_up_at = -1, 0.0
        while (have := len(self.latencies)) < records:
            if have > had:
                had, give_up_at = have, time.monotonic() + GIVE_UP_AFTER_S
            if time.monotonic() > give_up_at:
                raise Stalled(f"{have:,} of {records:,} records have come")
            time.sleep(0.05)

    def _run(self) -> None:
        while not self._stop.is_set():
            message = self._consumer.poll(0.1)
            if message is None or message.error() is not None:
                continue
            now, value, partition = time.time_ns(), message.value(), message.partition()
            if value is None or partition is None:
                continue
            number, sent = _HEAD.unpack_from(value)
            if number <= self._last[partition]:
                self.remark = f"partition {partition}: record {number} comes after {self._last[partition]}"
            self._last[partition] = number
            self.latencies[number] = (now - sent) / 1e6


@dataclass(frozen=True, slots=True)
class Stream:
    """Where records go, and how large they are."""

    servers: str
    topic: str
    partitions: int
    record_bytes: int

    def send(self, numbers: range, go_on: Callable[[], bool] | None = None) -> range:
        """Produce records of these numbers, in turns to the partitions, as long as `go_on`; the numbers that went."""
        producer = Producer({"bootstrap.servers": self.servers, "acks": "all", "linger.ms": 0, "log_level": 2})
        rest = bytes(self.record_bytes - _HEAD.size)
        began, stop = time.monotonic(), numbers.start
        for number in numbers:
            ahead = began + (number - numbers.start) / RATE_PER_S - time.monotonic()
            if ahead > 0:
                producer.poll(0)
                time.sleep(ahead)
            if go_on and not go_on():
                break
            producer.produce(self.topic, _HEAD.pack(number, time.time_ns()) + rest, partition=number % self.partitions)
            stop = number + 1
        if producer.flush(60):
            raise Stalled("the source did not take all records within a minute")
        return range(numbers.start, stop)


def percentiles(latencies: Sequence[float]) -> Figures:
    """p50 and p99, in ms."""
    if not latencies:
        raise Stalled("no record came in time to be counted")
    ordered = sorted(latencies)
    return {
        Measure.P50_MS: ordered[len(ordered) // 2],
        Measure.P99_MS: ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)],
    }


def after_warm_up(reader: Reader, numbers: range) -> list[float]:
    """Latencies of the records of these numbers, the first quarter left out."""
    first = numbers.start + int(len(numbers) * WARM_UP_SHARE)
    return [reader.latencies[number] for number in range(first, numbers.stop)]
