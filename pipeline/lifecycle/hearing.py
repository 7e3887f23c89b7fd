"""Know on the side that waits whether the side that dials is there (MODE-44).

An INBOUND link has nobody to probe. Its partner's workers write a sign of life into this cluster's own tables twice in
each `availability.check.ms` (`carrying.py`), with what they found when they probed the link's source. What counts is
when it came here, by this worker's own clock: no two clocks are compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.duties import IDLE_S, Duty
from pipeline.lifecycle.probing import NEEDS_REPAIR
from pipeline.lifecycle.times import now_ms
from pipeline.link.carrier import Carrier
from pipeline.link.link_transitions import LinkEvent, advance_link
from pipeline.link.models import Link
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import ConnectionMode, LinkErrorCode, LinkState

SHORTEST_LOOK_S = 0.2


class Hearing(Duty):
    """Listens for the dialling side of one link."""

    def __init__(self, context: Context, link: str, wake: Callable[[], None]) -> None:
        super().__init__(context, link, wake)
        self._version: int | None = None
        self._heard_at = 0.0
        self._is_fresh = False

    async def run(self) -> None:
        while True:
            link = self.row()
            if link is None or not is_heard(link):
                self._version = None
                await self.rows_change()
                continue
            self._listen()
            self.wake()
            settings = LinkSettings.of(link.configs)
            left = self._heard_at + silence_s(settings) - time.monotonic()
            await self.rows_change(min(IDLE_S, left) if left > 0 else IDLE_S)

    def decide(self, decision: Decision) -> None:
        link = self.row()
        if link is None or not is_heard(link) or self._version is None:
            return
        carrier = self.context.model.carriers.get(self.link)
        if carrier is not None and carrier.cluster_link_id != link.cluster_link_id:
            carrier = None
        silent_s = time.monotonic() - self._heard_at
        event, error, message = judge(link, carrier, self._is_fresh, silent_s)
        if event is None:
            return
        after, change = advance_link(link, event, message, now_ms(), error)
        decision.note(change)
        if after != link:
            decision.put_link(after)

    def _listen(self) -> None:
        """Note when a sign of life comes. What was there before this worker began to listen may be of any age."""
        version = self.context.model.version("carriers", self.link)
        if version != self._version:
            self._is_fresh = self._version is not None
            self._version, self._heard_at = version, time.monotonic()


def is_heard(link: Link) -> bool:
    """Whether the link waits for the other side; a paused one is asked nothing, as with probes (LINK-35)."""
    return link.connection_mode is ConnectionMode.INBOUND and link.state is not LinkState.PAUSED


def silence_s(settings: LinkSettings) -> float:
    """Seconds without a sign of life after which the dialling side counts as gone (LINK-37, LINK-38)."""
    interval_s = settings.availability_check_ms / 1000
    return max(SHORTEST_LOOK_S, interval_s * settings.availability_check_consecutive_failure_threshold)


def judge(
    link: Link, carrier: Carrier | None, is_fresh: bool, silent_s: float
) -> tuple[LinkEvent | None, LinkErrorCode, str]:
    """What the last sign of life, and the silence since, mean for the link."""
    if carrier is None:
        return LinkEvent.LOST, LinkErrorCode.TIMEOUT_ERROR, f"{away(link)}: none of its workers has come yet"
    if carrier.error is LinkErrorCode.REMOTE_LINK_NOT_FOUND_ERROR:  # it was deleted there: no silence needs to tell
        return LinkEvent.LOST, carrier.error, f"on the dialling side: {carrier.error_message}"
    if silent_s > silence_s(LinkSettings.of(link.configs)):
        return LinkEvent.LOST, LinkErrorCode.TIMEOUT_ERROR, f"{away(link)}: silent for {silent_s:.0f} s"
    if not is_fresh:
        return None, LinkErrorCode.NO_ERROR, ""
    if carrier.error is LinkErrorCode.NO_ERROR:
        return LinkEvent.REACHED, LinkErrorCode.NO_ERROR, f"worker {carrier.worker} of the dialling side carries it"
    event = LinkEvent.BROKEN if carrier.error in NEEDS_REPAIR else LinkEvent.LOST
    return event, carrier.error, f"on the dialling side: {carrier.error_message}"


def away(link: Link) -> str:
    """Names who is missing."""
    return f"the side that dials for cluster link '{link.name}' (cluster {link.remote_cluster_id}) is away"
