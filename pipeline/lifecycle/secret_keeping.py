"""Keep the secrets of a link readable: move them to the current key (SEC-32), and say so where they cannot be read.

Part of the watch over a link, so it is the link's leader that rewrites, and each rewriting is one decision.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from pipeline.cluster.probe import probe
from pipeline.control.sealing import SecretUnreadable
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.duties import Duty
from pipeline.lifecycle.times import now_ms
from pipeline.link.link_rules import check_remote_id
from pipeline.link.link_transitions import LinkEvent, advance_link
from pipeline.link.models import Link
from pipeline.link.properties import SECRETS
from pipeline.link.states import ConnectionMode, LinkErrorCode, LinkState

PROBE_MS = 10_000


async def keep_secrets(context: Context, link: Link, decision: Decision) -> Link:
    """Give the link as it is after this: rewritten, FAILED, or back from that. What changes is put into `decision`."""
    if not SECRETS & link.configs.keys():
        return link
    try:
        fresh = await asyncio.to_thread(context.sealing.resealed, link)
    except SecretUnreadable as error:
        after, change = advance_link(
            link, LinkEvent.BROKEN, str(error), now_ms(), LinkErrorCode.SECRET_DECRYPTION_ERROR
        )
        if after != link:
            decision.put_link(after)
            decision.note(change)
        return after
    after = link if fresh is None else replace(link, configs=fresh)
    if link.state is LinkState.FAILED and link.error is LinkErrorCode.SECRET_DECRYPTION_ERROR:
        after = await _revived(context, after, decision)
    if after != link:
        decision.put_link(after)
    return after


async def _revived(context: Context, link: Link, decision: Decision) -> Link:
    """A link whose secrets can be read again: reach its remote cluster to see what state it is in."""
    if link.connection_mode is ConnectionMode.INBOUND:
        after, change = advance_link(link, LinkEvent.REACHED, "its secrets can be read again", now_ms())
    else:
        found = await probe(context.properties_of(link), timeout_ms=PROBE_MS)
        wrong = check_remote_id(link, found.cluster_id, context.cluster_id) if found.ok else None
        if wrong:
            mismatch = LinkErrorCode.CLUSTER_ID_MISMATCH_ERROR
            after, change = advance_link(link, LinkEvent.BROKEN, wrong, now_ms(), mismatch)
        elif found.ok:
            after, change = advance_link(link, LinkEvent.REACHED, "its secrets can be read again", now_ms())
        else:
            after, change = advance_link(link, LinkEvent.LOST, found.message, now_ms(), found.link_error)
    decision.note(change)
    return after


class SecretKeeping(Duty):
    """Keeps the secrets of one link: when its row changes, and now and then."""

    def __init__(self, context: Context, link: str, wake: Callable[[], None]) -> None:
        super().__init__(context, link, wake)
        self._found: tuple[Link, Link, Decision] | None = None

    async def run(self) -> None:
        while True:
            link = self.row()
            if link is not None and SECRETS & link.configs.keys():
                scratch = Decision(self.context.model, self.link)
                after = await keep_secrets(self.context, link, scratch)
                if after != link:
                    self._found = link, after, scratch
                    self.wake()
            await self.rows_change()

    def decide(self, decision: Decision) -> None:
        if self._found is None:
            return
        before, after, scratch = self._found
        if self.row() != before:
            self._found = None
            return
        decision.put_link(after)
        for change in scratch.happened:
            decision.note(change)
