"""Let mirrors follow their link and what the workers report of them (MIRROR-25..31, MIRROR-37).

`next_step` is pure: from a mirror, the positions reported for it and its link it says what happens to the mirror now.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.control.keys import mirror_key
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.duties import MOST_ROWS_AT_ONCE, Duty
from pipeline.lifecycle.times import now_ms
from pipeline.link.errors import MirrorFailure
from pipeline.link.models import Link, Mirror, Position
from pipeline.link.states import MirrorError, MirrorStatus, PendingOperation
from pipeline.link.transitions import Event, advance, after_link, fail


@dataclass(frozen=True)
class Step:
    """An event for a mirror, with its reason; `failure` for a FAIL."""

    event: Event
    reason: str
    failure: MirrorFailure | None = None


class Watching(Duty):
    """Looks at a mirror again whenever its row, its link's row or something telling among its positions has changed."""

    def __init__(self, context: Context, link: str, wake: Callable[[], None]) -> None:
        super().__init__(context, link, wake)
        self._unseen: set[str] = {mirror.mirror_topic for mirror in self.mirrors()}

    def saw(self, table: str, key: str) -> None:
        if table == "links":
            self._unseen |= {mirror.mirror_topic for mirror in self.mirrors()}
        elif table == "mirrors":
            self._unseen.add(key.partition("/")[2])
        elif table == "positions" and self._is_telling(key):
            self._unseen.add(key.split("/")[1])
        else:
            return
        self.wake()

    def decide(self, decision: Decision) -> None:
        link = self.row()
        if link is None:
            return
        model, steps = self.context.model, 0
        for topic in sorted(self._unseen):
            mirror = model.mirrors.get(mirror_key(self.link, topic))
            if mirror is None:
                self._unseen.discard(topic)
                continue
            is_guarded = self.context.guards.is_up(mirror)
            step = next_step(mirror, model.positions_of(self.link, topic), link, is_guarded)
            if step is None:
                if is_guarded or mirror.status is not MirrorStatus.PENDING_MIRROR:
                    self._unseen.discard(topic)
                continue
            if step.failure is not None:
                after, change = fail(mirror, step.failure, now_ms())
            else:
                after, change = advance(mirror, step.event, step.reason, now_ms())
            decision.put_mirror(after)
            decision.note(change)
            steps += 1
            if steps == MOST_ROWS_AT_ONCE:
                break

    def _is_telling(self, key: str) -> bool:
        """Positions come every second of every partition that moves; few of them change a state."""
        position = self.context.model.positions.get(key)
        mirror = self.context.model.mirrors.get(key.rpartition("/")[0])
        if position is None or mirror is None:
            return False
        return position.error is not MirrorError.NO_ERROR or mirror.status is MirrorStatus.PENDING_MIRROR


def next_step(mirror: Mirror, positions: Sequence[Position], link: Link, is_guarded: bool = True) -> Step | None:
    """What happens to a mirror now, or None. Positions of an earlier one of its name do not count.

    `is_guarded`: others are kept from writing to it as well as its cluster allows; it is not ACTIVE before (MIRROR-4).
    """
    current = [p for p in positions if p.is_of(mirror)]
    if mirror.status in (MirrorStatus.ACTIVE, MirrorStatus.PENDING_MIRROR, MirrorStatus.SOURCE_UNAVAILABLE):
        failed = next((p for p in current if p.error is not MirrorError.NO_ERROR), None)
        if failed is not None:
            return Step(Event.FAIL, failed.error_message, MirrorFailure(failed.error, failed.error_message))
    if mirror.status is MirrorStatus.PENDING_MIRROR:
        ready = is_guarded and has_every_start(mirror, current) and not needs_policy(mirror)
        set_up = Event.SET_UP_PAUSED if mirror.pending is PendingOperation.REVERSE_AND_PAUSE else Event.SET_UP
        return Step(set_up, "every partition has its start") if ready else None
    event = after_link(mirror, link.state)
    return None if event is None else Step(event, f"the link is {link.state}")


def has_every_start(mirror: Mirror, positions: Sequence[Position]) -> bool:
    """Whether every partition of the mirror begins where it shall (MIRROR-60..64)."""
    current = [p for p in positions if p.is_of(mirror)]
    ready = sum(p.log_end_offset >= mirror.start_offsets[p.partition] for p in current)
    return ready == mirror.partitions


def needs_policy(mirror: Mirror) -> bool:
    """Whether the topic has another cleanup policy for its seeding, which is to be put right (see `setting_up`)."""
    return (
        not mirror.is_adopted
        and "compact" in mirror.cleanup_policy
        and any(start > 0 for start in mirror.start_offsets)
    )
