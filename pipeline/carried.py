"""Links of partners that cannot dial, carried by the workers of the side that does (MODE-3, MODE-6, MODE-43).

Each link of the own cluster that dials for a partner has a `CarriedLink`, which begins with the link and ends with it.
Which of a group of workers leads the partner's link, and which copies which of its partitions, goes by their own
assignment, as for links of their own; leaders and copiers of both clusters may overlap for a moment, as all do (I3).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from functools import partial

from pipeline.carried_link import CarriedLink
from pipeline.control.reach import dials_for_partner
from pipeline.lifecycle.context import Context
from pipeline.mirror.memory import MemoryBudget
from pipeline.mirror.slices import SliceSink
from pipeline.settings import WorkerSettings
from pipeline.side import Side


class CarriedLinks:
    """All that one worker carries. `context` is that of its own cluster."""

    def __init__(
        self,
        settings: WorkerSettings,
        context: Context,
        budget: MemoryBudget,
        open_sink: Callable[[str], SliceSink],
        has_ended: Callable[[], None],
    ) -> None:
        """`has_ended` is called when a link that went has been left: one of its name may be waiting (`adjust`)."""
        self._has_ended = has_ended
        self._context = context
        self._carry = partial(CarriedLink, settings, context, budget, open_sink)
        self._running: dict[str, tuple[CarriedLink, asyncio.Task[None]]] = {}
        self._ending: dict[str, asyncio.Task[None]] = {}

    @property
    def sides(self) -> list[Side]:
        """Those at work now."""
        return [carried.side for carried, _ in self._running.values() if carried.side is not None]

    def adjust(self, owned: Collection[int]) -> None:
        """Begin and end with links as they come and go, and give each the worker's partitions."""
        wanted = {link.name for link in self._context.model.links.values() if dials_for_partner(link)}
        for name in set(self._running) - wanted:
            self._end(name)
        self._ending = {name: task for name, task in self._ending.items() if not task.done()}
        for name in wanted - set(self._ending):
            if name not in self._running:
                carried = self._carry(name)
                self._running[name] = carried, asyncio.create_task(carried.run(), name=f"carry {name}")
            self._running[name][0].own(owned)

    async def stop(self) -> None:
        """End with all of them."""
        for name in list(self._running):
            self._end(name)
        await asyncio.gather(*self._ending.values(), return_exceptions=True)

    def _end(self, name: str) -> None:
        """Not waited for: a cluster that does not answer holds up the end, and nothing else (I6)."""
        _, task = self._running.pop(name)
        task.cancel()
        self._ending[name] = task
        task.add_done_callback(lambda _: self._has_ended())
