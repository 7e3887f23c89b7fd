"""Give a mirror partition its start: filler up to the first mirrored offset, then DeleteRecords up to there
(MIRROR-64).

Filler are compressed batches of minimal records, millions of offsets a second; no consumer can have read them before
they are deleted again, because a mirror is offered as ACTIVE only after its seeding. The same way a mirror follows a
source whose retention was faster than it (MIRROR-14): the range is reported as lost, and the mirror's older part goes
too.
"""

from __future__ import annotations

from pipeline.mirror.appending import Appender
from pipeline.mirror.pieces import now_ms
from pipeline.wire.filler import filler_batch

FILLER_RECORDS = 200_000
FILLER_KEY = b"clusterlink-filler"
"""Compacted topics take no record without a key; the records are deleted before anyone can see them."""


async def seed(appender: Appender, start: int) -> None:
    """Bring a partition's log to begin at `start`, and to end there or later; may be repeated from any point."""
    if appender.next_offset < start or await appender.log_start() < start:
        await advance(appender, start)


async def advance(appender: Appender, start: int) -> None:
    """Fill up to `start` and delete everything below it."""
    timestamp = now_ms()
    while (at := appender.next_offset) < start:
        count = min(FILLER_RECORDS, start - at)
        await appender.data(at, count, lambda stamp, n=count: filler_batch(n, stamp, FILLER_KEY, timestamp), _nothing)  # type: ignore[misc]
    await appender.settled()
    await appender.delete_below(start)


def _nothing() -> None:
    pass
