"""Python's cycle collector runs once in 700 new objects: for a stream of records that was a third of the whole time."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLD = 200_000
_lock = threading.Lock()
_users = 0
_before = gc.get_threshold()


@contextmanager
def rarer_collections() -> Iterator[None]:
    """Let the collector run rarely meanwhile; records hold no cycles. Verifications at the same time share it."""
    global _users, _before  # noqa: PLW0603
    with _lock:
        if _users == 0:
            _before = gc.get_threshold()
            gc.set_threshold(THRESHOLD, *_before[1:])
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                gc.set_threshold(*_before)
