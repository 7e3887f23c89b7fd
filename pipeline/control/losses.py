"""What a mirror partition has lost stays in its position, whoever copies it next (MIRROR-14, I4).

A worker reports the ranges that it has seen deleted itself; a successor knows nothing of them. So the row keeps those
of the rows before it, for as long as it is of the same mirror topic.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Range = tuple[int, int]


def joined(ranges: Iterable[Range]) -> list[Range]:
    """The same offsets in order, ranges that touch or overlap made one."""
    found: list[Range] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    return found


def with_losses(row: Any, before: Any) -> Any:
    """A position's row with what was lost before it; a row that is none stays as it is."""
    try:
        if not before["lost"] or before["mirror_topic_id"] != row["mirror_topic_id"]:
            return row
        spans = [(int(first), int(last)) for first, last in (*before["lost"], *row["lost"])]
    except (TypeError, KeyError, ValueError):
        return row
    return {**row, "lost": [list(span) for span in joined(spans)]}
