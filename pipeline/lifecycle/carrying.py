"""Carry a link for its partner, which cannot dial (MODE-43): probe the source, and give a sign of life over there.

This duty runs on a worker of the dialling side, for the INBOUND object of the other cluster. The source of that link is
the worker's own cluster, reached with the properties `local.*`. What the probe finds is told in every sign of life, so
that the side that waits shows the link as it is (`hearing.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.duties import Duty
from pipeline.lifecycle.own_names import OwnNames
from pipeline.lifecycle.probing import Finding, event_of, examine
from pipeline.lifecycle.times import now_ms
from pipeline.link.carrier import Carrier
from pipeline.link.link_transitions import LinkEvent
from pipeline.link.models import Link
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import LinkErrorCode, LinkState

BEATS_PER_CHECK = 2
"""Signs of life in each `availability.check.ms`: one that comes late is no silence."""
LOOK_S = 1.0


class Carrying(Duty):
    """Probes for one link of the partner's, and says so there."""

    def __init__(self, context: Context, link: str, wake: Callable[[], None]) -> None:
        super().__init__(context, link, wake)
        self._finding: Finding | None = None
        self._carrier: Carrier | None = None
        self._names = OwnNames(link)

    async def run(self) -> None:
        while True:
            link = self.row()
            if link is None or link.state is LinkState.PAUSED or not self.context.reach.leads(link):
                await self.rows_change()
                continue
            began = time.monotonic()
            self._carrier = await self._look(link)
            self.wake()
            await self._until_due(link, began)

    def decide(self, decision: Decision) -> None:
        if self._carrier is not None and self.row() is not None:
            decision.put_carrier(self._carrier)
            self._carrier = None

    async def _look(self, link: Link) -> Carrier:
        """Probe the source, and say what came of it; a failure counts as often as the link's threshold says."""
        context = self.context
        error, message = LinkErrorCode.NO_ERROR, ""
        if not context.reach.can(link):
            error, message = LinkErrorCode.UNKNOWN, f"cluster link '{link.name}' is paused there"
        else:
            before = self._finding.failures if self._finding and self._finding.configs == link.configs else 0
            self._finding = await examine(context, link, before)
            event = event_of(link.state, self._finding, LinkSettings.of(link.configs))
            if event in (LinkEvent.LOST, LinkEvent.BROKEN):
                error, message = self._finding.result.link_error, self._finding.result.message
        return Carrier(
            link.name,
            link.cluster_link_id,
            link.remote_cluster_id or "",
            context.worker,
            *(await self._names.known_as(context.own, context.model.topics.app_id)),
            error,
            message,
            now_ms(),
        )

    async def _until_due(self, seen: Link, began: float) -> None:
        """Wait for the next time, or for something that makes another sign of life due at once."""
        could = self.context.reach.can(seen)
        while True:
            link = self.row()
            if link is None or link.configs != seen.configs or self.context.reach.can(link) != could:
                return
            every_s = LinkSettings.of(link.configs).availability_check_ms / 1000 / BEATS_PER_CHECK
            left = began + every_s - time.monotonic()
            if left <= 0:
                return
            await self.rows_change(min(left, LOOK_S))
