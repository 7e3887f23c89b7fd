"""Know whether the other side of a two-sided link is there (MODE-13, MODE-24).

The other side's rows are followed, so that its deletion is seen at once. A side whose partner was there and is gone is
UNAVAILABLE, with REMOTE_LINK_NOT_FOUND_ERROR, and copies nothing until there is one again. A side that never had one is
the first: it works as far as it can alone, and waits for the second. A SOURCE half is never the first (MODE-12).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from pipeline.cluster.errors import ClusterError, RemoteLinkNotFound
from pipeline.control.reach import dials_for_partner
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.duties import IDLE_S, Duty, wait
from pipeline.lifecycle.times import now_ms
from pipeline.link.link_transitions import LinkEvent, advance_link
from pipeline.link.models import Link
from pipeline.link.names import link_id, read_cluster_link_id
from pipeline.link.pairing import have_same_id, takes_id_of
from pipeline.link.states import ConnectionMode, LinkErrorCode, LinkMode, LinkState

log = logging.getLogger(__name__)
ALONE = LinkErrorCode.REMOTE_LINK_NOT_FOUND_ERROR


@dataclass(frozen=True)
class Seen:
    """What a look for the other side of `link` has found: it, or why there is none."""

    link: Link
    other: Link | None = None
    cluster_id: str = ""
    missing: str = ""


class Pairing(Duty):
    """Watches the other side of one link, from the side that dials."""

    def __init__(self, context: Context, link: str, wake: Callable[[], None]) -> None:
        super().__init__(context, link, wake)
        self._seen: Seen | None = None
        self._said = ""

    async def run(self) -> None:
        while True:
            link = self.row()
            if link is None or not is_paired_from_here(link):
                self._seen = None
                await self.rows_change()
                continue
            changed = asyncio.Event()
            try:
                partner = await self.context.partner(link)
                changed = partner.changed()
                await partner.catch_up()
                other = partner.other_side(link, self.context.cluster_id)
                self._seen, self._said = Seen(link, other, partner.cluster_id), ""
            except RemoteLinkNotFound as error:
                self._seen = Seen(link, missing=str(error))
            except ClusterError as error:
                self._seen = None  # who knows
                if str(error) != self._said:
                    log.warning("Link %s: its other side cannot be seen: %s", self.link, error)
                    self._said = str(error)
            if self._seen is not None:
                self.wake()
            await wait(changed, IDLE_S)

    def decide(self, decision: Decision) -> None:
        link, seen = self.row(), self._seen
        if link is None or seen is None or not is_paired_from_here(link):
            return
        if (link.created_ms, link.configs) != (seen.link.created_ms, seen.link.configs):
            return
        after = paired(link, seen, self.context)
        event = event_of(link, seen)
        if event is not None:
            error = ALONE if event is LinkEvent.LOST else LinkErrorCode.NO_ERROR
            reason = seen.missing or "its other side is there"
            after, change = advance_link(after, event, reason, now_ms(), error)
            decision.note(change)
        if after != link:
            decision.put_link(after)


def is_paired_from_here(link: Link) -> bool:
    """Whether to look for the other side: a paused link says nothing to its remote cluster (LINK-35)."""
    return dials_for_partner(link) and link.state in (LinkState.ACTIVE, LinkState.UNAVAILABLE)


def paired(link: Link, seen: Seen, context: Context) -> Link:
    """The link that has seen its other side; the second of the two takes the id of the first (MODE-13).

    A side that waits cannot see the other's. A side that has mirrors keeps its id, which is in what its tasks remember.
    """
    if seen.other is None:
        return link
    after = replace(link, is_paired=True)
    waits = seen.other.connection_mode is ConnectionMode.INBOUND
    is_second = waits or takes_id_of(link, seen.other, context.cluster_id, seen.cluster_id)
    if is_second and not have_same_id(link, seen.other) and not context.model.mirrors_of(link.name):
        taken = seen.other.cluster_link_id
        after = replace(after, cluster_link_id=taken, link_id=link_id(read_cluster_link_id(taken)))
    return after


def event_of(link: Link, seen: Seen) -> LinkEvent | None:
    """What the look means for the link's state."""
    if seen.other is not None:
        return LinkEvent.REACHED if link.error is ALONE else None
    is_told = link.error is ALONE and link.error_message == seen.missing
    has_to_be = link.is_paired or link.mode is LinkMode.SOURCE
    return LinkEvent.LOST if has_to_be and not is_told else None
