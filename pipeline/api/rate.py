"""A token bucket per caller, so that one script cannot keep a worker busy (REST-81)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

_MOST_CALLERS = 10_000


@dataclass
class RateLimit:
    """`per_second` requests on average and `burst` at once for each caller; per_second = 0 turns the limit off."""

    per_second: float = 0
    burst: int = 100
    clock: Callable[[], float] = time.monotonic
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait(self, caller: str) -> float:
        """Take one token for the caller: 0 if there was one, else the seconds until the next one comes."""
        if self.per_second <= 0:
            return 0.0
        now = self.clock()
        tokens, seen = self._buckets.pop(caller, (float(self.burst), now))
        tokens = min(float(self.burst), tokens + (now - seen) * self.per_second)
        while len(self._buckets) >= _MOST_CALLERS:
            del self._buckets[next(iter(self._buckets))]
        short = max(0.0, 1.0 - tokens)
        self._buckets[caller] = (tokens if short else tokens - 1.0, now)
        return short / self.per_second
