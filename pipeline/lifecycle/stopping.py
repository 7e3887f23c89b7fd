"""Stop mirrors: promotions that have drained, and failovers at once (MIRROR-67, MIRROR-68, MIRROR-77).

In this order, each step safe to repeat if a worker dies in between: the row says that nothing is copied any more; the
partitions are fenced; what has to be right in a topic of its own is put right (`AT_STOP`); the row is STOPPED and keeps
where each partition stood (MIRROR-79). The source is not asked for anything here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.control.keys import mirror_key
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.duties import Duty
from pipeline.lifecycle.fence_asking import Place
from pipeline.lifecycle.fencing import fence
from pipeline.lifecycle.final_configs import release_topic_configs
from pipeline.lifecycle.guarding import is_stopping, lift_guards
from pipeline.lifecycle.offset_task import clamp_synced_offsets
from pipeline.lifecycle.restore_groups import forget_offsets, return_saved_offsets
from pipeline.lifecycle.staying import is_same, stays
from pipeline.lifecycle.times import now_ms
from pipeline.link.models import MOST_TASK_ERRORS, FinalPosition, Link, Mirror, Position, TaskError
from pipeline.link.states import PendingOperation, TaskErrorCode
from pipeline.link.transitions import Event, advance

log = logging.getLogger(__name__)
MOST_AT_ONCE = 250
"""Mirrors stopped together: the first are STOPPED while the last are still being fenced."""
AGAIN_S = 2.0
CHANGED = TaskError(TaskErrorCode.UNKNOWN, "the mirror has changed while it was being stopped")

AtStop = Callable[[Context, Link, Sequence[Mirror]], Awaitable[Mapping[str, TaskError | None]]]

AT_STOP: tuple[AtStop, ...] = (release_topic_configs, clamp_synced_offsets, return_saved_offsets, lift_guards)
"""What is done to fenced mirrors before they are STOPPED, in this order; mirrors carry their `final` positions. Each
answers by mirror topic with what it met: that keeps a promotion pending, and stays listed with a mirror that is failed
over, which has to end whatever happens: somebody puts it right by hand. The guard goes last: nobody writes to a topic
that is not yet as it shall be (MIRROR-4 c)."""


@dataclass(frozen=True)
class Stopped:
    """An attempt at a mirror as it was: stopped with these positions, or what stood against it. `left`: what a failover
    could not put right.
    """

    mirror: Mirror
    final: tuple[FinalPosition, ...] = ()
    errors: tuple[TaskError, ...] = ()
    left: tuple[TaskError, ...] = ()


class Stopping(Duty):
    """Stops the mirrors of one link."""

    def __init__(self, context: Context, link: str, wake: Callable[[], None]) -> None:
        super().__init__(context, link, wake)
        self._found: dict[str, Stopped] = {}
        self._not_before: dict[str, float] = {}

    async def run(self) -> None:
        while True:
            link, now = self.row(), time.monotonic()
            waiting = [m for m in self.mirrors() if is_stopping(m)] if link else []
            due = [m for m in waiting if self._not_before.get(m.mirror_topic, 0) <= now and not self._is_answered(m)]
            if link is None or not due:
                await self.rows_change(0.5 if waiting else 5.0)
                continue
            for stopped in await stop(self.context, link, due[:MOST_AT_ONCE]):
                topic = stopped.mirror.mirror_topic
                self._found[topic] = stopped
                if stopped.errors:
                    self._not_before[topic] = time.monotonic() + AGAIN_S
            self.wake()

    def decide(self, decision: Decision) -> None:
        for topic, stopped in list(self._found.items()):
            mirror = self.context.model.mirrors.get(mirror_key(self.link, topic))
            if mirror is None or not is_same(mirror, stopped.mirror):
                del self._found[topic]
                self._not_before.pop(topic, None)
            elif stopped.errors:
                decision.list_errors(mirror, stopped.errors)
            else:
                forget_offsets(self.context, decision, mirror)
                put_stopped(decision, mirror, stopped.final, stopped.left)

    def _is_answered(self, mirror: Mirror) -> bool:
        found = self._found.get(mirror.mirror_topic)
        return found is not None and not found.errors and is_same(found.mirror, mirror)


def put_stopped(
    decision: Decision, mirror: Mirror, final: tuple[FinalPosition, ...], left: tuple[TaskError, ...] = ()
) -> None:
    """The mirror is STOPPED, and remembers where it stood, and what is left to be put right."""
    after, change = advance(mirror, Event.STOP, "every partition is the users' now", now_ms())
    decision.put_mirror(
        replace(after, final=final, is_drained=False, is_handed_over=False, restore=None, transition_errors=left)
    )
    decision.note(change)


async def stop(context: Context, link: Link, mirrors: Sequence[Mirror]) -> list[Stopped]:
    """Do all of it for some mirrors but for writing their rows. May be repeated from any point."""
    places = {
        m.mirror_topic: [Place(m.mirror_topic, m.mirror_topic_id, p) for p in range(m.partitions)] for m in mirrors
    }
    answers = await fence(context, [place for each in places.values() for place in each])
    found: list[Stopped] = []
    fenced: list[Mirror] = []
    for mirror in mirrors:
        errors = {a for p in places[mirror.mirror_topic] if isinstance(a := answers[p], TaskError)}
        if errors:
            found.append(Stopped(mirror, errors=tuple(sorted(errors, key=lambda e: e.error_message)[:10])))
            continue
        if not stays(context, mirror):  # a fence may take long; what follows goes by names
            found.append(Stopped(mirror, errors=(CHANGED,)))
            continue
        ends = [end for p in places[mirror.mirror_topic] if isinstance(end := answers[p], int)]
        positions = context.model.positions_of(mirror.link, mirror.mirror_topic)
        fenced.append(replace(mirror, final=final_positions(mirror, ends, positions)))
    problems: dict[str, list[TaskError]] = {mirror.mirror_topic: [] for mirror in fenced}
    for step in AT_STOP:
        for topic, error in (await step(context, link, fenced)).items():
            if error is not None:
                problems[topic].append(error)
    for before in mirrors:
        after = next((m for m in fenced if m.mirror_topic == before.mirror_topic), None)
        if after is None:
            continue
        met = tuple(problems[before.mirror_topic])
        if met and before.pending is PendingOperation.FAILOVER:
            log.warning("Link %s: %s is failed over, but: %s", link.name, before.mirror_topic, met)
            found.append(Stopped(before, after.final, left=met[:MOST_TASK_ERRORS]))
        else:
            found.append(Stopped(before, () if met else after.final, met))
    return found


def final_positions(mirror: Mirror, ends: Sequence[int], positions: Sequence[Position]) -> tuple[FinalPosition, ...]:
    """What is kept of each partition (MIRROR-79): the mirror's own end, and what was last known of the source.

    Positions are reported once a second, so that the mirror may have come further than they say. What is on the mirror
    was fetched; and a drained mirror has no lag, whatever was last reported.
    """
    known = {p.partition: p for p in positions if p.is_of(mirror)}
    found = []
    for partition, end in enumerate(ends):
        at = known.get(partition)
        high_watermark = -1 if at is None else at.source_high_watermark
        lag = 0 if mirror.is_drained else max(0, high_watermark - end)
        fetched = -1 if at is None or at.last_source_fetch_offset < 0 else max(at.last_source_fetch_offset, end)
        found.append(FinalPosition(partition, end, lag, fetched))
    return tuple(found)


async def finish(context: Context, link: Link, topics: Sequence[str], within_s: float) -> list[Stopped]:
    """Stop these mirrors now, for a command that waits for it: tried until all are done or the time is over."""
    deadline = time.monotonic() + within_s
    done: list[Stopped] = []
    left = list(topics)
    while left:
        mirrors = [context.model.mirrors[mirror_key(link.name, topic)] for topic in left]
        found = [
            each
            for n in range(0, len(left), MOST_AT_ONCE)
            for each in await stop(context, link, mirrors[n : n + MOST_AT_ONCE])
        ]
        done += [each for each in found if not each.errors]
        failed = [each for each in found if each.errors]
        left = [each.mirror.mirror_topic for each in failed]
        if left and time.monotonic() > deadline:
            return done + failed
        if left:
            await asyncio.sleep(0.5)
    return done
