"""Watch over a link: turn what the workers report into states (STATE-1..7, MIRROR-25..34). One round decides at most once.

`next_step` is pure: from a mirror, the positions reported for it and its link it says what happens to the mirror now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.times import now_ms
from pipeline.link.errors import MirrorFailure
from pipeline.link.models import Link, Mirror, Position
from pipeline.link.states import MirrorError, MirrorStatus
from pipeline.link.transitions import Event, advance, after_link, fail


@dataclass(frozen=True)
class Step:
    """An event for a mirror, with its reason; `failure` for a FAIL."""

    event: Event
    reason: str
    failure: MirrorFailure | None = None


async def watch(context: Context, name: str, decision: Decision) -> None:
    """Put into `decision` what has to change for a link and its mirrors."""
    link = context.model.links[name]
    for mirror in context.model.mirrors_of(name):
        step = next_step(mirror, context.model.positions_of(name, mirror.mirror_topic), link)
        if step is None:
            continue
        if step.failure is not None:
            after, change = fail(mirror, step.failure, now_ms())
        else:
            after, change = advance(mirror, step.event, step.reason, now_ms())
        decision.put_mirror(after)
        decision.note(change)


def next_step(mirror: Mirror, positions: Sequence[Position], link: Link) -> Step | None:
    """What happens to a mirror now, or None. Positions older than the mirror belong to another of its name."""
    current = [p for p in positions if p.time_ms >= mirror.created_ms]
    if mirror.status in (MirrorStatus.ACTIVE, MirrorStatus.PENDING_MIRROR, MirrorStatus.SOURCE_UNAVAILABLE):
        failed = next((p for p in current if p.error is not MirrorError.NO_ERROR), None)
        if failed is not None:
            return Step(Event.FAIL, failed.error_message, MirrorFailure(failed.error, failed.error_message))
    if mirror.status is MirrorStatus.PENDING_MIRROR:
        ready = sum(p.log_end_offset >= mirror.start_offsets[p.partition] for p in current)
        return Step(Event.SET_UP, "every partition has its start") if ready == mirror.partitions else None
    event = after_link(mirror, link.state)
    return None if event is None else Step(event, f"the link is {link.state}")
