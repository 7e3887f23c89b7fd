"""Channels of ticks, one for each task of the links (`pipeline/lifecycle/ticking.py`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import faust
from mode.utils.queues import FlowControlEvent, ThrowableQueue

from pipeline.app import app
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.link_task import LinkTask
from pipeline.lifecycle.ticking import TICKED, Tick, TickedTask
from pipeline.link.states import TaskName

MOST_WAITING_TICKS = 1_000


class TickChannel(faust.Channel[Any]):
    """A channel whose queues take no part in flow control: who has to tick is decided by who leads the link."""

    @property
    def queue(self) -> Any:
        if self._queue is None:
            free = FlowControlEvent(initially_suspended=False)
            self._queue = ThrowableQueue(maxsize=MOST_WAITING_TICKS, flow_control=free)
        return self._queue


def ticks_of(name: TaskName, make: Callable[[Context, str], LinkTask]) -> TickChannel:
    """The channel that gets the ticks of a task; `make` gives its cycles for a link."""
    channel = TickChannel(app)

    async def put(tick: Tick) -> None:
        await channel.put(tick)  # type: ignore[arg-type]  # a bare value is its own event

    TICKED[name] = TickedTask(make, put)
    return channel
