"""Follow whole topics from their beginning without a group, and know how far one has come.

Faust's GlobalTable does not follow what another worker writes, so every worker reads the tables' changelogs (and the
claims and producers topics) by itself. `wait_for` lets a caller who has just written a record wait until it has been
seen.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """A record as the tail saw it."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Tail:
    """Reads `topics` (name -> how many partitions, or which) and hands each record to `apply`, in the event loop.

    Records of a partition come in order.
    """

    def __init__(
        self,
        client: dict[str, Any],
        topics: Mapping[str, int | range],
        apply: Callable[[Entry], None],
        *,
        from_end: bool = False,
        last: Mapping[str, int] | None = None,
    ) -> None:
        """`from_end`: only what comes from now on, but for the topics in `last` also so many offsets before the end
        of each partition.
        """
        self._client = client
        self._topics = {name: range(each) if isinstance(each, int) else each for name, each in topics.items()}
        self._apply = apply
        self._from_end = from_end
        self._last = dict(last or {})
        self._next: dict[tuple[str, int], int] = {}
        self._moved = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._consumer: AIOKafkaConsumer | None = None

    async def start(self) -> None:
        """Begin to read; returns once everything that was there when it began has been applied (or skipped:
        `from_end`).
        """
        self._consumer = AIOKafkaConsumer(
            **self._client,
            group_id=None,
            enable_auto_commit=False,
            fetch_max_wait_ms=1_000,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        await self._consumer.start()
        partitions = [TopicPartition(topic, n) for topic, numbers in self._topics.items() for n in numbers]
        self._consumer.assign(partitions)
        ends = await self._consumer.end_offsets(partitions)
        if self._from_end:
            begins = await self._consumer.beginning_offsets([tp for tp in partitions if tp.topic in self._last])
            for tp, end in ends.items():
                self._consumer.seek(tp, max(begins.get(tp, end), end - self._last.get(tp.topic, 0)))
        else:
            await self._consumer.seek_to_beginning(*partitions)
        for tp in partitions:
            self._next[tp.topic, tp.partition] = await self._consumer.position(tp)
        self._task = asyncio.create_task(self._run(), name=f"tail {next(iter(self._topics))} ...")
        for tp, end in ends.items():
            await self.wait_for(tp.topic, tp.partition, end - 1)

    @property
    def name(self) -> str:
        """What it reads, for people."""
        return ", ".join(sorted(self._topics))

    @property
    def has_ended(self) -> bool:
        """Whether it was started and reads no more."""
        return self._task is not None and self._task.done()

    async def stop(self) -> None:
        """End reading; waiters are cancelled with their callers."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._consumer is not None:
            await self._consumer.stop()

    async def wait_for(self, topic: str, partition: int, offset: int) -> None:
        """Return once the record at `offset` and all before it have been applied."""
        while self._next.get((topic, partition), 0) <= offset:
            moved = self._moved
            if self._task is not None and self._task.done():
                raise RuntimeError(f"the tail of {topic} has ended")
            await moved.wait()

    async def catch_up(self, topic: str, partition: int) -> None:
        """Return once everything that was written before this call has been applied."""
        if self._consumer is None:
            raise RuntimeError("the tail is not started")
        tp = TopicPartition(topic, partition)
        ends = await self._consumer.end_offsets([tp])
        await self.wait_for(topic, partition, ends[tp] - 1)

    async def _run(self) -> None:
        assert self._consumer is not None
        while True:
            try:
                await self._round(self._consumer)
            except KafkaError as error:
                log.warning("Reading %s: %r; going on", ", ".join(self._topics), error)
                await asyncio.sleep(0.5)

    async def _round(self, consumer: AIOKafkaConsumer) -> None:
        batches = await consumer.getmany(timeout_ms=1_000, max_records=5_000)
        for records in batches.values():
            for r in records:
                try:
                    self._apply(Entry(r.topic, r.partition, r.offset, r.timestamp, r.key, r.value, tuple(r.headers)))
                except Exception as error:
                    # a record that nobody can read must not stop what others wrote behind it
                    log.error("Left out %s-%d offset %d: cannot be read: %r", r.topic, r.partition, r.offset, error)
        for tp in consumer.assignment():
            # the position also passes what has no record: markers, and what compaction took away
            self._next[tp.topic, tp.partition] = await consumer.position(tp)
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()
