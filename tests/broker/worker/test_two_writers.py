"""Several workers believe that they own the same partitions of a real broker, and none of them shifts a record (I1-I3).

Each has connections, lanes and a registry of its own on real control topics, as workers have; each writes what belongs
at the log's end by a function of the offset alone, data and markers, is cancelled at any moment, and begins again as
a new worker would. In the end every record is where its own value says, and nothing else is anywhere.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from pipeline.cluster.admin import Admin
from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import ClusterError
from pipeline.cluster.security import client_arguments
from pipeline.control.registry import NoToken, Registry
from pipeline.control.sending import Sender
from pipeline.control.tail import Tail
from pipeline.control.topics import ControlTopics, ensure
from pipeline.local.cluster import LocalCluster
from pipeline.mirror import seeding
from pipeline.mirror.append import Doubt
from pipeline.mirror.appending import Appender
from pipeline.mirror.destination import Destination
from pipeline.mirror.pieces import Piece, PieceStatus, now_ms
from pipeline.wire.batch import Stamp
from pipeline.wire.records import Record, close_batch
from tests.support.clients import create_topic, log_ends, log_starts
from tests.support.consuming import COMMITTED, UNCOMMITTED, consume

WRITERS = 3
PARTITIONS = 6
CODEC_LZ4 = 3
SEEDED = 450_000
"""Every other partition begins here: they have to be seeded first, which all writers do at once."""
BEGAN_MS = now_ms()


@dataclass(frozen=True)
class Source:
    """What belongs at each offset: runs of data and of gaps by turns, the same for everybody."""

    start: int
    runs: tuple[tuple[int, int, bool], ...]
    """(first offset, last offset, whether a gap)"""

    @classmethod
    def make(cls, seed: int, offsets: int, start: int) -> Source:
        dice, runs, at, end = random.Random(seed), list[tuple[int, int, bool]](), start, start + offsets
        while at < end:
            is_gap = bool(len(runs) % 2)
            last = min(end, at + (dice.choice((1, 1, 2, 5, 12)) if is_gap else dice.randint(1, 40))) - 1
            runs.append((at, last, is_gap))
            at = last + 1
        return cls(start, tuple(runs))

    @property
    def end(self) -> int:
        return self.runs[-1][1] + 1

    def at(self, offset: int) -> tuple[int, bool]:
        """Last offset of the run that an offset is in, and whether it is a gap."""
        return next((last, is_gap) for first, last, is_gap in self.runs if first <= offset <= last)

    def values(self) -> list[tuple[int, bytes]]:
        """(offset, value) of every record."""
        return [(o, b"%d" % o) for first, last, is_gap in self.runs if not is_gap for o in range(first, last + 1)]


@dataclass
class Writer:
    """One worker, as far as it appends."""

    name: str
    destination: Destination
    registry: Registry
    dice: random.Random
    events: Counter[str]

    async def write(self, piece: Piece, source: Source) -> None:
        """Write until the log's end is the source's; whoever cancels this may call it again."""
        while True:
            appender = Appender(piece, self.destination, self.registry, PieceStatus(piece, self.name))
            try:
                for _ in range(self.dice.randint(1, 4)):  # as a new worker now and then, else as the same in doubt
                    try:
                        if await self._round(appender, source):
                            return
                    except (Doubt, ClusterError, NoToken) as reason:
                        self.events[type(reason).__name__] += 1
                        await asyncio.sleep(self.dice.random() * 0.02)
            except asyncio.CancelledError:
                self.events["cancelled"] += 1
                raise
            finally:
                appender.abandon()

    async def _round(self, appender: Appender, source: Source) -> bool:
        await appender.resume()
        if source.start:
            await seeding.seed(appender, source.start)
        at = appender.next_offset
        while at < source.end:
            last, is_gap = source.at(at)
            last = min(last, at + self.dice.choice((0, 2, 9, 50)))
            if is_gap:
                await appender.markers(at, last)
                self.events["gap"] += 1
            else:
                await self._data(appender, at, last)
                self.events["data"] += 1
            at = appender.next_offset
            if self.dice.random() < 0.2:
                await asyncio.sleep(self.dice.random() * 0.03)
            if self.dice.random() < 0.2:
                await appender.settled()
        await appender.settled()
        return True

    @staticmethod
    async def _data(appender: Appender, first: int, last: int) -> None:
        records = [Record(o, BEGAN_MS + o, b"k", b"%d" % o, ()) for o in range(first, last + 1)]

        def batch(stamp: Stamp) -> bytes:
            return close_batch(records, CODEC_LZ4, stamp)

        await appender.data(first, len(records), batch, lambda: None)


@asynccontextmanager
async def writer(
    cluster: LocalCluster, topics: ControlTopics, name: str, seed: int, may_mark: bool
) -> AsyncIterator[Writer]:
    """A worker's means to write, closed at the end."""
    security = client_arguments({"bootstrap.servers": cluster.bootstrap_servers})
    arguments = security.aiokafka() | {"client_id": name}

    async def answer() -> bool:
        return may_mark

    client, sender = DataClient(security), Sender(arguments)
    await client.start()
    await sender.start()
    registry = Registry(topics, sender, name)
    tail = registry.tail = Tail(arguments, {topics.claims: 1, topics.producers: 1}, registry.apply)
    await tail.start()
    destination = Destination(client, 1 << 20, answer, topics.app_id)
    try:
        yield Writer(name, destination, registry, random.Random(seed), Counter())
    finally:
        await destination.close()
        await tail.stop()
        await sender.stop()
        await client.close()


