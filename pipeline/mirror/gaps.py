"""How gaps are filled, and opened batches divided at them.

A gap is an offset of the source that no consumer sees: a transaction marker, aborted data, a record that compaction has
removed, a part of the log that retention has deleted. The mirror must have *something* at it, or offsets would shift.

What that is must not depend on when one looks. Two workers may write to a partition at once, and the append protocol
refuses the second of two markers and the second of two batches, but it cannot compare a marker with a batch (`append`).
In a compacted topic a record becomes a hole, and so do markers and aborted data, so a worker that has read the log
earlier may have a record (or a marker) on its way to an offset where a later one sees a hole. Therefore one kind of
filling for the whole topic:

    topic                  gaps become      because
    not compacted          ABORT markers    what is a gap has always been one; nobody sees a marker (I2)
    compacted              records          every write is data then, and data is compared with data: always safe

The record is a copy of the next live one, or of the one before where there is none behind: the last that this worker
has written, or the one that ends the mirror's log. Whoever reads a compacted topic takes the latest value of each key,
and neither copy changes it; compaction removes the copies. It is the faster way too: no marker, so no claim and nothing
to wait for, and holes are closed while a batch is open anyway. Where the log holds no live record at all and the mirror
none either, the gap is aborted data: it takes tombstones of a key of that data, which delete nothing (`unseen`).

Lost ranges (MIRROR-14) are filled with records too, whatever the topic: a record that another worker has read in time
may still arrive, and then one of the two is refused. They are below the log's start at once (`seeding.advance`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from pipeline.mirror.plan import Fill
from pipeline.wire.records import Record

RUN_BYTES = 262_144
"""Most bytes of records in one run, before compression: copies of a large record must not fill the memory (I5)."""


class Filler(Enum):
    """What to write into a gap."""

    MARKERS = auto()
    """One ABORT marker an offset."""
    RECORDS = auto()
    """Copies of a live record of `Fill.near`; without one, of the mirror's own last record, else tombstones
    (`unseen`)."""
    DISCARDED = auto()
    """Any records; DeleteRecords up to the end of the gap at once. Only for lost ranges: the source's log begins there
    too. What the mirror still has below it goes as well: report it."""


@dataclass(frozen=True, slots=True)
class Hole:
    """Offsets of an opened batch without a record."""

    first_offset: int
    last_offset: int

    @property
    def count(self) -> int:
        return self.last_offset - self.first_offset + 1


def is_compacted(cleanup_policy: str) -> bool:
    """Whether records may vanish from the middle of the source: `compact`, alone or with `delete`."""
    return "compact" in {word.strip() for word in cleanup_policy.split(",")}


def filler(gap: Fill | Hole, *, fills_with_records: bool, lost_markers_max: int) -> Filler:
    """What to fill a gap with. `lost_markers_max`: longest lost range that is worth one marker an offset."""
    if isinstance(gap, Fill) and gap.lost and gap.count > lost_markers_max:
        return Filler.DISCARDED
    return Filler.RECORDS if fills_with_records else Filler.MARKERS


def divide(
    records: Iterable[Record], first_offset: int, last_offset: int, most: int, most_bytes: int = RUN_BYTES
) -> Iterator[list[Record] | Hole]:
    """Divide opened batches into runs of consecutive offsets and the holes between them.

    A run has at most `most` records and, unless it is one record, `most_bytes` of them. Covers exactly first_offset ..
    last_offset; records before it are left out. Raises ValueError for records that are not in order, or beyond it.
    """
    expected = first_offset
    run = _Run(most, most_bytes)
    for record in _in_range(records, first_offset, last_offset):
        size = _size(record)
        if record.offset != expected or not run.has_room(size):
            if run.records:
                yield run.take()
            if record.offset > expected:
                yield Hole(expected, record.offset - 1)
        run.add(record, size)
        expected = record.offset + 1
    if run.records:
        yield run.take()
    if expected <= last_offset:
        yield Hole(expected, last_offset)


def close_gaps(
    records: Sequence[Record],
    first_offset: int,
    last_offset: int,
    most: int,
    most_bytes: int = RUN_BYTES,
    *,
    log_start: int = 0,
) -> Iterator[list[Record]]:
    """The same with copies of live records in the holes, so that there are runs only.

    A hole takes the next live record; where there is none, the one before it, which may lie before `first_offset`. If
    that was deleted at the source (it lies below `log_start`), its copies are tombstones: they must not bring it back.
    Raises ValueError as `divide`, and when there are no records at all.
    """
    if not records:
        raise ValueError(f"no record to fill {first_offset}..{last_offset} with")
    run = _Run(most, most_bytes)
    expected = first_offset
    for live in (*_in_range(records, first_offset, last_offset), None):
        copied = alive(records[-1], log_start) if live is None else live
        until = last_offset if live is None else live.offset
        content, size = copied[1:], _size(copied)
        for offset in range(expected, until + 1):
            if not run.has_room(size):
                yield run.take()
            run.add(copied if offset == copied.offset else Record(offset, *content), size)
        expected = until + 1
    if run.records:
        yield run.take()


def repeat(
    live: Record, first_offset: int, last_offset: int, most: int, most_bytes: int = RUN_BYTES
) -> Iterator[list[Record]]:
    """Copies of a live record for a gap between batches, in runs as `divide`'s."""
    count = max(min(most, most_bytes // _size(live)), 1)
    for first in range(first_offset, last_offset + 1, count):
        yield [live._replace(offset=offset) for offset in range(first, min(first + count, last_offset + 1))]


def nearest(records: Sequence[Record], gap: Fill, *, log_start: int = 0) -> Record:
    """Of the records of the opened `gap.near`: the first one behind the gap, else the last one (`close_gaps`)."""
    behind = next((record for record in records if record.offset > gap.last_offset), None)
    return alive(records[-1], log_start) if behind is None else behind


def alive(record: Record, log_start: int) -> Record:
    """The record to copy; where the source has deleted it, its tombstone: copies must not bring it back."""
    return record if record.offset >= log_start else record._replace(value=None)


def unseen(records: Iterable[Record]) -> Record | None:
    """A tombstone for a gap in a log without a live record, made of the gap's aborted records; None without a key."""
    found = next((record for record in records if record.key is not None), None)
    return None if found is None else found._replace(value=None, headers=())


class _Run:
    """Records for one batch, as many as fit."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self.records: list[Record] = []
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0

    def has_room(self, size: int) -> bool:
        """For a record of so many bytes."""
        return not self.records or (len(self.records) < self._most and self._bytes + size <= self._most_bytes)

    def add(self, record: Record, size: int) -> None:
        self.records.append(record)
        self._bytes += size

    def take(self) -> list[Record]:
        records, self.records, self._bytes = self.records, [], 0
        return records


def _size(record: Record) -> int:
    """About what a record takes in a batch that is not compressed."""
    headers = sum(len(name) + len(value or b"") + 4 for name, value in record.headers) if record.headers else 0
    return 16 + len(record.key or b"") + len(record.value or b"") + headers


def _in_range(records: Iterable[Record], first_offset: int, last_offset: int) -> Iterator[Record]:
    reached = -1
    for record in records:
        if record.offset <= reached or record.offset > last_offset:
            raise ValueError(f"record at offset {record.offset} after {reached}, in {first_offset}..{last_offset}")
        reached = record.offset
        if record.offset >= first_offset:
            yield record
