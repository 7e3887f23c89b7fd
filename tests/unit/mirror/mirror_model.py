"""A mirror partition that carries out plans as an engine would, and refuses what a broker would refuse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.mirror import gaps
from pipeline.mirror.gaps import Filler, Hole
from pipeline.mirror.plan import Fill, Pass, Plan, Rewrite
from pipeline.wire.records import Record
from tests.unit.mirror.source_model import Batch

MARKER = None
MOST_RECORDS = 3
LOST_MARKERS_MAX = 4


class MirrorLog:
    """What lies at each offset: a record, or MARKER. `log_start` moves where lost ranges are discarded."""

    def __init__(self, next_offset: int, fills_with_records: bool, source_start: int = 0) -> None:
        self._source_start = source_start
        self.log_start = next_offset
        self.next_offset = next_offset
        self.content: dict[int, Record | None] = {}
        self.lost: list[tuple[int, int]] = []
        self._fills_with_records = fills_with_records

    def carry_out(self, plan: Plan, batches: Sequence[Batch]) -> None:
        """Do every step; the plan must begin at the log's end and cover each offset once."""
        opened = {batch.header: batch.records for batch in batches}
        for step in plan.steps:
            assert step.first_offset == self.next_offset
            match step:
                case Pass(header):
                    assert header.is_dense and not header.is_control and not header.is_log_append_time
                    self._append(opened[header])
                case Rewrite(headers, first, last):
                    records = [record for header in headers for record in opened[header]]
                    self._rewrite(records, first, last)
                case Fill():
                    self._fill(step, opened[step.near] if step.near is not None else ())
            assert step.last_offset == self.next_offset - 1
        assert plan.next_offset == self.next_offset

    def _rewrite(self, records: Sequence[Record], first: int, last: int) -> None:
        if self._fills_with_records:
            for run in gaps.close_gaps(records, first, last, MOST_RECORDS, log_start=self._source_start):
                self._append(run)
            return
        for part in gaps.divide(records, first, last, MOST_RECORDS):
            if isinstance(part, Hole):
                self._mark(part.count)
            else:
                self._append(part)

    def _fill(self, step: Fill, near: Sequence[Record]) -> None:
        if step.lost:
            self.lost.append((step.first_offset, step.last_offset))
        how = gaps.filler(step, fills_with_records=self._fills_with_records, lost_markers_max=LOST_MARKERS_MAX)
        if how is Filler.MARKERS:
            self._mark(step.count)
            return
        live = gaps.nearest(near, step, log_start=self._source_start) if near else self._last_record()
        for run in gaps.repeat(live, step.first_offset, step.last_offset, MOST_RECORDS):
            self._append(run)
        if how is Filler.DISCARDED:
            self.log_start = step.last_offset + 1
            self.content = {offset: found for offset, found in self.content.items() if offset >= self.log_start}

    def _last_record(self) -> Record:
        """Where a slice has nothing live: the mirror's own last record, or anything if it has none."""
        records = [found for found in self.content.values() if found is not None]
        return records[-1] if records else Record(0, 0, b"filler", None)

    def _append(self, records: Iterable[Record]) -> None:
        for record in records:
            assert record.offset == self.next_offset
            self.content[record.offset] = record
            self.next_offset += 1

    def _mark(self, count: int) -> None:
        for _ in range(count):
            self.content[self.next_offset] = MARKER
            self.next_offset += 1
