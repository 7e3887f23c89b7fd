"""A source partition's log made up by Hypothesis: every layout that a fetch can meet, and what a consumer sees of it.

Batches are plain, or of transactions that interleave, commit, abort or stay open; some carry the broker's time; a
cleaner may have taken out records, whole batches, and markers whose transaction has no data left, as Kafka's does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from pipeline.wire.batch import CONTROL, LOG_APPEND_TIME, TRANSACTIONAL, BatchHeader
from pipeline.wire.records import ControlType, Record

NO_PRODUCER = -1


@dataclass(frozen=True)
class Batch:
    """A batch with what is in it. `records` is what opening gives; a control batch's are not for consumers."""

    header: BatchHeader
    records: tuple[Record, ...]
    control: ControlType | None = None
    transaction: int = -1
    """Number of the transaction it belongs to, in the order of their beginning; -1: none."""


@dataclass(frozen=True)
class Transaction:
    producer_id: int
    first_offset: int
    last_offset: int = -1
    """Of its marker; -1 while it is open."""
    is_aborted: bool = False


@dataclass(frozen=True)
class SourceLog:
    batches: tuple[Batch, ...]
    transactions: tuple[Transaction, ...]
    log_start: int
    log_end: int

    @property
    def last_stable_offset(self) -> int:
        first_open = min([t.first_offset for t in self.transactions if t.last_offset < 0], default=self.log_end)
        return max(first_open, self.log_start)

    @property
    def visible(self) -> dict[int, Record]:
        """What read_committed consumers see, by offset."""
        return {
            record.offset: record
            for batch in self.batches
            if batch.control is None
            and batch.header.last_offset < self.last_stable_offset
            and not (batch.transaction >= 0 and self.transactions[batch.transaction].is_aborted)
            for record in batch.records
            if record.offset >= self.log_start
        }

    def fetch(self, offset: int, most: int) -> tuple[list[Batch], list[tuple[int, int]]]:
        """Up to `most` batches from the one that holds or follows `offset`, and the aborted transactions among them.

        A transaction is listed as long as its marker is there: the cleaner keeps the two together, and lets both go
        when no batch of the transaction is left (Kafka's CleanedTransactionMetadata). So its producer's later batches
        are never taken for aborted.
        """
        found = [
            batch
            for batch in self.batches
            if batch.header.last_offset >= offset and batch.header.last_offset < self.last_stable_offset
        ][:most]
        end = found[-1].header.next_offset if found else offset
        ended = {batch.header.base_offset for batch in self.batches if batch.control is not None and batch.header.count}
        aborted = [
            (t.producer_id, t.first_offset)
            for t in sorted(self.transactions, key=lambda t: t.last_offset)
            if t.is_aborted and t.last_offset in ended and t.last_offset >= offset and t.first_offset < end
        ]
        return found, aborted


class _Writer:
    """Appends to a log that is being made up."""

    def __init__(self, start: int) -> None:
        self.next_offset = start
        self.batches: list[Batch] = []
        self.transactions: list[Transaction] = []
        self.open: dict[int, int] = {}

    def append(
        self, *, count: int, codec: int, size: int, producer_id: int, is_transactional: bool, has_log_time: bool
    ) -> None:
        number = -1
        is_transactional &= producer_id != NO_PRODUCER
        if is_transactional:
            if producer_id not in self.open:
                self.open[producer_id] = len(self.transactions)
                self.transactions.append(Transaction(producer_id, self.next_offset))
            number = self.open[producer_id]
        elif producer_id in self.open:
            producer_id = NO_PRODUCER
        first = self.next_offset
        records = tuple(
            Record(offset, 1_000 if has_log_time else offset, b"key-%d" % (offset % 3), b"value-%d" % offset)
            for offset in range(first, first + count)
        )
        attributes = codec | (TRANSACTIONAL if is_transactional else 0) | (LOG_APPEND_TIME if has_log_time else 0)
        self._add(size, attributes, records, producer_id, transaction=number)

    def end(self, producer_id: int, aborts: bool) -> None:
        number = self.open.pop(producer_id, None)
        if number is not None:
            begun = self.transactions[number]
            self.transactions[number] = replace(begun, last_offset=self.next_offset, is_aborted=aborts)
        kind = ControlType.ABORT if aborts else ControlType.COMMIT
        marker = (Record(self.next_offset, 0, b"", b""),)
        of_batch = {} if number is None else {"transaction": number}
        self._add(78, CONTROL | TRANSACTIONAL, marker, producer_id, control=kind, **of_batch)

    def _add(self, size: int, attributes: int, records: tuple[Record, ...], producer_id: int, **of_batch: Any) -> None:
        count = len(records)
        position = sum(batch.header.size for batch in self.batches)
        header = BatchHeader(
            position, size, self.next_offset, 0, 2, 0, attributes, count - 1, 0, 0, producer_id, 0, 0, count
        )
        self.batches.append(Batch(header, records, **of_batch))
        self.next_offset += count


ACTIONS = st.lists(
    st.one_of(
        st.tuples(
            st.just("append"),
            st.fixed_dictionaries(
                {
                    "count": st.integers(1, 5),
                    "codec": st.sampled_from((0, 3, 3, 4)),
                    "size": st.sampled_from((80, 80, 200, 3_000, 20_000)),
                    "producer_id": st.sampled_from((NO_PRODUCER, 7, 8, 9)),
                    "is_transactional": st.booleans(),
                    "has_log_time": st.sampled_from((False, False, False, True)),
                }
            ),
        ),
        st.tuples(st.just("end"), st.sampled_from((7, 8, 9)), st.booleans()),
    ),
    min_size=1,
    max_size=25,
)


@st.composite
def source_logs(draw: st.DrawFn) -> SourceLog:
    """Any log."""
    writer = _Writer(draw(st.sampled_from((0, 10, 2**31 - 20, 2**40))))
    start = writer.next_offset
    for action in draw(ACTIONS):
        if action[0] == "append":
            writer.append(**action[1])
        else:
            writer.end(action[1], action[2])
    batches = writer.batches
    if draw(st.booleans()):
        batches = _cleaned(draw, writer)
    log_start = draw(st.sampled_from((start, start, draw(st.integers(start, writer.next_offset)))))
    kept = tuple(batch for batch in batches if batch.header.last_offset >= log_start)
    return SourceLog(kept, tuple(writer.transactions), log_start, writer.next_offset)


def _cleaned(draw: st.DrawFn, writer: _Writer) -> list[Batch]:
    """What a cleaner leaves: it may work up to the first open transaction, and keeps offsets and batch borders."""
    stable = min([t.first_offset for t in writer.transactions if t.last_offset < 0], default=writer.next_offset)
    removed = draw(st.sets(st.integers(writer.batches[0].header.base_offset, writer.next_offset - 1)))
    keeps_empty = draw(st.booleans())
    cleaned = []
    with_data = set()
    for batch in writer.batches:
        header = batch.header
        if header.last_offset >= stable or (batch.control is not None and batch.transaction in with_data):
            cleaned.append(batch)
            continue
        records = tuple(record for record in batch.records if record.offset not in removed)
        if records and batch.control is None:
            with_data.add(batch.transaction)
        if records or keeps_empty:
            cleaned.append(replace(batch, header=header._replace(count=len(records)), records=records))
    return cleaned
