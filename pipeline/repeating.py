"""Libraries that say the same thing a hundred times a second while a cluster is away: once a minute is enough."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

QUIET_S = 60.0
MOST_TEXTS = 500
"""Kept at a time; texts that are never the same twice must not fill the memory."""


class OnceAMinute(logging.Filter):
    """Lets a text of certain loggers, and of those below them, pass once in QUIET_S; then it tells how often it came.

    For a handler: a filter of a logger does not see what the loggers below it say.
    """

    def __init__(self, names: tuple[str, ...], clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._heads = tuple(f"{name}." for name in names)
        self._clock = clock
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not f"{record.name}.".startswith(self._heads):
            return True
        text, now = record.getMessage(), self._clock()
        key = (record.name, text)
        shown_at, missed = self._seen.get(key, (-QUIET_S, 0))
        if now - shown_at < QUIET_S:
            self._seen[key] = (shown_at, missed + 1)
            return False
        if len(self._seen) >= MOST_TEXTS:
            self._seen.clear()
        self._seen[key] = (now, 0)
        if missed:
            record.msg, record.args = f"{text} ({missed:,} times more in the last {now - shown_at:.0f} s)", ()
        return True
