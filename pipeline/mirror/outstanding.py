"""What this worker has sent to mirror partitions and has no answer for, whoever of its copiers sent it.

A copier that ends leaves what it has sent behind. The next one for the same partition reads the log's end only when all
of that is answered, or has failed: its mirror may be another one by then, with a source that is compacted now, say, so
that a marker of before and a record of now were meant for the same offset, which the append protocol cannot compare
(`append`, `gaps`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable

Place = tuple[str, int]


class Outstanding:
    """Counts requests by partition."""

    def __init__(self) -> None:
        self._count: Counter[Place] = Counter()
        self._fell = asyncio.Event()

    def sent(self, places: Iterable[Place]) -> None:
        """A request is about to leave that is for these partitions."""
        for place in places:
            self._count[place] += 1

    def settled(self, places: Iterable[Place]) -> None:
        """That request was answered, or will not be."""
        for place in places:
            self._count[place] -= 1
            if not self._count[place]:
                del self._count[place]
        fell, self._fell = self._fell, asyncio.Event()
        fell.set()

    async def none(self, place: Place) -> None:
        """Return once nothing is out for a partition."""
        while place in self._count:
            await self._fell.wait()
