"""One worker, put together: control topics, read model, its work for links (`side`), REST. Knows nothing of Faust.

`pipeline/app.py` calls it: `prepare` and `start` before Faust starts, `own` with each assignment, `stop`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from importlib.metadata import version

from aiohttp import web

from pipeline.api.endpoint import authentication, rate_limit
from pipeline.api.mounting import mount
from pipeline.carried import CarriedLinks
from pipeline.cluster.admin import Admin
from pipeline.cluster.buffers import of_this_thread
from pipeline.cluster.security import client_arguments
from pipeline.console.mounting import mount_console
from pipeline.control import topics as control_topics
from pipeline.control.audit_trail import LINES_KEPT
from pipeline.control.plane import Plane
from pipeline.control.reach import Dialling
from pipeline.control.read_model import TABLES, ReadModel
from pipeline.control.sealing import Sealing
from pipeline.control.sending import Sender
from pipeline.control.tail import Entry, Tail
from pipeline.control.topics import ControlTopics
from pipeline.lifecycle.command_door import warn_if_open
from pipeline.lifecycle.handling import DUTIES, HANDLERS
from pipeline.lifecycle.source_topics import source_topics
from pipeline.metrics.meter import METER
from pipeline.metrics.metric import Detail
from pipeline.mirror.memory import MemoryBudget
from pipeline.mirror.slices import SliceSink
from pipeline.observing.faust_health import FaustHealth, NoFaust
from pipeline.observing.serving import mount_observing
from pipeline.observing.snapshot import Snapshot, WorkerNumbers, take
from pipeline.observing.vitals import Vitals
from pipeline.secrets.encoder import Encoder
from pipeline.settings import WorkerSettings
from pipeline.side import Side

log = logging.getLogger(__name__)
VERSION = version("clusterlink")
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
        self._own = Admin(security, traffic=METER.traffic("", "destination"))
        self._security = security
        self.sender = Sender(self._client_arguments)
        self.plane = Plane(
            self.model,
            self.topics,
            self.sender,
            self.name,
            lambda: self._is_running and bool(self._owned),
            sealing=self.sealing,
        )
        self.side: Side | None = None
        """Its work for the links of its own cluster."""
        self._carried: CarriedLinks | None = None
        self._owned: set[int] = set()
        self._is_running = False
        self._look = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._tails: list[Tail] = []
        self._assignments = 0
        self.faust: FaustHealth = NoFaust()
        """How Faust is; `pipeline/app.py` puts the real one here."""
        self.vitals = Vitals(
            {"control_topics": self._tail_ailment, "faust": self._faust_ailment},
            {"assigned": self._assignment_ailment, "tables": self._table_ailment},
            self._own.brokers,
        )
        self.vitals.beats.append(self._beat)

    async def prepare(self) -> None:
        """Make sure that the control topics exist. Raises where the own cluster cannot be used."""
        await self._own.start()
        await control_topics.ensure(self.topics, TABLES, self._own)
        self.plane.cluster_id = self.sealing.cluster_id = await self._own.cluster_id()
        await warn_if_open(self._own, self.topics.commands)

    def mount(self, application: web.Application) -> None:
        """Serve REST and the console on an aiohttp application."""
        limit = rate_limit(self.settings)
        mount(
            application,
            self.plane,
            self._authentication,
            rate_limit=limit,
            submit_timeout_s=self.settings.api_timeout_ms / 1000,
        )
        detail = Detail[self.settings.metrics_detail.upper()]
        mount_observing(application, self.vitals, self._authentication, self.snapshot, detail)
        mount_console(application, self.plane, self._authentication, rate_limit=limit)

    def snapshot(self) -> Snapshot:
        """What metrics are made from, now."""
        sides = [] if self.side is None or self._carried is None else [self.side, *self._carried.sides]
        numbers = WorkerNumbers(
            self.name,
            VERSION,
            len(self._owned),
            self.vitals.is_ready,
            self.vitals.loop_lag.longest_s,
            sides[0].engine.budget.used if sides else 0,
            self.settings.fetch_memory_bytes,
            self._assignments,
            self.faust.numbers(),
        )
        copying = [(side.context.model, side.engine) for side in sides]
        return take(self.model, copying, self._owned, self.settings.partitions, numbers)

    async def start(self) -> None:
        """Follow the changelogs and begin to work on what is owned."""
        await self.sender.start()
        count = self.settings.partitions
        followed = {self.topics.changelog(table): count for table in TABLES}
        state = Tail(self._client_arguments, followed, self._apply)
        results = Tail(
            self._client_arguments,
            {self.topics.results: count, self.topics.audit: count},
            self.plane.apply_result,
            from_end=True,
            last={self.topics.audit: LINES_KEPT},
        )
        self._tails = [state, results]
        await results.start()
        await state.start()
        if self.open_link_agent is None:
            raise RuntimeError("agents/mirror.py has not been imported")
        budget = MemoryBudget(self.settings.fetch_memory_bytes)
        buffers = of_this_thread()
        buffers.most_bytes = min(buffers.most_bytes, self.settings.fetch_memory_bytes * 3 // 4)
        self.side = Side(
            self.settings,
            cluster_id=self.plane.cluster_id,
            security=self._security,
            model=self.model,
            sender=self.sender,
            submit=self.plane.submit,
            reach=Dialling(self.sealing),
            sealing=self.sealing,
            budget=budget,
            open_sink=self.open_link_agent,
            handlers=HANDLERS,
            duties=DUTIES,
        )
        await self.side.start()
        self.plane.ask_source = partial(source_topics, self.side.context)
        self._carried = CarriedLinks(self.settings, self.side.context, budget, self.open_link_agent, self._look.set)
        self._is_running = True
        self._tasks = [
            asyncio.create_task(self._keep_working(self.side, self._carried), name="work"),
            asyncio.create_task(self.vitals.run(), name="vitals"),
        ]
        self._look.set()
        log.info("Worker %s follows cluster %s", self.name, self.plane.cluster_id)

    def own(self, partitions: set[int]) -> None:
        """The partitions of the control topics that are this worker's from now on."""
        log.info("Worker %s owns partitions %s", self.name, sorted(partitions))
        self._assignments += 1
        self._owned = set(partitions)
        self._look.set()

    async def stop(self) -> None:
        """Stop working, in the order in which nothing is begun any more. May be called without `start`."""
        self._is_running = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._carried is not None:
            await self._carried.stop()
        if self.side is not None:
            await self.side.stop()
        await asyncio.gather(*(tail.stop() for tail in self._tails))
        await self.sender.stop()
        await self._own.close()

    def _beat(self) -> None:
        self.faust.beat()

    def _faust_ailment(self) -> str:
        return self.faust.ailment()

    def _tail_ailment(self) -> str:
        ended = [tail.name for tail in self._tails if tail.has_ended] if self._is_running else []
        return f"reading of {', '.join(ended)} has ended" if ended else ""

    def _assignment_ailment(self) -> str:
        if not self._is_running:
            return "the worker is starting or stopping"
        return "" if self._owned else "no partition of the control topics is assigned to this worker"

    def _table_ailment(self) -> str:
        return "" if self.faust.is_recovered() else "tables are being recovered, or a rebalance is under way"

    def _apply(self, entry: Entry) -> None:
        self.model.apply(entry)
        if entry.topic != self.topics.changelog("positions"):
            self._look.set()

    async def _keep_working(self, side: Side, carried: CarriedLinks) -> None:
        """Compare what is wanted with what runs, whenever rows or the assignment have changed."""
        while True:
            await self._look.wait()
            self._look.clear()
            try:
                await side.adjust(self._owned)
                carried.adjust(self._owned)
                await asyncio.sleep(ADJUST_EVERY_S)
            except Exception:
                log.exception("Work was not adjusted; trying again")
                await asyncio.sleep(1)
                self._look.set()
            await asyncio.sleep(ROWS_TOGETHER_S)
