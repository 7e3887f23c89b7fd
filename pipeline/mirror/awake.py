"""How old something is, for who may have been stopped meanwhile."""

from __future__ import annotations

import time


def seconds_awake() -> float:
    """A clock that also runs while the machine or the process is stopped: a zombie must see how old it is."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
