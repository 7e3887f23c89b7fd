"""Carry reverses from the drained mirror to the hand-over, and drop what nobody reverses any more (MIRROR-71, 72).

    here                                         the other side
    PENDING_STOPPED, copying                     a regular topic
    lag 0 twice on every partition               PENDING_SYNCHRONIZE           draining.py asks for it
    last configs, last offsets; drained          PENDING_SYNCHRONIZE
    drained, nothing is copied any more          its log ends are compared with ours; equal: PENDING_MIRROR from there
    handed over                                  ACTIVE, or PAUSED
    fenced, configs released, STOPPED            ACTIVE, or PAUSED             stopping.py

Every step is found in the rows of the two sides, so whoever leads the link next goes on from them. Ours is fenced only
after the other has become the mirror: a fence takes an offset, which a late record of the source might need. If the
other side's log is longer by then, because somebody still produces to it, or has got partitions, this mirror goes back
to draining.

A side that waits (PENDING_SYNCHRONIZE) asks its partner whether it is still being reversed. If not, the operator has
given up by deleting the link, and the topic is the regular one that it was.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from pipeline.cluster.errors import ClusterError, RemoteLinkNotFound
from pipeline.control.keys import mirror_key
from pipeline.lifecycle.becoming import restore_configs
from pipeline.lifecycle.bounded import bounded
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.draining import obstacles
from pipeline.lifecycle.duties import IDLE_S, MOST_ROWS_AT_ONCE, Duty
from pipeline.lifecycle.handing_over import hand_over
from pipeline.lifecycle.staying import is_same
from pipeline.link.models import Link, Mirror, TaskError
from pipeline.link.states import MirrorStatus, TaskErrorCode

log = logging.getLogger(__name__)
TOGETHER = 16
AGAIN_S = 2.0
STILL_WANTED_S = 5.0
HAS_MORE = frozenset({TaskErrorCode.INVALID_REQUEST_ERROR, TaskErrorCode.UNKNOWN_TOPIC_OR_PARTITION_ERROR})
"""The other side's topic has records or partitions that its mirror has not, or is not there: draining sees to it."""


class Reversing(Duty):
    """Hands the mirrors of one link over; withdraws those that wait for nobody."""

    def __init__(self, context: Context, link: str, wake: Callable[[], None]) -> None:
        super().__init__(context, link, wake)
        self._found: dict[str, tuple[Mirror, tuple[TaskError, ...]]] = {}
        self._not_before: dict[str, float] = {}
        self._withdrawn: dict[str, Mirror] = {}
        self._asked_at = float("-inf")

    async def run(self) -> None:
        while True:
            link, now = self.reachable(), time.monotonic()
            if link is None:
                await self.rows_change()
                continue
            waiting = [m for m in self.mirrors() if is_drained_for_reverse(m) and not self._is_answered(m)]
            due = [m for m in waiting if self._not_before.get(m.mirror_topic, 0) <= now]
            if due:
                await bounded(TOGETHER, (self._hand_over(link, mirror) for mirror in due))
                self.wake()
            behind = [m for m in self.mirrors() if m.status is MirrorStatus.PENDING_SYNCHRONIZE]
            if behind and now - self._asked_at > STILL_WANTED_S:
                self._asked_at = now
                await self._withdraw(link, behind)
            if not due:
                await self.rows_change(0.5 if waiting else IDLE_S)

    def decide(self, decision: Decision) -> None:
        for topic, (seen, errors) in list(self._found.items())[:MOST_ROWS_AT_ONCE]:
            mirror = self.context.model.mirrors.get(mirror_key(self.link, topic))
            if mirror is None or not is_same(mirror, seen) or mirror.is_handed_over:
                del self._found[topic]
            elif not errors:
                decision.put_mirror(replace(mirror, is_handed_over=True, transition_errors=()))
            elif any(error.error_code in HAS_MORE for error in errors):
                decision.put_mirror(replace(mirror, is_drained=False, transition_errors=errors))
            else:
                decision.list_errors(mirror, errors)
        for topic, seen in list(self._withdrawn.items())[:MOST_ROWS_AT_ONCE]:
            mirror = self.context.model.mirrors.get(mirror_key(self.link, topic))
            if mirror is None or mirror.status is not seen.status or mirror.created_ms != seen.created_ms:
                del self._withdrawn[topic]
            else:
                decision.drop_mirror(mirror)

    async def _hand_over(self, link: Link, mirror: Mirror) -> None:
        errors = obstacles(mirror, link, ()) or await hand_over(self.context, link, mirror)
        self._found[mirror.mirror_topic] = mirror, errors
        if errors:
            self._not_before[mirror.mirror_topic] = time.monotonic() + AGAIN_S

    def _is_answered(self, mirror: Mirror) -> bool:
        seen, errors = self._found.get(mirror.mirror_topic, (mirror, (None,)))
        return not errors and is_same(seen, mirror)

    async def _withdraw(self, link: Link, behind: list[Mirror]) -> None:
        try:
            partner = await self.context.paired_partner(link)
        except RemoteLinkNotFound:
            self._withdrawn = {mirror.mirror_topic: mirror for mirror in behind}
        except ClusterError:
            return  # who knows
        else:
            for mirror in behind:
                theirs = partner.mirror(mirror.source_topic)
                if theirs is None or not theirs.is_reversing:
                    self._withdrawn[mirror.mirror_topic] = mirror
        for topic, mirror in list(self._withdrawn.items()):
            if self.context.model.mirrors.get(mirror_key(self.link, topic)) != mirror:
                del self._withdrawn[topic]  # it has become a mirror, or waits for another reverse
                continue
            try:
                await restore_configs(self.context, mirror)
            except ClusterError as error:
                log.warning("Link %s: the configs of %s cannot be put back yet: %s", self.link, topic, error)
                del self._withdrawn[topic]
        if self._withdrawn:
            self.wake()


def is_drained_for_reverse(mirror: Mirror) -> bool:
    """Whether nothing is left but to hand over."""
    return mirror.is_reversing and mirror.is_drained and not mirror.is_handed_over
