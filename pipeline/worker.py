"""One worker, put together: control topics, read model, engine, leading of links, REST. Knows nothing of Faust.

`pipeline/app.py` calls it: `prepare` before Faust starts, `start` when it runs, `own` with each assignment, `stop`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from pipeline.api.endpoint import authentication, rate_limit
from pipeline.api.mounting import mount
from pipeline.cluster.admin import Admin
from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import Unsupported
from pipeline.cluster.security import client_arguments
from pipeline.control import topics as control_topics
from pipeline.control.keys import link_partition, position_key, work_partition
from pipeline.control.plane import Plane
from pipeline.control.read_model import TABLES, ReadModel
from pipeline.control.registry import Registry
from pipeline.control.sealing import Sealing
from pipeline.control.sending import Sender
from pipeline.control.tail import Entry, Tail
from pipeline.control.topics import ControlTopics
from pipeline.control.work import wanted
from pipeline.lifecycle.command_door import warn_if_open
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.handling import DUTIES, HANDLERS
from pipeline.lifecycle.leading import Leaders
from pipeline.link.models import Position
from pipeline.mirror.destination import MARKING_OPERATIONS, Destination
from pipeline.mirror.engine import Engine, Reporter
from pipeline.mirror.slices import SliceSink
from pipeline.secrets.encoder import Encoder
from pipeline.settings import WorkerSettings

log = logging.getLogger(__name__)
ADJUST_EVERY_S = 0.1
"""Rows that change together are looked at together: a command may change thousands."""
ROWS_TOGETHER_S = 0.1
"""Rows that change within this time are looked at together: a thousand mirrors do not mean a thousand looks."""


class Worker:
    """What runs in one process besides Faust's agents and tables."""

    def __init__(self, settings: WorkerSettings) -> None:
        self.settings = settings
        self.name = settings.worker
        self.topics = ControlTopics(settings.app_id, settings.partitions, settings.replication_factor)
        current_key, old_key = settings.encoder_keys()
        self.sealing = Sealing(Encoder(current_key.current, old_key.current))
        self.open_link_agent: Callable[[str], SliceSink] | None = None
        self.model = ReadModel(self.topics)
        self._authentication = authentication(settings)
        security = client_arguments(settings.client_configs())
        self._client_arguments = security.aiokafka() | {"client_id": f"{settings.app_id}-{self.name}"}
        self._own = Admin(security)
        self._data = DataClient(security)
        self.sender = Sender(self._client_arguments)
        self.registry = Registry(self.topics, self.sender, self.name)
        self.plane = Plane(
            self.model,
            self.topics,
            self.sender,
            self.name,
            lambda: self._is_running and bool(self._owned),
            sealing=self.sealing,
        )
        self.context: Context | None = None
        self.engine: Engine | None = None
        self._leaders: Leaders | None = None
        self._owned: set[int] = set()
        self._is_running = False
        self._look = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._tails: list[Tail] = []

    async def prepare(self) -> None:
        """Make sure that the control topics exist. Raises where the own cluster cannot be used."""
        await self._own.start()
        await control_topics.ensure(self.topics, TABLES, self._own)
        self.plane.cluster_id = self.sealing.cluster_id = await self._own.cluster_id()
        await warn_if_open(self._own, self.topics.commands)

    def mount(self, application: web.Application) -> None:
        """Serve REST on an aiohttp application."""
        mount(
            application,
            self.plane,
            self._authentication,
            rate_limit=rate_limit(self.settings),
            submit_timeout_s=self.settings.api_timeout_ms / 1000,
        )

    async def start(self) -> None:
        """Follow the changelogs and begin to work on what is owned."""
        await self.sender.start()
        await self._data.start()
        count = self.settings.partitions
        followed = {self.topics.changelog(table): count for table in TABLES}
        followed |= {self.topics.claims: 1, self.topics.producers: 1}
        state = Tail(self._client_arguments, followed, self._apply)
        results = Tail(self._client_arguments, {self.topics.results: count}, self.plane.apply_result, from_end=True)
        self.registry.tail = state
        self._tails = [state, results]
        await results.start()
        await state.start()
        destination = Destination(self._data, self.settings.append_request_bytes, self._may_mark, self.settings.app_id)
        self.context = Context(
            self.name,
            self.plane.cluster_id,
            self.topics.commands,
            self.model,
            self._own,
            destination,
            self.registry,
            self._send_outcome,
            self._forget_position,
            sealing=self.sealing,
        )
        if self.open_link_agent is None:
            raise RuntimeError("agents/mirror.py has not been imported")
        self.engine = Engine(
            destination,
            self.registry,
            self.open_link_agent,
            self.name,
            memory_bytes=self.settings.fetch_memory_bytes,
            partition_bytes=self.settings.partition_memory_bytes,
        )
        self._leaders = Leaders(self.context, self.settings.partitions, HANDLERS, DUTIES)
        reporter = Reporter(self.engine, self._send_progress, self.settings.progress_interval_ms)
        self._is_running = True
        self._tasks = [
            asyncio.create_task(self._keep_working(), name="work"),
            asyncio.create_task(reporter.run(), name="progress"),
        ]
        self._look.set()
        log.info("Worker %s follows cluster %s", self.name, self.plane.cluster_id)

    def own(self, partitions: set[int]) -> None:
        """The partitions of the control topics that are this worker's from now on."""
        log.info("Worker %s owns partitions %s", self.name, sorted(partitions))
        self._owned = set(partitions)
        self._look.set()

    async def stop(self) -> None:
        """Stop working, in the order in which nothing is begun any more. May be called without `start`."""
        self._is_running = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._leaders is not None:
            await self._leaders.stop()
        if self.engine is not None:
            await self.engine.stop()
        if self.context is not None:
            await self.context.close()
        await asyncio.gather(*(tail.stop() for tail in self._tails))
        await self.sender.stop()
        await self._data.close()
        await self._own.close()

    async def _may_mark(self) -> bool:
        """Whether the own cluster lets this worker write markers itself (SEC-12); a broker that does not tell will
        say so.
        """
        try:
            return bool(MARKING_OPERATIONS & await self._own.cluster_operations())
        except Unsupported:
            return True

    def _apply(self, entry: Entry) -> None:
        if entry.topic in (self.topics.claims, self.topics.producers):
            self.registry.apply(entry)
            return
        self.model.apply(entry)
        if entry.topic != self.topics.changelog("positions"):
            self._look.set()

    async def _keep_working(self) -> None:
        """Compare what is wanted with what runs, whenever rows or the assignment have changed."""
        assert self.engine is not None and self._leaders is not None and self.context is not None
        while True:
            await self._look.wait()
            self._look.clear()
            try:
                self._leaders.own(self._owned)
                await self.engine.reconcile(
                    wanted(self.model, self._owned, self.settings.partitions, self.context.security_of)
                )
                await asyncio.sleep(ADJUST_EVERY_S)
            except Exception:
                log.exception("Work was not adjusted; trying again")
                await asyncio.sleep(1)
                self._look.set()
            await asyncio.sleep(ROWS_TOGETHER_S)

    async def _send_outcome(self, outcome: Mapping[str, Any]) -> None:
        link = str(outcome["link"])
        await self.sender.send(
            self.topics.outcomes, link, outcome, partition=link_partition(link, self.settings.partitions)
        )

    async def _send_progress(self, position: Position) -> None:
        await self._send_position(position.link, position.mirror_topic, position.partition, position.to_json())

    async def _forget_position(self, link: str, mirror_topic: str, partition: int) -> None:
        await self._send_position(link, mirror_topic, partition, None)

    async def _send_position(self, link: str, mirror_topic: str, partition: int, row: dict[str, Any] | None) -> None:
        home = work_partition(link, mirror_topic, partition, self.settings.partitions)
        await self.sender.send(self.topics.progress, position_key(link, mirror_topic, partition), row, partition=home)
