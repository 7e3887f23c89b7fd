"""One thread's share of a verification: the consumers it owns, and how they go over one partition after the other."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace

from pipeline.verify import compacted, exact
from pipeline.verify.chunks import Chunk
from pipeline.verify.compacted import Pending, TooManyKeys
from pipeline.verify.errors import LogStartMoved
from pipeline.verify.ranges import blocks
from pipeline.verify.report import Difference, PartitionReport, Progress
from pipeline.verify.sides import Reader, Side

MOST_SHARES = 1024


@dataclass
class Totals:
    """What all lanes have done so far."""

    total_offsets: int = 0
    offsets: int = 0
    records: int = 0
    bytes: int = 0
    began: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, offsets: int, records: int, size: int) -> None:
        with self.lock:
            self.offsets += offsets
            self.records += records
            self.bytes += size

    def progress(self) -> Progress:
        return Progress(
            min(self.offsets, self.total_offsets),
            self.total_offsets,
            self.records,
            self.bytes,
            time.monotonic() - self.began,
        )


class Lane:
    """Three consumers: the source as read_committed, the mirror as read_uncommitted and as read_committed."""

    def __init__(
        self,
        source: Side,
        mirror: Side,
        *,
        sample: float,
        is_compacted: bool,
        totals: Totals,
        stop: threading.Event,
        committed_only: bool = False,
    ) -> None:
        self._sides = source, mirror
        self._sample, self._is_compacted, self._totals, self._stop = sample, is_compacted, totals, stop
        self._source = source.reader(committed=True, stop=stop.is_set)
        self._mirror = mirror.reader(committed=committed_only, stop=stop.is_set)
        self._stable = mirror.reader(committed=True, offsets_only=not is_compacted, stop=stop.is_set)
        self._records = self._bytes = self._at = 0

    def close(self) -> None:
        for reader in (self._source, self._mirror, self._stable):
            reader.close()

    def compare(self, plan: PartitionReport) -> PartitionReport:
        """Compare one partition's range. A difference already known from the bounds stays unless a record differs."""
        self._records = self._bytes = 0
        notes = list(plan.notes)
        found, explained = self._surviving(plan, notes)
        return replace(
            plan,
            records=self._records,
            bytes=self._bytes,
            explained_holes=explained,
            difference=found or plan.difference,
            notes=tuple(notes),
        )

    def _surviving(self, plan: PartitionReport, notes: list[str]) -> tuple[Difference | None, int]:
        """Compare the range, or what retention leaves of it while it is read."""
        first = plan.first
        while True:
            self._at = first
            try:
                return self._range(plan.partition, first, plan.end)
            except LogStartMoved:
                moved = max(side.bounds([plan.partition])[plan.partition].start for side in self._sides)
                if moved <= self._at:
                    raise
                first = min(moved, plan.end)
                notes.append(f"retention moved the log start to {moved}: offsets {self._at}..{first} not compared")

    def _range(self, partition: int, first: int, end: int) -> tuple[Difference | None, int]:
        explained = 0
        for start, stop in blocks(first, end, self._sample):
            self._skip_to(start)
            found: Difference | None
            if self._is_compacted:
                found, holes = self._compacted(partition, start, stop)
                explained += holes
            else:
                for reader in (self._source, self._mirror, self._stable):
                    reader.open(partition, start, stop)
                found = exact.compare(partition, self._source, self._mirror, self._stable, self._tally)
            if found:
                return found, explained
        self._skip_to(end)
        return None, explained

    def _compacted(self, partition: int, first: int, end: int) -> tuple[Difference | None, int]:
        """Both views of the mirror against the source, each as often as the number of keys makes necessary."""
        explained = 0
        for view, reader in ((exact.READ_UNCOMMITTED, self._mirror), (exact.READ_COMMITTED, self._stable)):
            shares = 1
            share = 0
            while share < shares:
                pending = Pending(share, shares)
                is_counted = view == exact.READ_UNCOMMITTED and share == 0
                try:
                    found = self._compacted_share(
                        partition, first, end, reader=reader, pending=pending, view=view, is_counted=is_counted
                    )
                except TooManyKeys:
                    if shares >= MOST_SHARES:
                        raise
                    share, shares = 0, shares * 4
                    continue
                if found:
                    return found, explained
                explained = max(explained, pending.explained)
                share += 1
        return None, explained

    def _compacted_share(
        self, partition: int, first: int, end: int, *, reader: Reader, pending: Pending, view: str, is_counted: bool
    ) -> Difference | None:
        self._source.open(partition, first, end)
        reader.open(partition, first, end)
        before = self._records, self._bytes
        found = compacted.compare(partition, self._source, reader, pending, self._tally)
        if not is_counted:
            self._records, self._bytes = before
        if found or self._sample < 1:
            return found
        latest: dict[bytes, tuple[int, bytes | None]] = {}
        for at_source in pending.sides_to_look_up():
            side = self._sides[0 if at_source else 1]
            bounds = side.bounds([partition])[partition]
            looking = self._source if at_source else reader
            looking.open(partition, bounds.start, bounds.stable_end)
            while (chunk := looking.chunk()) is not None:
                pending.look_up(at_source, chunk, latest)
        return pending.unexcused(partition, latest, view)

    def _tally(self, chunk: Chunk) -> None:
        if not chunk.offsets:
            return
        size = sum(map(len, filter(None, chunk.values))) + sum(map(len, filter(None, chunk.keys)))
        self._records += len(chunk)
        self._bytes += size
        last = chunk.offsets[-1] + 1
        self._totals.add(max(0, last - self._at), len(chunk), size)
        self._at = max(self._at, last)

    def _skip_to(self, offset: int) -> None:
        self._totals.add(max(0, offset - self._at), 0, 0)
        self._at = max(self._at, offset)
