"""The wall clock, as rows and results carry it."""

from __future__ import annotations

import time


def now_ms() -> int:
    """Epoch milliseconds."""
    return int(time.time() * 1000)
