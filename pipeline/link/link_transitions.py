"""A link's life as one table (STATE-1..7).

Unlike a mirror's, a link's events are observations and settings, not requests: one that the table does not have for
the present state changes nothing. A paused link stays PAUSED whatever the probes find; the first probe after its
resumption tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipeline.link.models import Link
from pipeline.link.states import LinkErrorCode, LinkState, Word

S = LinkState


class LinkEvent(Word):
    """What can happen to a link."""

    REACHED = "REACHED"
    """A probe succeeded."""
    LOST = "LOST"
    """As many probes failed as the threshold says, or the credential was refused."""
    BROKEN = "BROKEN"
    """It cannot work without repair: wrong cluster id, unreadable secret or key file, corrupt configuration."""
    PAUSE = "PAUSE"
    RESUME = "RESUME"


E = LinkEvent

LINK_TRANSITIONS: Mapping[tuple[LinkState, LinkEvent], LinkState] = {
    (S.UNKNOWN, E.REACHED): S.ACTIVE,
    (S.UNAVAILABLE, E.REACHED): S.ACTIVE,
    (S.FAILED, E.REACHED): S.ACTIVE,
    (S.UNKNOWN, E.LOST): S.UNAVAILABLE,
    (S.ACTIVE, E.LOST): S.UNAVAILABLE,
    (S.FAILED, E.LOST): S.UNAVAILABLE,
    (S.UNKNOWN, E.BROKEN): S.FAILED,
    (S.ACTIVE, E.BROKEN): S.FAILED,
    (S.UNAVAILABLE, E.BROKEN): S.FAILED,
    (S.UNKNOWN, E.PAUSE): S.PAUSED,
    (S.ACTIVE, E.PAUSE): S.PAUSED,
    (S.UNAVAILABLE, E.PAUSE): S.PAUSED,
    (S.FAILED, E.PAUSE): S.PAUSED,
    (S.PAUSED, E.RESUME): S.ACTIVE,
}
"""(state, event) -> next state. FAILED goes to UNAVAILABLE when what was broken is repaired but nobody answers."""


@dataclass(frozen=True)
class LinkChange:
    """What happened to a link, for logs, metrics and audit (STATE-62)."""

    link: str
    event: LinkEvent
    previous: LinkState
    current: LinkState
    error: LinkErrorCode
    reason: str
    time_ms: int

    def __str__(self) -> str:
        return f"link {self.link}: {self.previous} -> {self.current} ({self.event}, {self.error}: {self.reason})"


def advance_link(
    link: Link, event: LinkEvent, reason: str, time_ms: int, error: LinkErrorCode = LinkErrorCode.NO_ERROR
) -> tuple[Link, LinkChange | None]:
    """Give the link after an event, and the change of state, None if the state stays.

    A state that stays may still change its reason (another error while UNAVAILABLE or FAILED): the link then carries
    the newest error and message, the time of the state stays.
    """
    target = LINK_TRANSITIONS.get((link.state, event))
    if target is None:
        if event in (E.LOST, E.BROKEN) and link.state in (S.UNAVAILABLE, S.FAILED):
            return replace(link, error=error, error_message=reason), None
        return link, None
    message = reason if error is not LinkErrorCode.NO_ERROR else ""
    after = replace(link, state=target, state_time_ms=time_ms, error=error, error_message=message)
    return after, LinkChange(link.name, event, link.state, target, error, reason, time_ms)
