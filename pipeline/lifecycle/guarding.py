"""Keep everybody but the link from writing to its mirrors, where the own cluster has an authorizer (MIRROR-3, -4).

A mirror is ACTIVE only when its guard is up. Entries come and go meanwhile, so the guard is compared again every few
seconds. It is lifted before a mirror is STOPPED; and whatever the table says is ours without a mirror that lives is
lifted too: after a deletion, or after a worker that died in between.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence

from pipeline.cluster.administration.acls import Acl
from pipeline.cluster.errors import ClusterError
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.duties import IDLE_S, MOST_ROWS_AT_ONCE, Duty
from pipeline.lifecycle.guard_probe import may_have_renamed
from pipeline.lifecycle.guards import owned_guards, unguarded
from pipeline.lifecycle.remote_errors import task_error
from pipeline.link.models import Link, Mirror, TaskError
from pipeline.link.states import ConnectionMode, MirrorStatus
from pipeline.sync.guard_plan import row_name, write_guard

log = logging.getLogger(__name__)
TOGETHER_S = 0.2
"""Mirrors made within this time get their guards together."""
TABLE = "owned_acls"


class Guarding(Duty):
    """Guards the mirrors of one link."""

    def __init__(self, context: Context, link: str, wake: Callable[[], None]) -> None:
        super().__init__(context, link, wake)
        self._open: frozenset[str] = frozenset()
        self._said = self._refused = ""

    async def run(self) -> None:
        while True:
            try:
                await self._look()
                self._said = ""
            except ClusterError as error:
                if str(error) != self._said:
                    log.warning("Link %s: read-only guards, tried again: %s", self.link, error)
                    self._said = str(error)
            await self.rows_change(IDLE_S)
            await asyncio.sleep(TOGETHER_S)

    async def _look(self) -> None:
        link, context = self.row(), self.context
        if link is None:
            return
        async with context.guards.lock(self.link):
            living = {m.mirror_topic: m for m in self.mirrors() if m.status is not MirrorStatus.STOPPED}
            orphans = {topic: acls for topic, acls in self._owned().items() if topic not in living}
            if orphans:
                await lift(context, link, orphans)
            mirrors = [m for m in living.values() if not is_stopping(m)]
            if not mirrors:
                return
            # whoever carries a link for this cluster writes its mirrors under a name of their own (MODE-43)
            context.guards.spared |= {p for carrier in context.model.carriers.values() for p in carrier.principals}
            here = await context.guards.entries(context.own)
            is_open = here is not None and await self._is_left_open(link)
            is_done = here is None or is_open or await self._close(link, mirrors, here)
            if is_done and context.guards.note(mirrors):
                self.wake()

    async def _is_left_open(self, link: Link) -> bool:
        """Whether no guard may be put up, since it might hit who dials for this cluster by a name that nobody knows.

        Brokers make names of tokens and tickets, and of certificates where they have rules for that. Whoever dials
        tries out what he is called, if he may; else an operator who knows it says so (`guard_spares`).
        """
        carriers = self.context.model.carriers
        carrier = carriers.get(self.link) if link.connection_mode is ConnectionMode.INBOUND else None
        told = {principal for each in carriers.values() for principal in each.principals}
        if carrier is None or self.context.guards.spared - told:
            return False
        if carrier.is_proven or (
            carrier.principals and not await may_have_renamed(self.context.own, carrier.principals)
        ):
            return False
        if self._refused != (why := f"worker {carrier.worker} of the other side"):
            self._refused = why
            log.warning(
                "Link %s: no read-only guards (MIRROR-4), writes by others are only detected: by which name this "
                "cluster knows %s cannot be told; name it in CLUSTERLINK_GUARD_SPARES",
                self.link,
                why,
            )
        return True

    async def _close(self, link: Link, mirrors: Sequence[Mirror], here: Collection[Acl]) -> bool:
        """Put up what is missing; whether the mirrors have what guard there is to be had.

        A worker that may not change ACLs leaves its mirrors without one, and says so.
        """
        context, owned = self.context, self._owned()
        topics = {m.mirror_topic: owned.get(m.mirror_topic, set()) for m in mirrors}
        app_id = context.model.topics.app_id
        claims: dict[str, set[Acl]] = {}
        try:
            plans = await context.guards.plans(context.own, app_id, topics, here)
            changed = {topic: g for topic, g in plans.items() if g.plan.add | g.plan.delete | g.plan.forget}
            claims = {topic: topics[topic] | g.plan.claim for topic, g in changed.items() if g.plan.claim}
            if not await remember(context, link, claims):
                return False  # somebody else leads this link now
            await context.guards.put_up(context.own, list(changed.values()))
        except ClusterError as error:
            if not unguarded(error):
                raise
            await remember(context, link, {topic: topics[topic] for topic in claims})
            if str(error) != self._refused:
                self._refused = str(error)
                log.warning(
                    "Link %s: no read-only guards (MIRROR-4), writes by others are only detected: %s", link.name, error
                )
            return True
        less = {t: topics[t] | g.plan.claim for t, g in changed.items() if g.plan.delete | g.plan.forget}
        await remember(
            context, link, {t: acls - plans[t].plan.delete - plans[t].plan.forget for t, acls in less.items()}
        )
        self._report(frozenset(topic for topic, guard in plans.items() if not guard.is_closed))
        return True

    def _report(self, now_open: frozenset[str]) -> None:
        if new := sorted(now_open - self._open):
            log.warning(
                "Link %s: everybody may write to %s%s by an ALLOW for User:*, and the worker is no super user: foreign "
                "writes there are only detected (MIRROR-4 b)",
                self.link,
                ", ".join(new[:5]),
                f" and {len(new) - 5} more mirrors" if len(new) > 5 else "",
            )
        self._open = now_open

    def _owned(self) -> dict[str, set[Acl]]:
        return owned_guards(self.context.model, self.link)


def is_stopping(mirror: Mirror) -> bool:
    """Whether the mirror is on its way to be the users': its guard is neither put up nor compared any more.

    A reverse stops its mirror only when the other side has taken over (MIRROR-71).
    """
    is_due = not mirror.is_copying and (mirror.is_handed_over or not mirror.is_reversing)
    return mirror.status is MirrorStatus.PENDING_STOPPED and is_due


async def lift_guards(context: Context, link: Link, mirrors: Sequence[Mirror]) -> dict[str, TaskError | None]:
    """Open stopped mirrors to everybody who may write; what stands against it by mirror topic (MIRROR-4 c)."""
    async with context.guards.lock(link.name):
        context.guards.forget(mirrors)
        owned = owned_guards(context.model, link.name)
        wanted = {m.mirror_topic: owned[m.mirror_topic] for m in mirrors if m.mirror_topic in owned}
        error: TaskError | None = None
        try:
            await lift(context, link, wanted)
        except ClusterError as refused:
            error = task_error(refused, "destination")
    return {m.mirror_topic: error if m.mirror_topic in wanted else None for m in mirrors}


async def lift(context: Context, link: Link, guards: Mapping[str, Collection[Acl]]) -> None:
    """Delete the entries of these guards, then forget them. Raises ClusterError."""
    if guards:
        await context.guards.take_down(context.own, {acl for acls in guards.values() for acl in acls})
        await remember(context, link, dict.fromkeys(guards, ()))


async def remember(context: Context, link: Link, guards: Mapping[str, Collection[Acl]]) -> bool:
    """Write which entries are ours; whether the rows show it. They do not where another worker was quicker."""
    topics = sorted(guards)
    for at in range(0, len(topics), MOST_ROWS_AT_ONCE):
        decision = Decision(context.model, link.name)
        for topic in topics[at : at + MOST_ROWS_AT_ONCE]:
            decision.put_kept(TABLE, row_name(topic), write_guard(link.cluster_link_id, topic, guards[topic]))
        await context.settle(decision)
    owned = owned_guards(context.model, link.name)
    return all(owned.get(topic, set()) == set(acls) for topic, acls in guards.items())
