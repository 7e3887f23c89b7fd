"""What the handlers of commands and the watch over links may use."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.cluster.admin import Admin
from pipeline.cluster.metadata import TopicInfo
from pipeline.cluster.security import ClientSecurity, client_arguments
from pipeline.control.outcomes import Outcome
from pipeline.control.partner import Partner
from pipeline.control.reach import Reach
from pipeline.control.read_model import ReadModel
from pipeline.control.registry import Registry
from pipeline.control.sealing import Sealing
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.guards import Guards
from pipeline.link.link_transitions import LinkChange
from pipeline.link.models import Command, Link, Result
from pipeline.link.states import LinkState
from pipeline.metrics.meter import METER
from pipeline.mirror.destination import Destination

log = logging.getLogger(__name__)
NOTHING_FOR_S, MOST_NOTHING_FOR_S = 5.0, 30.0
"""How long nothing may come of what was decided before it is decided again: at first, and at most."""


@dataclass
class Context:
    """A worker's means for the links of one cluster, called its own here: the one where the rows of the links, their
    mirrors and all that is agreed on about them are. `reach` gives the way to the clusters at the other ends.

    `send_outcome` writes a decision, `submit` a command; `forget_position` removes the row of a mirror partition.
    """

    worker: str
    cluster_id: str
    a_topic: str
    """Some topic of the own cluster: its configs tell which names the cluster's version knows (MIRROR-83)."""
    model: ReadModel
    own: Admin
    destination: Destination
    registry: Registry
    send_outcome: Callable[[Mapping[str, Any]], Awaitable[None]]
    forget_position: Callable[[str, str, int], Awaitable[None]]
    submit: Callable[[Command], Awaitable[Result]]
    sealing: Sealing
    reach: Reach
    guards: Guards = field(default_factory=Guards)
    _securities: dict[str, tuple[Mapping[str, str], ClientSecurity]] = field(default_factory=dict)
    _remotes: dict[str, tuple[ClientSecurity, Admin]] = field(default_factory=dict)
    _partners: dict[str, tuple[ClientSecurity, str, Partner]] = field(default_factory=dict)
    _partnering: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    _patience: dict[str, float] = field(default_factory=dict)
    _noted: dict[str, dict[tuple[str, str], int]] = field(default_factory=dict)
    """Link -> (table, key) -> the version that a change of state was last decided on."""
    _known_configs: frozenset[str] = frozenset()
    _own_topics: Mapping[str, TopicInfo] = field(default_factory=dict)
    _own_topics_at: float = float("-inf")
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def can_encrypt(self) -> bool:
        """Whether a key for secrets is there (SEC-30)."""
        return self.sealing.can_encrypt

    def properties_of(self, link: Link) -> Mapping[str, str]:
        """Client properties for a link's remote cluster, secrets in the clear. Raises SecretUnreadable."""
        return self.reach.properties(link)

    async def known_configs(self) -> frozenset[str]:
        """Topic configs that the own cluster's version knows (MIRROR-83). Raises ClusterError."""
        if not self._known_configs:
            self._known_configs = frozenset(await self.own.topic_configs(self.a_topic))
        return self._known_configs

    async def own_topics(self, max_age_s: float) -> Mapping[str, TopicInfo]:
        """Every topic of the own cluster as seen at most so long ago; one question serves all links."""
        async with self._looking:
            if time.monotonic() - self._own_topics_at > max_age_s:
                self._own_topics = await self.own.list_topics()
                self._own_topics_at = time.monotonic()
            return self._own_topics

    async def note_stage(self, link: str, request: str, stage: str) -> None:
        """Remember how far a request has come, before its next step; returns when the row shows it."""
        stored = self.model.requests.get(request)
        if stored is not None and stored.stage == stage:
            return
        await self.send_outcome(Outcome(link, (), self.worker, request, stage).to_json())
        async with asyncio.timeout(30):
            while (row := self.model.requests.get(request)) is None or row.stage != stage:
                await self.model.changed(link).wait()

    async def settle(self, decision: Decision) -> None:
        """Send a decision and wait until the read model shows it, so that the next one is made on it."""
        self._note_once(decision)
        await self.send_outcome(decision.outcome(self.worker).to_json())
        await self.seen(decision)

    async def seen(self, decision: Decision, request: str | None = None) -> None:
        """Wait until the read model shows all that was decided, and the answer of `request`.

        What was decided too late is never seen. So the wait also ends when nothing more has come for a while: whoever
        decides next finds the same things to do again, which does no harm. The while doubles each time that not one row
        came, and halves when all did: where outcomes are applied late, for want of CPU, each one that is sent again
        would make all the others later still.
        """
        model, left = self.model, decision.touched()
        rows = len(left)
        patience = self._patience.get(decision.link, NOTHING_FOR_S)
        is_answered = request is None
        progress = time.monotonic()
        while left or not is_answered:
            still = [(table, key, before) for table, key, before in left if model.version(table, key) == before]
            if not is_answered:
                stored = model.requests.get(request or "")
                is_answered = stored is None or stored.is_done
            if len(still) < len(left) or not still:
                progress = time.monotonic()
            left = still
            if not left and is_answered:
                self._note_patience(decision.link, patience / 2)
                return
            if time.monotonic() - progress > patience:
                if len(left) == rows:
                    self._note_patience(decision.link, patience * 2)
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await model.changed(decision.link).wait()

    def _note_once(self, decision: Decision) -> None:
        """Log and count changes of state, but not again where outcomes are applied late and one is decided again."""
        if not decision.happened:
            return
        noted = self._noted.setdefault(decision.link, {})
        rows = {(table, key): version for table, key, version in decision.touched()}
        if not rows.items() <= noted.items():
            note_changes(decision)
            noted |= rows

    def _note_patience(self, link: str, seconds: float) -> None:
        if seconds <= NOTHING_FOR_S:
            self._patience.pop(link, None)
        else:
            self._patience[link] = min(seconds, MOST_NOTHING_FOR_S)

    def security_of(self, link: Link) -> ClientSecurity:
        """Client settings for a link's remote cluster, the same object until its properties change (SEC-33).

        Raises SecurityError: a property that cannot be used, a secret that cannot be read, a file that is missing.
        """
        kept, configs = self._securities.get(link.name), self.reach.configs(link)
        if kept is not None and kept[0] == configs:
            return kept[1]
        security = client_arguments(self.properties_of(link))
        self._securities[link.name] = (configs, security)
        return security

    async def remote(self, link: Link) -> Admin:
        """An admin client of a link's remote cluster, kept until the link's connection properties change."""
        return await self._admin(link, link.name, self.security_of(link))

    async def _admin(self, link: Link, key: str, security: ClientSecurity) -> Admin:
        kept = self._remotes.get(key)
        if kept is not None and kept[0] == security:
            return kept[1]
        admin = Admin(security, client_id=f"clusterlink-{link.name}", traffic=METER.traffic(link.name, "source"))
        self._remotes[key] = (security, admin)  # before anything is waited for: who asks meanwhile gets the same
        if kept is not None:
            await kept[1].close()
        return admin

    async def partner(self, link: Link) -> Partner:
        """The control plane at the other end of a link, kept until the link's connection properties change.

        It is opened when first asked for. Raises ClusterError: RemoteLinkNotFound where there is no control plane. Its
        rows are as current as the network is quick; `catch_up` makes sure before something is decided on them.
        """
        async with self._partnering[link.name]:
            properties = self.reach.partner_properties(link)
            security = self.security_of(link) if properties is None else client_arguments(properties)
            app_id = self.reach.partner_app_id(link) or self.model.topics.app_id
            kept = self._partners.get(link.name)
            if kept is not None and (kept[0], kept[1]) == (security, app_id):
                return kept[2]
            if kept is not None:
                del self._partners[link.name]
                await kept[2].close()
            admin = await self._admin(link, link.name if properties is None else _to_partner(link.name), security)
            partner = Partner(link.name, security, admin, app_id)
            try:
                await partner.open()
            except BaseException:
                await partner.close()
                raise
            self._partners[link.name] = (security, app_id, partner)
            return partner

    async def paired_partner(self, link: Link) -> Partner:
        """As `partner`, caught up, and with a link object that is the other side of ours (STATE-31)."""
        partner = await self.partner(link)
        await partner.catch_up()
        partner.other_side(link, self.cluster_id)
        return partner

    async def hang_up(self, link: str) -> None:
        """Close what is open to a link's remote cluster."""
        partner = self._partners.pop(link, None)
        if partner is not None:
            await partner[2].close()
        self._securities.pop(link, None)
        self._noted.pop(link, None)
        for key in (link, _to_partner(link)):
            if (kept := self._remotes.pop(key, None)) is not None:
                await kept[1].close()

    async def close(self) -> None:
        for link in {*(key.partition("/")[0] for key in self._remotes), *self._partners}:
            await self.hang_up(link)


def _to_partner(link: str) -> str:
    """Key of a client that is only for the partner's control topics; link names hold no slash (LINK-17)."""
    return f"{link}/partner"


def note_changes(decision: Decision) -> None:
    """Changes of state are lines in the log, and are counted (STATE-62)."""
    for change in decision.happened:
        log.info("%s", change)
        thing = "link" if isinstance(change, LinkChange) else "mirror"
        if change.previous is not change.current:
            METER.add("clusterlink_state_changes_total", change.link, thing, str(change.current))
        if change.current is LinkState.UNAVAILABLE and change.previous is not change.current:
            METER.add("clusterlink_link_unavailable_total", change.link)
