"""Follow promotions and reverses until the mirror has everything of its source (MIRROR-67, MIRROR-71).

Copying goes on all the while. Every second the source's high watermarks are asked for, now and not as last fetched,
and compared with the mirror's. When they are equal on every partition twice in a row, at least a second apart, and
the same both times, the last syncs run, and then the row says that the mirror is drained: from there on nothing is
copied any more, and `stopping` does the rest. What stands in the way is listed with the mirror (MIRROR-55).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from pipeline.cluster.administration.offsets import LATEST
from pipeline.cluster.errors import ClusterError
from pipeline.control.keys import mirror_key
from pipeline.lifecycle.bounded import bounded
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.drained_ends import HELD_UP_S, Ends, compare, held_up_by, offset_or_error
from pipeline.lifecycle.duties import MOST_ROWS_AT_ONCE, Duty
from pipeline.lifecycle.final_configs import check_partitions, sync_topic_configs
from pipeline.lifecycle.handing_over import have_partner_wait
from pipeline.lifecycle.offset_task import sync_offsets_finally
from pipeline.lifecycle.remote_errors import task_error
from pipeline.lifecycle.staying import is_same
from pipeline.link.models import Link, Mirror, Position, TaskError
from pipeline.link.states import LinkState, MirrorError, MirrorStatus, PendingOperation, TaskErrorCode

LOOK_S = 1.0
ASK_WITHIN_S = 15.0
TOGETHER = 16

FinalSync = Callable[[Context, Link, Mirror], Awaitable[tuple[Mirror, tuple[TaskError, ...]]]]

FINAL_SYNCS: tuple[FinalSync, ...] = (check_partitions, sync_topic_configs, sync_offsets_finally)
"""What runs once more before a promoted mirror stops, in this order: each gives the mirror's row after it, and what it
met; anything met keeps the mirror pending."""


@dataclass
class Drain:
    """How far one promotion has come. `equal_since`: monotonic seconds of the first of the equal looks in a row."""

    mirror: Mirror
    equal_since: float | None = None
    equal_at: tuple[int | TaskError, ...] = ()
    """Where they ended then: a source that has got records since is still being written to."""
    held_at: tuple[int | TaskError, ...] = ()
    held_since: float = 0.0
    """Where the mirror ended when it was last seen behind, and since when (monotonic seconds)."""
    errors: tuple[TaskError, ...] = ()
    drained: Mirror | None = None
    """The row to write, once all is done."""


class Draining(Duty):
    """Watches the promotions of one link."""

    def __init__(self, context: Context, link: str, wake: Callable[[], None]) -> None:
        super().__init__(context, link, wake)
        self._drains: dict[str, Drain] = {}

    async def run(self) -> None:
        while True:
            link = self.row()
            waiting = {m.mirror_topic: m for m in self.mirrors() if is_draining(m)} if link else {}
            self._drains = {topic: self._drain_of(mirror) for topic, mirror in waiting.items()}
            if link is None or not waiting:
                await self.rows_change()
                continue
            began = time.monotonic()
            await self._look(link)
            self.wake()
            await asyncio.sleep(max(0.0, began + LOOK_S - time.monotonic()))

    def decide(self, decision: Decision) -> None:
        rows = 0
        for topic, drain in self._drains.items():
            mirror = self.context.model.mirrors.get(mirror_key(self.link, topic))
            if mirror is None or not is_same(mirror, drain.mirror):
                drain.drained, drain.equal_since = None, None  # a reverse may be sent back to draining
                continue
            if rows == MOST_ROWS_AT_ONCE:
                continue
            if drain.drained is not None:
                decision.put_mirror(
                    replace(mirror, is_drained=True, source_configs=drain.drained.source_configs, transition_errors=())
                )
                rows += 1
            elif mirror.transition_errors != drain.errors and (drain.errors or self.reachable() is not None):
                decision.list_errors(mirror, drain.errors)
                rows += 1

    def _drain_of(self, mirror: Mirror) -> Drain:
        known = self._drains.get(mirror.mirror_topic)
        if known is not None and is_same(known.mirror, mirror):
            known.mirror = mirror
            return known
        return Drain(mirror)

    async def _look(self, link: Link) -> None:
        model = self.context.model
        todo = []
        for drain in self._drains.values():
            positions = model.positions_of(self.link, drain.mirror.mirror_topic)
            found = obstacles(drain.mirror, link, positions)
            if found:
                drain.errors, drain.equal_since = found, None
            elif drain.drained is None:
                todo.append(drain)
        if not todo or not self.context.reach.can(link):
            for drain in todo:
                drain.errors = ()
            return
        ends = await self._ends(link, [drain.mirror for drain in todo])
        now = time.monotonic()
        ready = []
        for drain in todo:
            # Only now: what was in the way is so until it is known to be gone, and to ask may take a while.
            compared = compare(drain.mirror, ends)
            if isinstance(compared, TaskError):
                drain.errors, drain.equal_since = (compared,), None
                continue
            if not compared:
                drain.equal_since = None
                drain.errors = await self._held_up(link, drain, ends, now)
                continue
            drain.errors = ()
            if drain.equal_since is None or drain.equal_at != ends.source_of(drain.mirror):
                drain.equal_since, drain.equal_at = now, ends.source_of(drain.mirror)
            elif now - drain.equal_since >= LOOK_S:
                ready.append(drain)
        await bounded(TOGETHER, (self._finish(link, drain) for drain in ready))

    async def _held_up(self, link: Link, drain: Drain, ends: Ends, now: float) -> tuple[TaskError, ...]:
        """Why a mirror that is behind comes no further; nothing as long as it does (MIRROR-55)."""
        mirror, here = drain.mirror, ends.mirror_of(drain.mirror)
        if drain.held_at != here:
            drain.held_at, drain.held_since = here, now
        if now - drain.held_since < HELD_UP_S:
            return ()
        positions = self.context.model.positions_of(self.link, mirror.mirror_topic)
        if denied := [error for p in positions if p.is_of(mirror) for error in p.denied]:
            return tuple(dict.fromkeys(denied))[:10]
        there = ends.source_of(mirror)
        behind = [(mirror.source_topic, p) for p in range(mirror.partitions) if here[p] != there[p]]
        try:
            async with asyncio.timeout(ASK_WITHIN_S):
                stable = await (await self.context.remote(link)).end_offsets(behind, read_committed=True)
        except (ClusterError, TimeoutError):
            return drain.errors
        return held_up_by(behind, stable, here)

    async def _finish(self, link: Link, drain: Drain) -> None:
        mirror = drain.mirror
        for sync in (have_partner_wait, *FINAL_SYNCS) if mirror.is_reversing else FINAL_SYNCS:
            mirror, errors = await sync(self.context, link, mirror)
            if errors:
                drain.errors, drain.equal_since = errors, None
                return
        drain.drained = mirror

    async def _ends(self, link: Link, mirrors: Sequence[Mirror]) -> Ends:
        """High watermarks of all partitions of source and mirror; an error where there is none to be had."""
        sources = [(m.source_topic, p) for m in mirrors for p in range(m.partitions)]
        copies = [(m.mirror_topic, p) for m in mirrors for p in range(m.partitions)]

        async def ask_source() -> dict[tuple[str, int], int | TaskError]:
            try:
                async with asyncio.timeout(ASK_WITHIN_S):
                    found = await (await self.context.remote(link)).offsets_for_times(dict.fromkeys(sources, LATEST))
            except ClusterError as error:
                return dict.fromkeys(sources, task_error(error, "source"))
            except TimeoutError:
                return dict.fromkeys(
                    sources,
                    TaskError(TaskErrorCode.UNKNOWN, "source: does not answer; if it is gone for good, fail over"),
                )
            return {place: offset_or_error(answer, "source") for place, answer in found.items()}

        async def ask_own() -> dict[tuple[str, int], int | TaskError]:
            try:
                found = await self.context.own.offsets_for_times(dict.fromkeys(copies, LATEST))
            except ClusterError as error:
                return dict.fromkeys(copies, task_error(error, "destination"))
            return {place: offset_or_error(answer, "destination") for place, answer in found.items()}

        at_source, here = await asyncio.gather(ask_source(), ask_own())
        return Ends(at_source, here)


def obstacles(mirror: Mirror, link: Link, positions: Sequence[Position]) -> tuple[TaskError, ...]:
    """What is known to stand in the way of a drain before any cluster is asked (MIRROR-55)."""
    if link.state is LinkState.PAUSED:
        return (TaskError(TaskErrorCode.UNKNOWN, "the link is paused: resume it, or fail the mirror over"),)
    if link.state in (LinkState.FAILED, LinkState.UNAVAILABLE):
        code = TaskErrorCode.UNKNOWN
        if link.error.value in TaskErrorCode.__members__:
            code = TaskErrorCode(link.error.value)
        return (TaskError(code, f"the link is {link.state}: {link.error_message}"),)
    failed = [p for p in positions if p.error is not MirrorError.NO_ERROR and p.is_of(mirror)]
    return tuple(TaskError(TaskErrorCode.UNKNOWN, f"{p.error}: {p.error_message}") for p in failed[:10])


def is_draining(mirror: Mirror) -> bool:
    """Whether a promotion or a reverse still waits for the source's last records."""
    is_planned = mirror.is_reversing or mirror.pending is PendingOperation.PROMOTE
    return mirror.status is MirrorStatus.PENDING_STOPPED and is_planned and not mirror.is_drained
