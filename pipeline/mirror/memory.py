"""The bound on fetched records a worker holds (invariant I5): whoever fetches takes a share first and gives it back.

Shares are handed out in the order in which they are asked for, so no link starves another. Partitions whose broker
takes nothing must not starve the others either (I6): one partition holds, and one fetch asks for, at most half of what
is free (`allowance`); once half of all is taken, a partition gets more only when it holds nothing
(`partition_allowance`: whole batches come, however small the half is); and when somebody has to wait, slow partitions
forget what they have not begun to write (`lenders`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

LEAST = 64 << 10
"""Bytes; less than this is not worth a request. One batch comes whole, however large (LINK-60)."""
ASK_AGAIN_S = 0.1


class MemoryBudget:
    """`limit` bytes shared by all fetchers of a worker."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self.most_used = 0
        self.lenders: list[Callable[[], None]] = []
        """Asked, again and again while somebody waits, to give back what can be had again."""
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def allowance(self) -> int:
        """Bytes that one fetch may ask for now; never less than `LEAST`."""
        return max(LEAST, (self.limit - self.used) // 2)

    @property
    def partition_allowance(self) -> int:
        """Bytes that one partition may hold now and still be read; 0 once half of the budget is taken."""
        return self.allowance if 2 * self.used <= self.limit else 0

    @property
    def slice_allowance(self) -> int:
        """Bytes of one partition in one fetch: what is being written stays held, however slow its broker is."""
        return max(LEAST, self.allowance // 8)

    def add(self, size: int) -> Share:
        """A share of bytes that are there already, as a part of somebody's share that leaves it; does not wait."""
        self._use(size)
        return Share(self, size)

    async def take(self, size: int) -> Share:
        """Return a share of `size` bytes (at most the whole budget), once there is room."""
        size = min(size, self.limit)
        if self._waiting or self.used + size > self.limit:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((size, turn))
            try:
                while not turn.done():
                    for ask in self.lenders:
                        ask()
                    await asyncio.wait([turn], timeout=ASK_AGAIN_S)
            except asyncio.CancelledError:
                if turn.done():
                    self.give_back(size)
                turn.cancel()  # where its time has not come, it leaves the line
                self.give_back(0)  # and there may be room for the one behind it
                raise
            return Share(self, size)
        self._use(size)
        return Share(self, size)

    def give_back(self, size: int) -> None:
        """Return `size` bytes and let the next in line have its share."""
        self.used -= size
        while self._waiting:
            wanted, turn = self._waiting[0]
            if turn.done():
                self._waiting.popleft()
            elif self.used + wanted <= self.limit:
                self._waiting.popleft()
                self._use(wanted)
                turn.set_result(None)
            else:
                return

    def _use(self, size: int) -> None:
        self.used += size
        self.most_used = max(self.most_used, self.used)


class Share:
    """Bytes taken from the budget, held by one or more slices of the same response; given back with the last."""

    def __init__(self, budget: MemoryBudget, size: int) -> None:
        self._budget = budget
        self._size = size
        self._holders = 1

    def resize(self, size: int) -> None:
        """Set the share to what a response really takes; one large batch may exceed what was asked for (LINK-60)."""
        change, self._size = size - self._size, size
        if change > 0:
            self._budget._use(change)
        elif change:
            self._budget.give_back(-change)

    def of_a_copy(self, size: int) -> Share:
        """Another share of the same budget, for bytes that were copied out of this one's."""
        return self._budget.add(size)

    def hold(self) -> None:
        """One more slice keeps the response's bytes alive."""
        self._holders += 1

    def release(self) -> None:
        """A holder is done; the last one gives the bytes back."""
        self._holders -= 1
        if self._holders == 0:
            self._budget.give_back(self._size)
            self._size = 0