async def harass(one: Writer, piece: Piece, source: Source) -> None:
    """Have a writer write, cancelling it at random moments, until it gets to the end."""
    while True:
        task = asyncio.create_task(one.write(piece, source))
        done, _ = await asyncio.wait([task], timeout=one.dice.choice((0.02, 0.1, 0.5, 2.0)))
        if done:
            await task
            return
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("path", "offsets"), [("direct", 1_500), ("coordinator", 80)])
async def test_writers_that_all_believe_they_own_a_partition_shift_nothing(
    path: str, offsets: int, destination: LocalCluster, topic: str
) -> None:
    topics = ControlTopics(f"t{uuid.uuid4().hex[:8]}", 1, 1)
    admin = Admin(client_arguments({"bootstrap.servers": destination.bootstrap_servers}))
    await ensure(topics, (), admin)
    await asyncio.to_thread(create_topic, destination, topic, PARTITIONS)
    async with asyncio.timeout(90):  # the broker may not show the topic the moment it is made
        while (found := (await admin.describe_topics([topic]))[topic]).error:
            await asyncio.sleep(0.05)
    topic_id = found.topic_id
    await admin.close()
    sources = [Source.make(seed, offsets, SEEDED if seed % 2 else 0) for seed in range(PARTITIONS)]
    pieces = [Piece("link", topic, topic, n, "", topic_id, source.start) for n, source in enumerate(sources)]
    async with AsyncExitStack() as stack:
        writers = [
            await stack.enter_async_context(writer(destination, topics, f"w{n}", n, path == "direct"))
            for n in range(WRITERS)
        ]
        async with asyncio.TaskGroup() as group:
            for one in writers:
                for piece, source in zip(pieces, sources, strict=True):
                    group.create_task(harass(one, piece, source))
        events = sum((one.events for one in writers), Counter[str]())
    print(f"{path}: {dict(events)}")
    # that they did fight: refused by the leader or fenced by the coordinator, ended at any moment
    assert events["Doubt"] + events["KafkaFailure"] and events["cancelled"], f"nobody has fought: {events}"
    assert events["gap"] and events["data"], events
    assert await asyncio.to_thread(log_ends, destination, topic, PARTITIONS) == [source.end for source in sources]
    assert await asyncio.to_thread(log_starts, destination, topic, PARTITIONS) == [source.start for source in sources]
    for number, source in enumerate(sources):
        for isolation in (UNCOMMITTED, COMMITTED):
            found = await asyncio.to_thread(consume, destination, topic, number, isolation=isolation)
            assert [(record.offset, record.value) for record in found] == source.values(), (number, isolation)
