"""Run what this worker should copy, and nothing else: compares what is wanted with what runs, and reports progress.

Wanted is decided elsewhere (`pipeline/control/work.py`) from the rows of links and mirrors and from the partitions that
Faust has assigned; a piece that stays wanted is not touched, so a rebalance does not interrupt it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from pipeline.cluster.data import DataClient
from pipeline.cluster.security import ClientSecurity
from pipeline.link.models import Position
from pipeline.metrics.meter import METER
from pipeline.mirror.appending import Appender
from pipeline.mirror.claims import Registrar
from pipeline.mirror.copying import Copier
from pipeline.mirror.destination import Destination
from pipeline.mirror.link_copying import LinkCopying, LinkTuning
from pipeline.mirror.memory import MemoryBudget
from pipeline.mirror.pieces import Piece, PieceStatus, now_ms
from pipeline.mirror.plan import Policy
from pipeline.mirror.slices import SliceSink

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LinkWork:
    """One link as this worker should copy it. Another `connection` means a new client; `tuning` and `policy` are
    hot.
    """

    link: str
    connection: ClientSecurity
    tuning: LinkTuning
    policy: Policy
    pieces: frozenset[Piece]


@dataclass(eq=False)
class _Running:
    work: LinkWork
    copying: LinkCopying
    copiers: dict[Piece, tuple[Copier, asyncio.Task[None]]]


class Engine:
    """All copying of one worker to one cluster."""

    def __init__(
        self,
        destination: Destination,
        registrar: Registrar,
        open_sink: Callable[[str], SliceSink],
        worker: str,
        *,
        budget: MemoryBudget,
        partition_bytes: int,
        reported: Callable[[Piece], Position | None] = lambda _: None,
    ) -> None:
        """`budget` is for all engines of the process (I5). `reported` is what was last known of a piece, whoever copied
        it.
        """
        self.budget = budget
        self._destination = destination
        self._registrar = registrar
        self._open_sink = open_sink
        self._worker = worker
        self._partition_bytes = partition_bytes
        self._reported = reported
        self._links: dict[str, _Running] = {}
        self._lock = asyncio.Lock()
        budget.lenders.append(self._give_back)

    @property
    def statuses(self) -> list[PieceStatus]:
        """What every running or failed piece sees."""
        return [copier.status for running in self._links.values() for copier, _ in running.copiers.values()]

    def waiting(self) -> dict[str, list[tuple[PieceStatus, str]]]:
        """The same by link, each with why nothing moves, in words; empty where it moves or has nothing to do."""
        return {
            name: [
                (copier.status, running.copying.trouble(copier) or copier.status.waits_for)
                for copier, _ in running.copiers.values()
            ]
            for name, running in self._links.items()
        }

    @property
    def links(self) -> Mapping[str, LinkCopying]:
        """The links this worker copies for."""
        return {name: running.copying for name, running in self._links.items()}

    async def reconcile(self, wanted: Mapping[str, LinkWork]) -> None:
        """Stop what is no longer wanted, start what is new. Nothing raises: a piece reports its own failure."""
        async with self._lock:
            for name in list(self._links):
                if name not in wanted or wanted[name].connection != self._links[name].work.connection:
                    await self._close(name)
            for name, work in wanted.items():
                if name not in self._links:
                    await self._open(work)
                await self._adjust(self._links[name], work)

    async def stop(self) -> None:
        """Stop all copying. What is in flight may land or not; whoever goes on reads the log's end (I3)."""
        async with self._lock:
            await asyncio.gather(*(self._close(name) for name in list(self._links)))
            if self._give_back in self.budget.lenders:
                self.budget.lenders.remove(self._give_back)

    def _give_back(self) -> None:
        for running in self._links.values():
            for copier, _ in running.copiers.values():
                if copier.is_slow():
                    copier.give_back()

    async def _open(self, work: LinkWork) -> None:
        source = DataClient(
            work.connection, client_id=f"clusterlink-{work.link}", traffic=METER.traffic(work.link, "source")
        )
        copying = LinkCopying(work.link, source, self.budget, self._open_sink(work.link), work.tuning)
        self._links[work.link] = _Running(replace(work, pieces=frozenset()), copying, {})
        await copying.start()
        log.info("Link %s: copying begins on %s", work.link, self._worker)

    async def _close(self, name: str) -> None:
        running = self._links.pop(name)
        await self._stop_pieces(running, list(running.copiers))
        await running.copying.stop()
        log.info("Link %s: copying ends on %s", name, self._worker)

    async def _adjust(self, running: _Running, work: LinkWork) -> None:
        running.work = work
        running.copying.tune(work.tuning)
        await self._stop_pieces(running, [p for p in running.copiers if p not in work.pieces])
        for piece in work.pieces - set(running.copiers):
            status = PieceStatus(piece, self._worker)
            if (reported := self._reported(piece)) is not None:
                status.recall(reported)
            appender = Appender(piece, self._destination, self._registrar, status)
            copier = Copier(
                piece,
                appender,
                running.copying,
                status,
                policy=lambda r=running, p=piece: _policy_of(r, p),  # type: ignore[misc]
                may_hold=lambda: min(self._partition_bytes, self.budget.partition_allowance),
                retry_timeout_s=lambda r=running: r.work.tuning.retry_timeout_s,  # type: ignore[misc]
            )
            running.copying.add(copier)
            running.copiers[piece] = (copier, asyncio.create_task(copier.run(), name=f"copy {piece}"))

    async def _stop_pieces(self, running: _Running, pieces: list[Piece]) -> None:
        tasks, ended = [], []
        for piece in pieces:
            copier, task = running.copiers.pop(piece)
            running.copying.remove(copier)
            task.cancel()
            tasks.append(task)
            ended.append(copier.status)
        await asyncio.gather(*tasks, return_exceptions=True)
        for status in ended:
            keep_counts(status)
        kept = {piece.mirror_topic for each in self._links.values() for piece in each.copiers}
        self._destination.forget({piece.mirror_topic for piece in pieces} - kept)


