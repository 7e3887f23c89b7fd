"""A mirror's life as one table (MIRROR-37). Diagrams and tests are made from it, so they cannot drift.

Every change of a mirror's status goes through `advance`, which answers with the new mirror and the `Change` that
logs, metrics, audit and results speak of (STATE-62). What the table does not have is refused per topic, naming the
state.

Beyond the rows of MIRROR-37 there are only those without which a mirror could get stuck: a mirror whose link is
unavailable follows the link's pause or failure, a paused link may fail and a failed one be paused, and a mirror that
cannot even be set up exactly fails instead of hanging (I4). A restore whose other side has gone, or that was not meant,
is given up by a failover (MIRROR-68: any state but STOPPED); of a reverse two sides would have to know, so it is not. A
drain (PENDING_STOPPED) that meets an error stays as it is and lists it (MIRROR-55).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from pipeline.link.errors import IllegalTransition, MirrorFailure
from pipeline.link.models import Mirror
from pipeline.link.states import LinkState, MirrorError, MirrorStatus, PendingOperation, Word

S = MirrorStatus
P = PendingOperation


class Event(Word):
    """What can happen to a mirror. The first eight are asked for by people, the others are observed."""

    CREATE = "CREATE"
    PAUSE = "PAUSE"
    RESUME = "RESUME"
    PROMOTE = "PROMOTE"
    FAILOVER = "FAILOVER"
    REVERSE_AND_START = "REVERSE_AND_START"
    REVERSE_AND_PAUSE = "REVERSE_AND_PAUSE"
    TRUNCATE_AND_RESTORE = "TRUNCATE_AND_RESTORE"
    SET_UP = "SET_UP"
    SET_UP_PAUSED = "SET_UP_PAUSED"
    BECOME_MIRROR = "BECOME_MIRROR"
    SYNCHRONIZED = "SYNCHRONIZED"
    ENDS_COMPARED = "ENDS_COMPARED"
    RESTORED = "RESTORED"
    STOP = "STOP"
    FAIL = "FAIL"
    LINK_PAUSED = "LINK_PAUSED"
    LINK_RESUMED = "LINK_RESUMED"
    LINK_UNAVAILABLE = "LINK_UNAVAILABLE"
    LINK_REACHED = "LINK_REACHED"
    LINK_FAILED = "LINK_FAILED"
    LINK_REPAIRED = "LINK_REPAIRED"
    TOPIC_DELETED = "TOPIC_DELETED"
    LINK_DELETED = "LINK_DELETED"


E = Event


class Before(Enum):
    """Stands in the table for the state a mirror had before its link was paused or failed."""

    STATE_BEFORE = "the state before"


TRANSITIONS: Mapping[tuple[MirrorStatus, Event], MirrorStatus | Before] = {
    (S.PENDING_MIRROR, E.SET_UP): S.ACTIVE,
    (S.PENDING_MIRROR, E.SET_UP_PAUSED): S.PAUSED,
    (S.ACTIVE, E.PAUSE): S.PAUSED,
    (S.PAUSED, E.RESUME): S.ACTIVE,
    (S.ACTIVE, E.PROMOTE): S.PENDING_STOPPED,
    **{
        (status, E.FAILOVER): S.PENDING_STOPPED
        for status in (
            S.ACTIVE,
            S.PAUSED,
            S.LINK_PAUSED,
            S.SOURCE_UNAVAILABLE,
            S.LINK_FAILED,
            S.FAILED,
            S.PENDING_MIRROR,
            S.PENDING_STOPPED,
            S.PENDING_SETUP_FOR_RESTORE,
            S.PENDING_RESTORE,
        )
    },
    (S.ACTIVE, E.REVERSE_AND_START): S.PENDING_STOPPED,
    (S.ACTIVE, E.REVERSE_AND_PAUSE): S.PENDING_STOPPED,
    (S.PENDING_STOPPED, E.STOP): S.STOPPED,
    (S.STOPPED, E.BECOME_MIRROR): S.PENDING_SYNCHRONIZE,
    (S.PENDING_SYNCHRONIZE, E.SYNCHRONIZED): S.PENDING_MIRROR,
    (S.STOPPED, E.TRUNCATE_AND_RESTORE): S.PENDING_SETUP_FOR_RESTORE,
    (S.PENDING_SETUP_FOR_RESTORE, E.ENDS_COMPARED): S.PENDING_RESTORE,
    (S.PENDING_RESTORE, E.RESTORED): S.ACTIVE,
    **{(status, E.FAIL): S.FAILED for status in (S.ACTIVE, S.SOURCE_UNAVAILABLE, S.PENDING_MIRROR)},
    **{(status, E.LINK_PAUSED): S.LINK_PAUSED for status in (S.ACTIVE, S.PAUSED, S.SOURCE_UNAVAILABLE, S.LINK_FAILED)},
    (S.LINK_PAUSED, E.LINK_RESUMED): Before.STATE_BEFORE,
    (S.ACTIVE, E.LINK_UNAVAILABLE): S.SOURCE_UNAVAILABLE,
    (S.SOURCE_UNAVAILABLE, E.LINK_REACHED): S.ACTIVE,
    **{(status, E.LINK_FAILED): S.LINK_FAILED for status in (S.ACTIVE, S.PAUSED, S.SOURCE_UNAVAILABLE, S.LINK_PAUSED)},
    (S.LINK_FAILED, E.LINK_REPAIRED): Before.STATE_BEFORE,
}
"""(status, event) -> next status."""

ENTRIES: Mapping[Event, MirrorStatus] = {
    E.CREATE: S.PENDING_MIRROR,
    E.BECOME_MIRROR: S.PENDING_SYNCHRONIZE,
    E.TRUNCATE_AND_RESTORE: S.PENDING_SETUP_FOR_RESTORE,
}
"""How a topic that is no mirror becomes one: event -> first status."""

EXITS: Mapping[Event, tuple[MirrorStatus, ...]] = {E.TOPIC_DELETED: tuple(S), E.LINK_DELETED: (S.STOPPED,)}
"""How a mirror is forgotten: event -> the statuses it may have. (LINK-103: a forced delete fails over first.)"""

PENDING: Mapping[Event, PendingOperation] = {
    E.PROMOTE: P.PROMOTE,
    E.FAILOVER: P.FAILOVER,
    E.REVERSE_AND_START: P.REVERSE_AND_START,
    E.REVERSE_AND_PAUSE: P.REVERSE_AND_PAUSE,
    E.TRUNCATE_AND_RESTORE: P.TRUNCATE_AND_RESTORE,
}
"""The operation that a PENDING status serves after an event; repeating it while it runs changes nothing (MIRROR-54)."""

_AFTER_LINK: Mapping[tuple[LinkState, MirrorStatus], Event] = {
    (LinkState.ACTIVE, S.LINK_PAUSED): E.LINK_RESUMED,
    (LinkState.ACTIVE, S.SOURCE_UNAVAILABLE): E.LINK_REACHED,
    (LinkState.ACTIVE, S.LINK_FAILED): E.LINK_REPAIRED,
    (LinkState.UNAVAILABLE, S.ACTIVE): E.LINK_UNAVAILABLE,
    (LinkState.UNAVAILABLE, S.LINK_PAUSED): E.LINK_RESUMED,
    (LinkState.UNAVAILABLE, S.LINK_FAILED): E.LINK_REPAIRED,
    **{
        (LinkState.PAUSED, status): E.LINK_PAUSED
        for status in (S.ACTIVE, S.PAUSED, S.SOURCE_UNAVAILABLE, S.LINK_FAILED)
    },
    **{
        (LinkState.FAILED, status): E.LINK_FAILED
        for status in (S.ACTIVE, S.PAUSED, S.SOURCE_UNAVAILABLE, S.LINK_PAUSED)
    },
}


@dataclass(frozen=True)
class Change:
    """What happened to a mirror, for logs, metrics, audit and the status itself."""

    link: str
    mirror_topic: str
    event: Event
    previous: MirrorStatus
    current: MirrorStatus
    reason: str
    time_ms: int

    @property
    def is_change(self) -> bool:
        """False where an operation in progress was asked for once more (MIRROR-54)."""
        return self.previous is not self.current

    def __str__(self) -> str:
        arrow = f"{self.previous} -> {self.current}" if self.is_change else f"stays {self.current}"
        return f"link {self.link}, mirror {self.mirror_topic}: {arrow} ({self.event}: {self.reason})"


def advance(mirror: Mirror, event: Event, reason: str, time_ms: int) -> tuple[Mirror, Change]:
    """Give the mirror after an event, and the change; raises IllegalTransition (400) naming the present state.

    `status_time_ms` moves only when the status does (TERM-17). Reaching ACTIVE clears errors. `reason` becomes the
    error message of a FAIL; use `fail` to give its code as well.
    """
    if not is_legal(mirror, event):
        raise IllegalTransition(_refusal(mirror, event))
    target = _target(mirror, event)
    operation = PENDING.get(event)
    if operation is not None and operation is mirror.pending:
        return mirror, _change(mirror, event, mirror.status, reason, time_ms)
    after = replace(
        mirror,
        status=target,
        status_time_ms=mirror.status_time_ms if target is mirror.status else time_ms,
        pending=operation or (mirror.pending if target.name.startswith("PENDING") else None),
        resume_status=_resume(mirror, target),
        transition_errors=(),
        restore=mirror.restore if event is not E.FAILOVER or mirror.has_been_remade else None,
    )
    if target is S.ACTIVE:
        after = replace(after, error=MirrorError.NO_ERROR, error_message="")
    if target is S.FAILED:
        after = replace(after, error=MirrorError.UNKNOWN, error_message=reason)
    return after, _change(mirror, event, target, reason, time_ms)


def fail(mirror: Mirror, failure: MirrorFailure, time_ms: int) -> tuple[Mirror, Change]:
    """Stop a mirror that cannot be exact (I4): FAILED with the failure's code and message."""
    after, change = advance(mirror, E.FAIL, failure.message, time_ms)
    return replace(after, error=failure.code), change


