"""Give a mirror partition its start: filler up to the first mirrored offset, then DeleteRecords up to there
(MIRROR-64).

Filler are compressed batches of minimal records, millions of offsets a second; no consumer can have read them before
they are deleted again, because a mirror is offered as ACTIVE only after its seeding. The same way a mirror follows a
source whose retention was faster than it (MIRROR-14): the range is reported as lost, and the mirror's older part goes
too. There a worker may die between the two and leave filler to be read; its successor sees it at the log's end.
"""

from __future__ import annotations

from functools import partial

from pipeline.mirror.appending import Appender
from pipeline.wire.batch import Stamp
from pipeline.wire.filler import filler_batch

FILLER_RECORDS = 200_000
FILLER_KEY = b"clusterlink-filler"
"""Compacted topics take no record without a key; the records are deleted before anyone can see them."""
FILLER_TIME_MS = 0
"""The same for every worker: what belongs at an offset is a function of the source alone, its time included. The answer
to a duplicate carries the first one's time, and another one than was sent would look like a broker that stamps records.
Old as it is, retention may delete filler before we do, which is where it goes anyway."""


async def seed(appender: Appender, start: int) -> None:
    """Bring a partition's log to begin at `start`, and to end there or later; may be repeated from any point."""
    if appender.next_offset < start or await appender.log_start() < start:
        await advance(appender, start)


async def advance(appender: Appender, start: int) -> None:
    """Fill up to `start` and delete everything below it."""
    while (at := appender.next_offset) < start:
        count = min(FILLER_RECORDS, start - at)
        await appender.data(at, count, partial(_filler, count), _nothing)
    await appender.settled()
    await appender.delete_below(start)


async def is_left_filled(appender: Appender) -> bool:
    """Whether the log ends with filler that whoever wrote it did not come to delete."""
    header = appender.found_at_end
    if header is None or header.max_timestamp != FILLER_TIME_MS:
        return False
    found = await appender.last_record()
    return found is not None and found[0][1:4] == (FILLER_TIME_MS, FILLER_KEY, None)


def _filler(records: int, stamp: Stamp) -> bytes:
    return filler_batch(records, stamp, FILLER_KEY, FILLER_TIME_MS)


def _nothing() -> None:
    pass
