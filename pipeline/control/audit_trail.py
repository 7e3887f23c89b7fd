"""The latest lines of the audit log in memory, for people to look at; the log itself is the topic (SEC-36)."""

from __future__ import annotations

import json
import logging
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Any

log = logging.getLogger(__name__)
LINES_KEPT = 200
"""Per link, and over all links."""
MOST_LINKS = 500


class Trail:
    """Lines as `auditing.audit_record` made them, newest first. Bounded, whatever names a bad record may bring."""

    def __init__(self) -> None:
        self._of: dict[str, deque[Mapping[str, Any]]] = defaultdict(lambda: deque(maxlen=LINES_KEPT))
        self._all: deque[Mapping[str, Any]] = deque(maxlen=LINES_KEPT)

    def add(self, raw: bytes) -> None:
        """Take over one record of the audit topic; what is no line of ours is left out."""
        try:
            line = json.loads(raw)
            link = str(line["link"])
        except (ValueError, KeyError, TypeError):
            log.info("Left out a record of the audit topic that is no audit line")
            return
        while len(self._of) >= MOST_LINKS and link not in self._of:
            del self._of[next(iter(self._of))]
        self._of[link].append(line)
        self._all.append(line)

    def latest(self, link: str | None = None) -> list[Mapping[str, Any]]:
        """Lines of one link, or of all, newest first."""
        lines = self._all if link is None else self._of.get(link, ())
        return sorted(lines, key=_when, reverse=True)


def _when(line: Mapping[str, Any]) -> int:
    time_ms = line.get("time_ms")
    return time_ms if isinstance(time_ms, int) else 0