def is_legal(mirror: Mirror, event: Event) -> bool:
    """Whether the table has the event for the mirror's state; repeating the operation that is running is legal too."""
    if PENDING.get(event, object()) is mirror.pending:
        return True
    if mirror.status is S.PENDING_STOPPED and event is E.FAILOVER:
        return mirror.pending in (None, P.PROMOTE)
    return (mirror.status, event) in TRANSITIONS


def after_link(mirror: Mirror, link_state: LinkState) -> Event | None:
    """Give the event by which a mirror follows its link's state, or None if it already does. Ask again until None."""
    return _AFTER_LINK.get((link_state, mirror.status))


def applies_to(event: Event) -> tuple[MirrorStatus, ...]:
    """The states in which an event is legal, in the order of spec 5.2."""
    return tuple(status for status in S if (status, event) in TRANSITIONS)


def _target(mirror: Mirror, event: Event) -> MirrorStatus:
    target = TRANSITIONS.get((mirror.status, event), mirror.status)
    if isinstance(target, Before):
        return mirror.resume_status or S.ACTIVE
    return target


def _resume(mirror: Mirror, target: MirrorStatus) -> MirrorStatus | None:
    """The state to come back to: what the mirror was, but a mirror out of its source's reach was meant to be ACTIVE."""
    if target not in (S.LINK_PAUSED, S.LINK_FAILED):
        return None
    if mirror.status in (S.LINK_PAUSED, S.LINK_FAILED):
        return mirror.resume_status
    return S.PAUSED if mirror.status is S.PAUSED else S.ACTIVE


def _refusal(mirror: Mirror, event: Event) -> str:
    if mirror.status is S.STOPPED and event in (E.PROMOTE, E.FAILOVER):
        return f"Topic '{mirror.mirror_topic}' has already stopped its mirror from '{mirror.link}'"
    name = event.value.lower().replace("_", "-")
    states = ", ".join(applies_to(event)) or "no mirror"
    if event is E.FAILOVER and (mirror.is_reversing or mirror.status is S.PENDING_SYNCHRONIZE):
        states += (
            f"; to {S.PENDING_STOPPED} only of a promote. A reverse goes on when the other side is there again; if it "
            "has gone for good, delete the link with force"
        )
    doing = f" (for {mirror.pending.value.lower().replace('_', '-')})" if mirror.pending else ""
    return (
        f"Topic '{mirror.mirror_topic}' of link '{mirror.link}' is {mirror.status}{doing}; {name} applies to: {states}."
    )


def _change(mirror: Mirror, event: Event, target: MirrorStatus, reason: str, time_ms: int) -> Change:
    return Change(mirror.link, mirror.mirror_topic, event, mirror.status, target, reason, time_ms)
