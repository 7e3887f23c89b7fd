"""The real engine between two real clusters, without a Faust worker: topics are made, copied and compared here.

    async with mirroring(source, destination) as link:
        await link.create("orders")
        await link.wait_for_ends("orders")
        await link.compare("orders")

What a worker agrees on through control topics is agreed on in memory (`SharedRegistrar`), slices go straight from the
fetcher to the copier, and mirror topics are made as `pipeline/lifecycle/mirror_commands.py` makes them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from pipeline.cluster.admin import Admin
from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import KafkaFailure
from pipeline.cluster.security import client_arguments
from pipeline.lifecycle.start_offsets import start_offsets
from pipeline.link.models import Position
from pipeline.link.topic_configs import DEFAULT_INCLUDE, mirror_topic_configs
from pipeline.local.cluster import LocalCluster
from pipeline.mirror.destination import Destination
from pipeline.mirror.engine import Engine, LinkWork
from pipeline.mirror.fetching import FetchSettings
from pipeline.mirror.gaps import is_compacted
from pipeline.mirror.link_copying import LinkTuning
from pipeline.mirror.memory import MemoryBudget
from pipeline.mirror.pieces import Piece, PieceStatus
from pipeline.mirror.plan import Policy
from pipeline.mirror.slices import Slice
from pipeline.verify import Report, verify
from tests.support.appenders import SharedRegistrar
from tests.support.clients import log_ends, log_starts
from tests.support.consuming import COMMITTED, UNCOMMITTED, consume

MIB = 1 << 20
LINK = "tests"
SCALE = int(os.environ.get("CLUSTERLINK_TEST_SCALE", "1"))
"""Multiplies the sizes of what is measured in tests/broker/logs: 1 for every day, 10 for nights."""
QUICK = LinkTuning(FetchSettings(max_wait_ms=50, backoff_ms=200), retry_timeout_s=2.0)


class DirectSink:
    """Hands every slice to its copier at once."""

    async def start(self) -> None:
        """Nothing to start."""

    async def put(self, fetched: Slice) -> None:
        fetched.deliver()

    async def stop(self) -> None:
        """Nothing to stop."""


@dataclass(frozen=True)
class Mirrored:
    """A mirror that was made: where each partition begins, and the policy to set once all have their start."""

    topic: str
    mirror: str
    pieces: tuple[Piece, ...]
    cleanup_policy: str
    needs_policy: bool

    def of_another_source(self, topic: str, topic_id: str) -> Mirrored:
        """The same mirror with another source topic, which is then to be taken for its own."""
        pieces = tuple(replace(piece, source_topic=topic, source_topic_id=topic_id) for piece in self.pieces)
        return replace(self, topic=topic, pieces=pieces)


class Mirroring:
    """One worker's engine with one link."""

    def __init__(
        self,
        source: LocalCluster,
        destination: LocalCluster,
        admins: tuple[Admin, Admin],
        target: Destination,
        *,
        memory_bytes: int,
        partition_bytes: int,
        tuning: LinkTuning,
        policy: Policy,
    ) -> None:
        self.source, self.destination, self.target = source, destination, target
        self.registrar = SharedRegistrar()
        self.remote, self.own = admins
        self._memory = (memory_bytes, partition_bytes)
        self._tuning, self._policy = tuning, policy
        self._mirrors: dict[str, Mirrored] = {}
        self._known_configs: frozenset[str] = frozenset()
        self.reported: dict[Piece, Position] = {}
        """What the next copier of a piece finds in the positions table."""
        self.engine = self._engine()

    async def create(
        self, topic: str, mirror: str = "", spec: str = "earliest", replicas: int = 1, **own: str
    ) -> Mirrored:
        """Make a mirror topic and begin to copy. `own` are configs that the mirror alone has, _ for dots."""
        made = await self.make(topic, mirror, spec, replicas, **own)
        await self.start(made)
        return made

    async def make(
        self, topic: str, mirror: str = "", spec: str = "earliest", replicas: int = 1, **own: str
    ) -> Mirrored:
        """Make a mirror topic; nothing is copied yet."""
        mirror = mirror or topic
        found = (await self.remote.describe_topics([topic]))[topic]
        count = len(found.partitions)
        effective = {n: c.value or "" for n, c in (await self.remote.topic_configs(topic)).items()}
        starts = await start_offsets(self.remote, topic, count, spec)
        if not self._known_configs:
            await self.own.create_topic(anywhere := f"any-{uuid.uuid4().hex}", 1, 1)
            while not self._known_configs:
                with contextlib.suppress(KafkaFailure):  # a new topic takes a moment to be known
                    self._known_configs = frozenset(await self.own.topic_configs(anywhere))
        configs = mirror_topic_configs(
            effective,
            DEFAULT_INCLUDE,
            True,
            own={name.replace("_", "."): value for name, value in own.items()},
            known=self._known_configs,
            seeding=any(starts),
        )
        given = {name: value for name, value in configs.items() if value is not None}
        topic_id = (await self.own.create_topic(mirror, count, replicas, given)).topic_id
        policy = effective.get("cleanup.policy", "")
        pieces = tuple(
            Piece(LINK, topic, mirror, number, found.topic_id, topic_id, start, is_compacted(policy))
            for number, start in enumerate(starts)
        )
        return Mirrored(topic, mirror, pieces, policy, any(starts) and is_compacted(policy))

    async def start(self, mirrored: Mirrored) -> None:
        """Copy a mirror that was made."""
        self._mirrors[mirrored.topic] = mirrored
        await self._reconcile()

    async def leave(self, topic: str) -> Mirrored:
        """Copy a mirror no more; its topic stays, `start` takes it up again as another worker would."""
        self.report(topic)
        mirrored = self._mirrors.pop(topic)
        await self._reconcile()
        return mirrored

    def report(self, topic: str) -> None:
        """As the reporter does now and then."""
        self.reported.update({status.piece: status.position() for status in self.statuses(topic)})

    async def restart(self) -> None:
        """As if the worker had died and another one, which knows nothing, had taken over."""
        for topic in self._mirrors:
            self.report(topic)
        await self.engine.stop()
        self.engine = self._engine()
        await self._reconcile()

    def statuses(self, topic: str) -> list[PieceStatus]:
        """What the copiers of a source topic see, by partition."""
        found = [status for status in self.engine.statuses if status.piece.source_topic == topic]
        return sorted(found, key=lambda status: status.piece.partition)

    async def wait_for_ends(self, topic: str, within_s: float = 120.0) -> float:
        """Return the seconds until every partition has what read_committed consumers see of the source now.

        Raises AssertionError when a partition fails, or takes too long.
        """
        places = [(topic, piece.partition) for piece in self._mirrors[topic].pieces]
        wanted = await self.remote.end_offsets(places, read_committed=True)

        def is_there() -> bool:
            statuses = self.statuses(topic)
            for status in statuses:
                assert not status.error_message, status.error_message
            return all(status.log_end_offset >= wanted[topic, status.piece.partition] for status in statuses)

        return await self._until(topic, is_there, within_s)

    async def wait_for_starts(self, topic: str, within_s: float = 120.0) -> float:
        """Return the seconds until every partition has its start; then a compacted mirror gets its own policy."""
        mirrored = self._mirrors[topic]
        took = await self._until(topic, lambda: all(status.is_seeded for status in self.statuses(topic)), within_s)
        if mirrored.needs_policy:
            await self.own.alter_topic_configs(mirrored.mirror, {"cleanup.policy": mirrored.cleanup_policy})
        return took

    async def failure(self, topic: str, within_s: float = 90.0) -> PieceStatus:
        """The status of the first partition that fails (I4)."""

        def failed() -> list[PieceStatus]:
            return [status for status in self.statuses(topic) if status.error_message]

        await self._until(topic, failed, within_s)
        return failed()[0]

    async def compare(self, topic: str, *, same_starts: bool = True) -> Report:
        """The mirror is the source's log: every record (both views), log starts and ends (I1, I2, MIRROR-64).

        `same_starts`: the source's log still begins where it did when the mirror was made.
        """
        mirrored = self._mirrors[topic]
        count = len(mirrored.pieces)
        here, there = ({"bootstrap.servers": c.bootstrap_servers} for c in (self.source, self.destination))
        starts = await asyncio.to_thread(log_starts, self.destination, mirrored.mirror, count)
        begins = await asyncio.to_thread(log_starts, self.source, topic, count)
        later = any(start > begin for start, begin in zip(starts, begins, strict=True))
        report = await verify(
            here, there, topic, mirrored.mirror, from_offset=max(starts) if later else None, patience_s=20
        )
        assert report.is_equal, str(report.difference)
        if later:  # what verify leaves out where partitions begin at different offsets
            for partition, start in enumerate(starts):
                await asyncio.to_thread(self._compare_from, mirrored, partition, start)
        ends = [await asyncio.to_thread(log_ends, self.source, topic, count)]
        ends.append(await asyncio.to_thread(log_ends, self.destination, mirrored.mirror, count))
        assert ends[0] == ends[1]
        if same_starts:
            assert starts == [piece.start_offset for piece in mirrored.pieces]
        return report

    def _compare_from(self, mirrored: Mirrored, partition: int, start: int) -> None:
        wanted = consume(self.source, mirrored.topic, partition, start=start)
        for isolation in (COMMITTED, UNCOMMITTED):
            assert consume(self.destination, mirrored.mirror, partition, start=start, isolation=isolation) == wanted

    def _engine(self) -> Engine:
        memory, partition = self._memory
        return Engine(
            self.target,
            self.registrar,
            lambda _: DirectSink(),
            "worker",
            budget=MemoryBudget(memory),
            partition_bytes=partition,
            reported=self.reported.get,
        )

    async def _reconcile(self) -> None:
        security = client_arguments({"bootstrap.servers": self.source.bootstrap_servers, "retry.backoff.ms": "50"})
        pieces = frozenset(piece for mirrored in self._mirrors.values() for piece in mirrored.pieces)
        await self.engine.reconcile({LINK: LinkWork(LINK, security, self._tuning, self._policy, pieces)})

    async def _until(self, topic: str, condition: Callable[[], object], within_s: float) -> float:
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > within_s:
                raise AssertionError(f"not within {within_s:.0f} s: {[_describe(s) for s in self.statuses(topic)]}")
            await asyncio.sleep(0.02)
        return time.monotonic() - began


