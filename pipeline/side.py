"""What a worker does for the links of one cluster: leads them, copies for them, writes what came of it there.

A worker has one side for its own cluster. Everything that a side writes, records and rows alike, goes to its cluster.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from pipeline.cluster.admin import Admin
from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import Unsupported
from pipeline.cluster.security import ClientSecurity
from pipeline.control.keys import link_partition, position_key, work_partition
from pipeline.control.reach import Reach
from pipeline.control.read_model import ReadModel
from pipeline.control.registry import Registry
from pipeline.control.sealing import Sealing
from pipeline.control.sending import Sender
from pipeline.control.tail import Tail
from pipeline.control.work import wanted
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.duties import Duty
from pipeline.lifecycle.guards import Guards
from pipeline.lifecycle.leading import Handler, Leaders
from pipeline.link.models import Command, Position, Result
from pipeline.metrics.meter import METER
from pipeline.mirror.destination import MARKING_OPERATIONS, Destination
from pipeline.mirror.engine import Engine, Reporter
from pipeline.mirror.memory import MemoryBudget
from pipeline.mirror.slices import SliceSink
from pipeline.settings import WorkerSettings


class Side:
    """One worker's work for the links of one cluster. `model`, `sender` and `submit` are that cluster's control plane;
    `reach` says which of its links are reached from here, and how.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        *,
        cluster_id: str,
        security: ClientSecurity,
        model: ReadModel,
        sender: Sender,
        submit: Callable[[Command], Awaitable[Result]],
        reach: Reach,
        sealing: Sealing,
        budget: MemoryBudget,
        open_sink: Callable[[str], SliceSink],
        handlers: Mapping[str, Handler],
        duties: Sequence[type[Duty]],
        counted_as: str = "",
    ) -> None:
        """`counted_as`: the link that its connections are counted for, where they do not serve all links."""
        self._settings = settings
        self._partitions = settings.partitions
        self._topics = model.topics
        self._sender = sender
        traffic = METER.traffic(counted_as, "destination")
        self._own = Admin(security, traffic=traffic)
        self._data = DataClient(security, traffic=traffic)
        self.registry = Registry(self._topics, sender, settings.worker)
        client = security.aiokafka() | {"client_id": f"{settings.app_id}-{settings.worker}"}
        self._agreed = Tail(client, {self._topics.claims: 1, self._topics.producers: 1}, self.registry.apply)
        self.registry.tail = self._agreed
        self._destination = Destination(self._data, settings.append_request_bytes, self._may_mark, self._topics.app_id)
        self.context = Context(
            settings.worker,
            cluster_id,
            self._topics.commands,
            model,
            self._own,
            self._destination,
            self.registry,
            self._send_outcome,
            self._forget_position,
            submit,
            sealing,
            reach,
            guards=Guards(settings.spared_principals()),
        )
        self.engine = Engine(
            self._destination,
            self.registry,
            open_sink,
            settings.worker,
            budget=budget,
            partition_bytes=settings.partition_memory_bytes,
            reported=lambda piece: model.positions.get(position_key(piece.link, piece.mirror_topic, piece.partition)),
        )
        self._leaders = Leaders(self.context, self._partitions, handlers, duties)
        self._reporter = Reporter(self.engine, self._send_progress, settings.progress_interval_ms)
        self._reporting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect, and read what was agreed on. Raises what a client raises where the cluster is not there."""
        await self._own.start()
        await self._data.start()
        await self._agreed.start()
        self._reporting = asyncio.create_task(self._reporter.run(), name="progress")

    async def adjust(self, owned: set[int]) -> None:
        """Lead and copy what these partitions of the worker's own control topics give it, and nothing else."""
        self._leaders.own(owned)
        context = self.context
        await self.engine.reconcile(
            wanted(context.model, owned, self._partitions, context.reach.can, context.security_of)
        )

    async def stop(self) -> None:
        """Stop working, in the order in which nothing is begun any more. May be called without `start`."""
        if self._reporting is not None:
            self._reporting.cancel()
            await asyncio.gather(self._reporting, return_exceptions=True)
        await self._leaders.stop()
        await self.engine.stop()
        await self.context.close()
        await self._agreed.stop()
        await self._destination.close()
        await self._data.close()
        await self._own.close()

    async def _may_mark(self) -> bool:
        """Whether the cluster lets this worker write markers itself (SEC-12); one that does not tell will say so."""
        try:
            return bool(MARKING_OPERATIONS & await self._own.cluster_operations())
        except Unsupported:
            return True

    async def _send_outcome(self, outcome: Mapping[str, Any]) -> None:
        link = str(outcome["link"])
        home = link_partition(link, self._topics.partitions)
        await self._sender.send(self._topics.outcomes, link, outcome, partition=home)

    async def _send_progress(self, position: Position) -> None:
        await self._send_position(position.link, position.mirror_topic, position.partition, position.to_json())

    async def _forget_position(self, link: str, mirror_topic: str, partition: int) -> None:
        await self._send_position(link, mirror_topic, partition, None)

    async def _send_position(self, link: str, mirror_topic: str, partition: int, row: dict[str, Any] | None) -> None:
        home = work_partition(link, mirror_topic, partition, self._topics.partitions)
        await self._sender.send(self._topics.progress, position_key(link, mirror_topic, partition), row, partition=home)
