"""The consumers of a verification: confluent-kafka, that is librdkafka.

Why not aiokafka: the engine reads and writes through aiokafka's connections and its record code. librdkafka is
written by others, in C, and parses batches, codecs, aborted lists and headers in its own way, so that no mistake can
be on both sides of a comparison. It also checks each batch's CRC, and hands out records at the rate that a
verification of gigabytes needs. The one login that it cannot do is left to `aio_reading`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import cast

from confluent_kafka import (
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    KafkaError,
    Message,
    TopicPartition,
)

from pipeline.verify.chunks import Chunk, Headers
from pipeline.verify.errors import LogStartMoved, Stopped, Unreachable, VerifyError
from pipeline.verify.logins import LoginWatch
from pipeline.verify.properties import Conf

CHUNK_RECORDS = 400
"""Small on purpose: three chunks and the queues behind them should fit the processor's cache; 4,000 halved the rate."""
STALL_S = 60.0
POLL_S = 0.25
NO_TIME = -1
"""As Kafka writes it. Records of format v0 have none (librdkafka says 0); re-encoded as v2 they have this one."""
SILENT = 2
"""librdkafka's log level: it would tell of every attempt to reach a broker, twenty a second. What matters is raised."""
logger = logging.getLogger(__name__)


class RdReader:
    """A Reader, see `sides`.

    Memory: librdkafka holds 4 MB of fetched records and a fetch of 1 MB (or one batch, if larger) a partition.
    """

    def __init__(
        self,
        conf: Conf,
        topic: str,
        *,
        committed: bool,
        offsets_only: bool,
        stop: Callable[[], bool],
    ) -> None:
        self._topic = topic
        self._offsets_only = offsets_only
        self._stop = stop
        self._logins = LoginWatch()
        self._partition, self._first, self._end = -1, 0, 0
        self._is_open = False
        self._consumer = Consumer(
            {
                **conf,
                "group.id": "clusterlink-verify",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "error",
                "isolation.level": "read_committed" if committed else "read_uncommitted",
                "enable.partition.eof": True,
                "check.crcs": True,
                # What is read is there already; a long poll would only hold up the next partition's first fetch.
                "fetch.wait.max.ms": 5,
                "fetch.error.backoff.ms": 50,
                "fetch.queue.backoff.ms": 5,
                "max.partition.fetch.bytes": 1 << 20,
                "queued.min.messages": 20_000,
                "queued.max.messages.kbytes": 4096,
                "error_cb": self._logins.note,
                "log_level": SILENT,
            },
            logger=logger,
        )

    def open(self, partition: int, first: int, end: int) -> None:
        self._partition, self._first, self._end = partition, first, end
        self._is_open = first < end
        if self._is_open:
            self._consumer.assign([TopicPartition(self._topic, partition, first)])

    def chunk(self) -> Chunk | None:
        deadline = time.monotonic() + STALL_S
        while self._is_open:
            if self._stop():
                raise Stopped
            messages = self._consumer.consume(CHUNK_RECORDS, 0)
            if not messages:
                message = self._consumer.poll(POLL_S)
                messages = [] if message is None else [message, *self._consumer.consume(CHUNK_RECORDS, 0)]
            if not messages and self._logins.is_refused():
                raise Unreachable(f"{self._topic}: {self._logins.last_error}")
            if not messages and time.monotonic() > deadline:
                raise Unreachable(f"no records of {self._topic} for {STALL_S:.0f} s. {self._logins.last_error}".strip())
            chunk = self._columns(self._visible(messages)) if messages else None
            if chunk:
                return chunk
        return None

    def close(self) -> None:
        self._consumer.close()

    def _visible(self, messages: list[Message]) -> list[Message]:
        """The records of the open range among what the consumer handed out; closes the range once its end is passed.

        What was fetched for an earlier range may still be in the queue.
        """
        if any(map(Message.error, messages)):
            for message in messages:
                error = message.error()
                if error is not None and not self._is_stale(message):
                    self._judge(error, message)
            messages = [each for each in messages if each.error() is None]
        if messages:
            self._logins.answered()
        if messages and any(map(self._is_stale, (messages[0], messages[-1]))):
            messages = [each for each in messages if not self._is_stale(each)]
        if messages and _offset(messages[-1]) >= self._end - 1:
            self._is_open = False
            while messages and _offset(messages[-1]) >= self._end:
                messages.pop()
        return messages

    def _is_stale(self, message: Message) -> bool:
        """Whether it is of an earlier range; an error that is not about an offset never is."""
        offset = message.offset()
        return message.partition() != self._partition or (offset is not None and offset < self._first)

    def _judge(self, error: KafkaError, message: Message) -> None:
        code = error.code()
        if code == KafkaError._PARTITION_EOF:
            self._is_open = self._is_open and _offset(message) < self._end
        elif code in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
            raise LogStartMoved(str(error))
        elif code != KafkaError.GROUP_AUTHORIZATION_FAILED:
            # librdkafka looks for the group's coordinator whether or not anything is asked of the group
            raise VerifyError(f"{self._topic}: {error}")

    def _columns(self, messages: list[Message]) -> Chunk | None:
        if not messages:
            return None
        offsets = [*map(_offset, messages)]
        if self._offsets_only:
            return Chunk(offsets)
        return Chunk(
            offsets,
            [NO_TIME if kind == TIMESTAMP_NOT_AVAILABLE else ms for kind, ms in map(Message.timestamp, messages)],
            [*map(Message.key, messages)],
            [*map(Message.value, messages)],
            cast(list[Headers | None], [*map(Message.headers, messages)]),
        )


def _offset(message: Message) -> int:
    return cast(int, message.offset())
