"""Carry out the steps of a plan: which bytes an append gets, and which gaps become markers or records (see `gaps`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from pipeline.mirror import gaps
from pipeline.mirror.appending import Appender
from pipeline.mirror.gaps import Filler, Hole
from pipeline.mirror.pieces import Piece
from pipeline.mirror.plan import Fill, Pass, Policy, Rewrite, Step
from pipeline.mirror.slices import Slice
from pipeline.wire.batch import BatchHeader, Stamp, restamp_head
from pipeline.wire.coalescing import coalesce
from pipeline.wire.plain_batches import PlainBatches
from pipeline.wire.records import Record, close_batch, open_batch
from pipeline.wire.requests.codec import Batch

REPEATED_RECORDS = 10_000


@dataclass(eq=False, slots=True)
class LastLive:
    """The last record of a compacted mirror partition, for gaps that end a slice."""

    record: Record | None = None
    codec: int = 0

    def remember(self, steps: Sequence[Step], records: memoryview) -> None:
        """Take the last record of the last batch that these steps have written."""
        for step in reversed(steps):
            if not isinstance(step, Fill):
                header = step.header if isinstance(step, Pass) else step.headers[-1]
                self.record, self.codec = open_batch(records, header)[-1], header.codec
                return


class SliceWriter:
    """Writes one slice; calls `done` with it once every append made of it is settled."""

    def __init__(
        self,
        piece: Piece,
        appender: Appender,
        fetched: Slice,
        policy: Policy,
        *,
        done: Callable[[Slice], None],
        last: LastLive,
    ) -> None:
        self._piece = piece
        self._appender = appender
        self._fetched = fetched
        self._policy = policy
        self._done = done
        self._last = last
        self._open = 1
        self.waits_for = ""
        """Why the slice's last gap could not be filled yet, in words."""

    async def carry_out(self, step: Step) -> None:
        """Do one step; raises what `Appender` raises, and CorruptBatch for records that are not what they claim."""
        if isinstance(step, Pass):
            header = step.header
            await self._append(header.base_offset, header.count, partial(restamp_head, self._fetched.records, header))
        elif isinstance(step, Rewrite):
            await self._rewrite(step)
        else:
            await self._fill(step)

    def handed_over(self) -> None:
        """No further step follows; the slice is done when its last append is."""
        self._settle()

    async def _rewrite(self, step: Rewrite) -> None:
        if _is_joinable(step):
            count = step.last_offset - step.first_offset + 1
            await self._append(step.first_offset, count, partial(coalesce, self._fetched.records, step.headers))
            return
        records = [record for header in step.headers for record in open_batch(self._fetched.records, header)]
        first, last = step.first_offset, step.last_offset
        most, most_bytes = self._policy.rewrite_records, self._policy.rewrite_bytes
        if self._policy.fills_with_records:
            log_start = self._fetched.log_start_offset
            for run in gaps.close_gaps(records, first, last, most, most_bytes, log_start=log_start):
                await self._append_run(run, step.codec)
            return
        for part in gaps.divide(records, first, last, most, most_bytes):
            if isinstance(part, Hole):
                await self._appender.markers(part.first_offset, part.last_offset)
            else:
                await self._append_run(part, step.codec)

    async def _fill(self, step: Fill) -> None:
        way = gaps.filler(step, fills_with_records=self._policy.fills_with_records, lost_markers_max=0)
        if way is Filler.MARKERS:
            await self._appender.markers(step.first_offset, step.last_offset)
        elif way is Filler.RECORDS:
            await self._repeat(step)
        else:
            raise ValueError(f"{self._piece}: lost ranges are not a slice's to fill: {step}")

    async def _repeat(self, step: Fill) -> None:
        """Close a gap of a compacted topic with copies of a live record: of this slice, or the last one before it.

        Where there is none and cannot be one made, the gap waits: the next slice's plan has it again.
        """
        if step.near is not None:
            live, codec = self._near(step.near, step), step.near.codec
        else:
            if self._last.record is None:
                await self._find_last(step)
            if self._last.record is None:
                self.waits_for = f"a record: nothing is left of offsets {step.first_offset} to {step.last_offset}"
                return
            live, codec = gaps.alive(self._last.record, self._fetched.log_start_offset), self._last.codec
        for run in gaps.repeat(live, step.first_offset, step.last_offset, REPEATED_RECORDS):
            await self._append_run(run, codec)

    def _near(self, header: BatchHeader, step: Fill) -> Record:
        """The live record to fill a gap with: never one that the source has deleted."""
        records = open_batch(self._fetched.records, header)
        return gaps.nearest(records, step, log_start=self._fetched.log_start_offset)

    async def _find_last(self, step: Fill) -> None:
        """A worker that has just begun: the mirror's own last record, or a tombstone where it holds none at all."""
        found = await self._appender.last_record()
        if found is None and await self._appender.log_start() >= self._appender.next_offset:
            found = self._unseen(step)
        if found is not None:
            self._last.record, self._last.codec = found

    def _unseen(self, step: Fill) -> tuple[Record, int] | None:
        """Made of the gap's own data, which is aborted: all that could be seen of the slice would be `step.near`."""
        for header in self._fetched.headers:
            is_within = step.first_offset <= header.last_offset and header.base_offset <= step.last_offset
            if is_within and not header.is_control:
                record = gaps.unseen(open_batch(self._fetched.records, header))
                if record is not None:
                    return record, header.codec
        return None

    async def _append_run(self, run: Sequence[Record], codec: int) -> None:
        await self._append(run[0].offset, len(run), lambda stamp: close_batch(run, codec, stamp))

    async def _append(self, first_offset: int, count: int, batch: Callable[[Stamp], Batch]) -> None:
        self._open += 1
        try:
            await self._appender.data(first_offset, count, batch, self._settle)
        except BaseException:
            self._open -= 1
            raise

    def _settle(self) -> None:
        self._open -= 1
        if self._open == 0:
            self._done(self._fetched)


def _is_joinable(step: Rewrite) -> bool:
    """Whether the batches can be joined without opening their records: all whole, none cut, no hole."""
    if isinstance(step.headers, PlainBatches) and step.headers.first_offset == step.first_offset:
        return True
    expected = step.first_offset
    for header in step.headers:
        if not header.is_dense or header.base_offset != expected:
            return False
        expected = header.next_offset
    return True
