"""What a link's leader does besides carrying out commands: each duty in a file of its own.

A duty may have a task of its own, in which it asks clusters for as long as that takes; what it finds it keeps, and the
leader collects it with `decide` between two commands. So nothing slow ever stands in the way of a command, and rows
are decided on by nobody but the leader's loop. A duty that comes to life on another worker starts from the rows alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.link.models import Link, Mirror

MOST_ROWS_AT_ONCE = 200
"""Mirrors decided on in one outcome, so that its record stays small; the next round takes the next."""
IDLE_S = 5.0


class Duty:
    """One concern of one link's leader. `wake` makes the leader collect soon."""

    def __init__(self, context: Context, link: str, wake: Callable[[], None]) -> None:
        self.context = context
        self.link = link
        self.wake = wake

    @property
    def name(self) -> str:
        """For logs."""
        return type(self).__name__

    async def run(self) -> None:
        """Work in the background until cancelled; a duty without anything slow to do returns."""

    def saw(self, table: str, key: str) -> None:
        """A row of the link has changed in the read model."""

    def decide(self, decision: Decision) -> None:
        """Put what has to change into the decision. Asked often: must be quick, and quiet when nothing is new."""

    def row(self) -> Link | None:
        """The link as it is now."""
        return self.context.model.links.get(self.link)

    def reachable(self) -> Link | None:
        """The link as it is now, for what needs the cluster at its other end: None where that is not reached from here
        (MODE-44).
        """
        link = self.row()
        return link if link is not None and self.context.reach.can(link) else None

    def mirrors(self) -> Iterator[Mirror]:
        """The link's mirrors as they are now."""
        return iter(self.context.model.mirrors_of(self.link))

    async def rows_change(self, within_s: float = IDLE_S) -> None:
        """Wait for a change among the link's rows, but not for ever."""
        await wait(self.context.model.changed(self.link), within_s)


async def wait(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event at most so long; whether it came."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
