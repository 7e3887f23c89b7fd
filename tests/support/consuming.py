"""Read a partition of a real cluster to its end, as a consumer sees it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from pipeline.local.cluster import LocalCluster
from tests.support.clients import ASK_S, NOT_YET, TIMEOUT_S, answered, configuration

UNCOMMITTED = "read_uncommitted"
COMMITTED = "read_committed"


@dataclass(frozen=True)
class Received:
    """A record as it was consumed, with everything a mirror has to keep."""

    offset: int
    timestamp_ms: int
    timestamp_type: int
    """librdkafka's: 1 CreateTime, 2 LogAppendTime."""
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


def consume(
    cluster: LocalCluster,
    topic: str,
    partition: int = 0,
    *,
    start: int | None = None,
    end: int | None = None,
    isolation: str = COMMITTED,
    user: str | None = None,
) -> list[Received]:
    """The records at offsets start (default: the log's) to end (exclusive; default: what there is now).

    The end of what there is means the high watermark, or the last stable offset for `read_committed`. With an `end`
    given it waits for records that are still to come, and raises `TimeoutError` when none comes for half a minute.
    """
    consumer = Consumer(
        configuration(
            cluster,
            user,
            **{
                "group.id": "tests-never-joined",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": isolation,
                "auto.offset.reset": "error",
                "fetch.wait.max.ms": 50,
            },
        )
    )
    try:
        begin = start
        if begin is None:
            begin, _ = answered(lambda: consumer.get_watermark_offsets(TopicPartition(topic, partition), ASK_S))
        consumer.assign([TopicPartition(topic, partition, begin)])
        return _read(consumer, f"{topic}-{partition}", end)
    finally:
        consumer.close()


def records(messages: Iterable[Message]) -> list[Message]:
    """Those of a consumer's messages that are records; that it has to wait for a broker is none of our business.

    Raises RuntimeError for any other error.
    """
    found = []
    for message in messages:
        error = message.error()
        if error is None:
            found.append(message)
        elif error.code() not in NOT_YET:
            raise RuntimeError(str(error))
    return found


def _read(consumer: Consumer, name: str, end: int | None) -> list[Received]:
    found: list[Received] = []
    give_up_at = time.monotonic() + TIMEOUT_S
    while True:
        message = consumer.poll(0.2)
        if message is None:
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"{name}: nothing came after {found[-1:]} for {TIMEOUT_S:.0f} s")
            continue
        error = message.error()
        if error is not None:
            if error.code() in NOT_YET and time.monotonic() <= give_up_at:
                continue
            if error.code() != KafkaError._PARTITION_EOF:
                raise RuntimeError(f"{name}: {error}")
            position = consumer.position(consumer.assignment())[0].offset
            if end is None or max(position, message.offset() or 0) >= end:
                return found
            continue
        offset = message.offset()
        assert offset is not None
        if end is not None and offset >= end:
            return found
        kind, stamp = message.timestamp()
        headers = tuple((name, value) for name, value in message.headers() or ())
        found.append(Received(offset, stamp, kind, message.key(), message.value(), headers))
        give_up_at = time.monotonic() + TIMEOUT_S
