"""Which answered commands are forgotten. Pure.

A command's row is what makes a repeated record harmless (CLI-65), so it is kept as long as the record itself may be
read again from the commands topic: a week. Where commands come by the thousand, the newest are kept, but never less
than an hour's.
"""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.control.read_model import Request
from pipeline.control.topics import WEEK_MS

KEPT_MS = WEEK_MS
ALWAYS_KEPT_MS = 3_600_000
MOST_KEPT = 10_000
"""Answered commands of one partition of the commands topic."""
MOST_AT_ONCE = 500


def prunable(requests: Iterable[Request], partition: int, now_ms: int) -> list[str]:
    """Ids of answered commands of one partition to forget now, the oldest first."""
    ages = sorted(
        (int(request.result.get("time_ms", 0)), request.id)
        for request in requests
        if request.result is not None and request.partition == partition
    )
    surplus = len(ages) - MOST_KEPT
    return [
        command_id
        for place, (answered_ms, command_id) in enumerate(ages)
        if answered_ms < now_ms - KEPT_MS or (place < surplus and answered_ms < now_ms - ALWAYS_KEPT_MS)
    ][:MOST_AT_ONCE]