def _policy_of(running: _Running, piece: Piece) -> Policy:
    policy = running.work.policy
    return replace(policy, fills_with_records=True) if piece.is_compacted else policy


def keep_counts(status: PieceStatus) -> None:
    """What a piece has counted goes on counting when its copier ends (MET-65)."""
    for metric, count in status.counted().items():
        METER.add(metric, status.piece.link, status.piece.mirror_topic, by=count)


class Reporter:
    """Sends the position of every piece that has moved, at most once an interval each, and slowly those that have
    not.
    """

    HEARTBEAT_MS, HEARTBEAT_EACH_MS = 30_000, 60
    """How often pieces that do not move report all the same, and the time that each of very many takes for itself:
    5,000 idle ones that reported twice a minute cost more than all else that is done for them."""

    def __init__(self, engine: Engine, send: Callable[[Position], Awaitable[None]], interval_ms: int) -> None:
        self._engine = engine
        self._send = send
        self._interval_ms = interval_ms

    async def run(self) -> None:
        """Report until cancelled."""
        while True:
            await asyncio.sleep(self._interval_ms / 1000)
            await self.report()

    async def report(self) -> None:
        """Report now whatever has changed."""
        now = now_ms()
        statuses = self._engine.statuses
        rest_ms = max(self.HEARTBEAT_MS, self.HEARTBEAT_EACH_MS * len(statuses))
        resting = [s for s in statuses if not s.is_changed and abs(now - s.reported_ms) >= rest_ms]
        share = 1 + len(statuses) * self._interval_ms // rest_ms  # not all at once: it would hold up who moves
        due = [s for s in statuses if s.is_changed] + resting[:share]
        for status in due:
            status.is_changed, status.reported_ms = False, now
        outcomes = await asyncio.gather(*(self._send(s.position()) for s in due), return_exceptions=True)
        for status, outcome in zip(due, outcomes, strict=True):
            if isinstance(outcome, Exception):
                status.is_changed = True
                log.warning("Progress was not reported: %r", outcome)
