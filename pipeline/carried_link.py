"""One link of a partner that cannot dial, carried from the side that does (MODE-43).

A worker follows what every side may know of the other. While the partner's link waits for somebody to dial, it follows
all of the partner's control topics, and has a `Side` for the link beside the one for its own cluster.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection

from aiokafka.errors import KafkaError

from pipeline.cluster.admin import Admin
from pipeline.cluster.errors import ClusterError
from pipeline.cluster.security import ClientSecurity
from pipeline.control.keys import link_partition
from pipeline.control.partner import Partner
from pipeline.control.reach import Carrying, is_carried
from pipeline.control.sending import Sender
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.duties import wait
from pipeline.lifecycle.handling import CARRIED, HANDLERS
from pipeline.lifecycle.own_listener import listener_servers
from pipeline.lifecycle.times import now_ms
from pipeline.link.carrier import Carrier
from pipeline.link.models import Link
from pipeline.link.states import LinkErrorCode
from pipeline.mirror.memory import MemoryBudget
from pipeline.mirror.slices import SliceSink
from pipeline.settings import WorkerSettings
from pipeline.side import Side

log = logging.getLogger(__name__)
AGAIN_S = 2.0
LOOK_S = 1.0
FAREWELL_WITHIN_S = 15.0
"""A busy machine gets its time: what is not told now, the partner only knows as silence."""


class CarriedLink:
    """The partner's link of one name."""

    def __init__(
        self,
        settings: WorkerSettings,
        context: Context,
        budget: MemoryBudget,
        open_sink: Callable[[str], SliceSink],
        name: str,
    ) -> None:
        self._settings = settings
        self._context = context
        self._budget = budget
        self._open_sink = open_sink
        self._name = name
        self._owned: frozenset[int] = frozenset()
        self._look = asyncio.Event()
        self._said = ""
        self.side: Side | None = None
        """There while the partner's link waits for this one to dial."""

    def own(self, owned: Collection[int]) -> None:
        """The worker's partitions of its control topics, and a moment to look at the rows."""
        self._owned = frozenset(owned)
        self._look.set()

    async def run(self) -> None:
        """Carry the link until cancelled; what stands against it passes, or shows at the link (`probing`)."""
        while True:
            try:
                half = self._half()
                if half is not None:
                    await self._follow(half, self._context.security_of(half))
            except (ClusterError, KafkaError, OSError, TimeoutError) as error:
                if str(error) != self._said:
                    log.warning("Link %s cannot be carried for its partner now: %s", self._name, error)
                self._said = str(error)
            except Exception:
                log.exception("Link %s: carrying it failed, it begins again", self._name)
            await wait(self._look, AGAIN_S)
            self._look.clear()

    def _half(self) -> Link | None:
        return self._context.model.links.get(self._name)

    def _app_id(self, half: Link) -> str:
        return self._context.reach.partner_app_id(half) or self._context.model.topics.app_id

    async def _follow(self, half: Link, security: ClientSecurity) -> None:
        """Follow the partner for as long as the half at home dials in this way."""
        admin = Admin(security, client_id=f"clusterlink-{self._name}-carrier")
        dialled = security, self._app_id(half)
        partner = Partner(self._name, security, admin, dialled[1], is_carried=True)
        sender = Sender(security.aiokafka() | {"client_id": f"clusterlink-{self._name}-carrier"})
        try:
            await admin.start()
            if not await self._waits_for_us(admin, dialled):
                return
            await partner.open()
            await sender.start()
            partner.model.watch(lambda table, _: self._look.set() if table != "positions" else None)
            self._said = ""
            while (now := self._half_that(dialled)) is not None:
                theirs = partner.link()
                is_wanted = theirs is not None and is_carried(now, theirs, self._context.cluster_id)
                if is_wanted and self.side is None:
                    servers = await listener_servers(self._context.own, now.configs)
                    self.side = self._side(partner, security, sender, servers)
                    await self.side.start()
                    log.info("Link %s: carried for its partner in cluster %s", self._name, partner.cluster_id)
                elif self.side is not None and not is_wanted:
                    log.info("Link %s: not carried for its partner any more", self._name)
                    await self._stop_side()
                if self.side is not None:
                    await self.side.adjust(set(self._owned))
                await wait(self._look, LOOK_S)
                self._look.clear()
        finally:
            if (side := self.side) is not None:
                await self._stop_side()
                await self._take_leave(side, partner)
            await partner.close()
            await sender.stop()
            await admin.close()

    async def _waits_for_us(self, admin: Admin, dialled: tuple[ClientSecurity, str]) -> bool:
        """Return True once the partner's link waits for somebody to dial, False where the half at home changes before.

        Where both sides dial nothing is ever to be carried, and the link may have no right to more than this reads.
        """
        partner = Partner(self._name, dialled[0], admin, dialled[1])
        try:
            await partner.open()
            partner.model.watch(lambda table, _: self._look.set() if table == "links" else None)
            self._said = ""
            while (half := self._half_that(dialled)) is not None:
                theirs = partner.link()
                if theirs is not None and is_carried(half, theirs, self._context.cluster_id):
                    return True
                await wait(self._look, LOOK_S)
                self._look.clear()
            return False
        finally:
            await partner.close()

    def _half_that(self, dialled: tuple[ClientSecurity, str]) -> Link | None:
        """The half at home while it dials in this way, to workers of this app id."""
        half = self._half()
        is_same = half is not None and (self._context.security_of(half), self._app_id(half)) == dialled
        return half if is_same else None

    async def _stop_side(self) -> None:
        side, self.side = self.side, None
        if side is not None:
            await side.stop()

    def _side(self, partner: Partner, security: ClientSecurity, sender: Sender, servers: str | None) -> Side:
        home, configs = self._context, self._settings.client_configs()
        reach = Carrying(self._name, home.cluster_id, home.model, home.sealing, configs, listener_servers=servers)
        return Side(
            self._settings,
            cluster_id=partner.cluster_id,
            security=security,
            model=partner.model,
            sender=sender,
            submit=partner.submit,
            reach=reach,
            sealing=home.sealing,
            budget=self._budget,
            # a name that no link can have: this worker may copy for a link of the same name at home
            open_sink=lambda name: self._open_sink(f"{name}:carried"),
            handlers=HANDLERS,
            duties=CARRIED,
            counted_as=self._name,
        )

    async def _take_leave(self, side: Side, partner: Partner) -> None:
        """Where the half at home was deleted, tell the partner, which would else wait for the silence (MODE-24)."""
        theirs = partner.link()
        home = link_partition(self._name, self._settings.partitions)
        if self._half() is not None or theirs is None or home not in self._owned:
            return
        said = Carrier(
            self._name,
            theirs.cluster_link_id,
            self._context.cluster_id,
            self._settings.worker,
            error=LinkErrorCode.REMOTE_LINK_NOT_FOUND_ERROR,
            error_message=f"cluster link '{self._name}' was deleted there",
            time_ms=now_ms(),
        )
        with contextlib.suppress(ClusterError, KafkaError, OSError, TimeoutError):
            async with asyncio.timeout(FAREWELL_WITHIN_S):
                # the last sign of life may still be on its way: what is decided before it is seen changes nothing
                while partner.link() is not None and partner.model.carriers.get(self._name) != said:
                    decision = Decision(partner.model, self._name)
                    decision.put_carrier(said)
                    await side.context.settle(decision)
