"""The bandwidth cap of a link on this worker (LINK-44): fetch first, then wait until the bytes are paid for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class Throttle:
    """A bucket that fills with `rate()` bytes a second and may be overdrawn by one response; -1 is no limit."""

    def __init__(self, rate: Callable[[], int], clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._debt = 0.0
        self._since = clock()

    def spend(self, size: int) -> None:
        """Bytes were received."""
        self._settle()
        self._debt += size

    async def wait(self) -> None:
        """Wait until everything spent is paid for; the rate may change meanwhile."""
        while (seconds := self.seconds_left()) > 0:
            await asyncio.sleep(min(seconds, 1.0))

    def seconds_left(self) -> float:
        """How long the next fetch has to wait at the present rate."""
        self._settle()
        rate = self._rate()
        return self._debt / rate if rate > 0 else 0.0

    def _settle(self) -> None:
        now, rate = self._clock(), self._rate()
        earned = (now - self._since) * rate if rate > 0 else self._debt
        self._since = now
        self._debt = max(0.0, self._debt - earned)