@asynccontextmanager
async def mirroring(
    source: LocalCluster,
    destination: LocalCluster,
    *,
    memory_bytes: int = 64 * MIB,
    partition_bytes: int = 16 * MIB,
    tuning: LinkTuning = QUICK,
    policy: Policy | None = None,
    may_mark: Callable[[], Awaitable[bool]] | None = None,
) -> AsyncIterator[Mirroring]:
    """An engine with a link from `source`, and everything closed at the end."""
    properties = [{"bootstrap.servers": cluster.bootstrap_servers} for cluster in (source, destination)]
    remote, own = (Admin(client_arguments(each)) for each in properties)
    client = DataClient(client_arguments(properties[1]))
    await client.start()
    target = Destination(client, MIB, may_mark or _allowed, "tests")
    link = Mirroring(
        source,
        destination,
        (remote, own),
        target,
        memory_bytes=memory_bytes,
        partition_bytes=partition_bytes,
        tuning=tuning,
        policy=policy or Policy(),
    )
    try:
        yield link
    finally:
        await link.engine.stop()
        await target.close()
        await asyncio.gather(client.close(), remote.close(), own.close())


async def _allowed() -> bool:
    return True


def _describe(status: PieceStatus) -> str:
    at = f"{status.piece}: ends at {status.log_end_offset} of {status.last_stable_offset}"
    return f"{at}, seeded {status.is_seeded}, waits for {status.waits_for!r}, {status.error_message}"
