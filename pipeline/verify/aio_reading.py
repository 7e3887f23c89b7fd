"""The consumers of a verification by aiokafka, for what librdkafka cannot log in to. See `reading` for why not always.

They hand out the same columns, which a test on real brokers holds them to: aiokafka parses batches, aborted lists and
headers, and checks each batch's CRC.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from pipeline.cluster.errors import translate
from pipeline.cluster.security import ClientSecurity
from pipeline.verify.chunks import Chunk
from pipeline.verify.errors import LogStartMoved, Stopped, Unreachable, VerifyError
from pipeline.verify.loop_thread import LoopThread
from pipeline.verify.reading import CHUNK_RECORDS, NO_TIME, POLL_S, STALL_S


class AioReader:
    """A Reader, see `sides`; its consumer lives in the loop of `thread`.

    Memory: two fetches of 1 MB a partition (or one batch each, if larger).
    """

    def __init__(
        self,
        security: ClientSecurity,
        thread: LoopThread,
        topic: str,
        *,
        committed: bool,
        offsets_only: bool,
        stop: Callable[[], bool],
    ) -> None:
        self._security = security
        self._thread = thread
        self._topic = topic
        self._committed = committed
        self._offsets_only = offsets_only
        self._stop = stop
        self._consumer: AIOKafkaConsumer | None = None
        self._place = TopicPartition(topic, -1)
        self._end = 0
        self._is_open = False

    def open(self, partition: int, first: int, end: int) -> None:
        self._place, self._end = TopicPartition(self._topic, partition), end
        self._is_open = first < end
        if self._is_open:
            self._thread.run(self._go_to(first))

    def chunk(self) -> Chunk | None:
        deadline = time.monotonic() + STALL_S
        while self._is_open:
            if self._stop():
                raise Stopped
            records, position = self._thread.run(self._next())
            visible = [each for each in records if each.offset < self._end]
            if position >= self._end:
                self._is_open = False
                self._thread.run(self._rest())
            if visible:
                return self._columns(visible)
            if not records and time.monotonic() > deadline:
                raise Unreachable(f"no records of {self._topic} for {STALL_S:.0f} s.")
        return None

    def close(self) -> None:
        if self._consumer is not None:
            self._thread.run(self._consumer.stop())

    async def _go_to(self, first: int) -> None:
        consumer = self._consumer or await self._started()
        consumer.assign([self._place])
        consumer.seek(self._place, first)

    async def _started(self) -> AIOKafkaConsumer:
        self._consumer = AIOKafkaConsumer(
            **self._security.aiokafka(),
            client_id="clusterlink-verify",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed" if self._committed else "read_uncommitted",
            check_crcs=True,
            fetch_max_wait_ms=5,
            max_partition_fetch_bytes=1 << 20,
        )
        try:
            await self._consumer.start()
        except KafkaError as error:
            raise Unreachable(str(translate(error, self._topic))) from error
        return self._consumer

    async def _next(self) -> tuple[list[Any], int]:
        """Records, if some come soon, and where the next ones would be: behind markers and aborted records too."""
        assert self._consumer is not None
        try:
            found = await self._consumer.getmany(self._place, timeout_ms=POLL_S * 1000, max_records=CHUNK_RECORDS)
            return found.get(self._place, []), await self._consumer.position(self._place)
        except OffsetOutOfRangeError as error:
            raise LogStartMoved(str(error)) from error
        except KafkaError as error:
            raise VerifyError(str(translate(error, self._topic))) from error

    async def _rest(self) -> None:
        """Nothing is fetched until the next range is opened."""
        assert self._consumer is not None
        self._consumer.pause(self._place)

    def _columns(self, records: list[Any]) -> Chunk:
        offsets = [each.offset for each in records]
        if self._offsets_only:
            return Chunk(offsets)
        return Chunk(
            offsets,
            [NO_TIME if each.timestamp is None else each.timestamp for each in records],
            [each.key for each in records],
            [each.value for each in records],
            [list(each.headers) or None for each in records],
        )
