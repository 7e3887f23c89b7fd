"""Tick the tasks of a link: one cycle at a time, an interval apart, on the worker that leads the link (TASK-53).

Each task is a Faust agent with a channel of ticks (`agents/offset_sync.py` and its likes), which says here what its
cycles are and where its ticks go. A cycle that takes longer than its interval is followed at once by the next, never
overlapped (TASK-19). A change of the link's state or of a property that the task reads makes a cycle due at once,
and so do errors of a cycle during which the link's properties changed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from pipeline.lifecycle.context import Context
from pipeline.lifecycle.duties import IDLE_S, Duty
from pipeline.lifecycle.link_task import LinkTask
from pipeline.link.states import TaskName


class Tick:
    """One cycle that is due. The agent begins it; whoever sent it waits until it has finished."""

    def __init__(self, task: LinkTask) -> None:
        self._work = task
        self._task: asyncio.Task[None] | None = None
        self._is_over = False
        self._finished = asyncio.Event()

    def begin(self) -> None:
        """Run the cycle beside the agent, which takes the ticks of other links meanwhile (I6)."""
        if not self._is_over:
            self._task = asyncio.create_task(self._work.run(), name=f"{self._work.name} {self._work.link}")
            self._task.add_done_callback(lambda _: self._finished.set())

    async def finished(self) -> None:
        """Wait for the end of the cycle; cancelled, the cycle is too, and it has ended when this returns."""
        try:
            await self._finished.wait()
        finally:
            self._is_over = True
            if self._task is not None:
                self._task.cancel()
                await asyncio.gather(self._task, return_exceptions=True)


class TickedTask(NamedTuple):
    """A task's cycles, and where its ticks go."""

    make: Callable[[Context, str], LinkTask]
    put: Callable[[Tick], Awaitable[object]]


TICKED: dict[TaskName, TickedTask] = {}
"""Filled by the agents when they are imported."""


class Ticking(Duty):
    """Ticks all tasks of one link."""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for ticked in TICKED.values():
                group.create_task(self._keep_ticking(ticked))

    async def _keep_ticking(self, ticked: TickedTask) -> None:
        task = ticked.make(self.context, self.link)
        while True:
            began, seen = time.monotonic(), task.watched()
            if seen is not None:
                tick = Tick(task)
                await ticked.put(tick)
                await tick.finished()
                if task.is_void:
                    continue
            while task.watched() == seen and (left := began + task.interval_s() - time.monotonic()) > 0:
                await self.rows_change(min(left, IDLE_S))
