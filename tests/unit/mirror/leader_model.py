"""A partition leader as far as producer ids go, after Kafka's ProducerStateManager, ProducerAppendInfo and UnifiedLog.

Appends and markers are judged one after the other, as the broker does under the log's lock. The log remembers of each
offset what was put there: the source offset of a record, or MARKER. The last batches are remembered per producer id, as
in ProducerStateEntry. Followers have the log up to the high watermark; `fail_over` makes one of them the leader.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from pipeline.mirror.readings import ProducerState, Reading

MARKER = -1
BATCHES_REMEMBERED = 5
SEQUENCES = 2**31
OUT_OF_ORDER, FENCED, COORDINATOR_FENCED, NOT_ENOUGH_REPLICAS = 45, 47, 52, 19


class Remembered(NamedTuple):
    """A leader's entry for one producer id; `batches` are (first sequence, last sequence, base offset)."""

    epoch: int
    coordinator_epoch: int
    batches: tuple[tuple[int, int, int], ...]

    @property
    def last_sequence(self) -> int:
        return self.batches[-1][1] if self.batches else -1


class Leader:
    """One partition whose log begins at `start`; `checks_sequences` off makes a broken broker of it."""

    def __init__(self, start: int, *, checks_sequences: bool = True) -> None:
        self.start = start
        self.log: list[int] = []
        self.high_watermark = start
        self.states: dict[int, Remembered] = {}
        self.refusals: dict[int, int] = {}
        self._checks_sequences = checks_sequences
        self._points = [(start, self.states)]

    @property
    def log_end(self) -> int:
        return self.start + len(self.log)

    def remember(self, producer_id: int, epoch: int, last_sequence: int, coordinator_epoch: int) -> None:
        """Begin with a producer id that was in use before."""
        batches = () if last_sequence < 0 else ((last_sequence, last_sequence, self.start - 1),)
        self.states = {producer_id: Remembered(epoch, coordinator_epoch, batches)}
        self._points = [(self.start, self.states)]

    def read(self, producer_id: int) -> Reading:
        """DescribeProducers and ListOffsets of one moment."""
        entry = self.states.get(producer_id)
        state = None if entry is None else ProducerState(entry.epoch, entry.last_sequence, entry.coordinator_epoch)
        return Reading(producer_id, state, self.log_end, self.high_watermark)

    def produce(self, producer_id: int, epoch: int, sequence: int, source_offsets: range) -> tuple[int, int]:
        """Append a batch; return the error code and the base offset."""
        last = (sequence + len(source_offsets) - 1) % SEQUENCES
        entry = self.states.get(producer_id)
        batches: tuple[tuple[int, int, int], ...] = ()
        if entry is not None:
            if epoch == entry.epoch:
                batches = entry.batches
                for first_known, last_known, base_offset in batches:
                    if (first_known, last_known) == (sequence, last):
                        return 0, base_offset
            if epoch < entry.epoch:
                return self._refuse(FENCED), -1
            expected = (entry.last_sequence + 1) % SEQUENCES if epoch == entry.epoch else 0
            if self._checks_sequences and sequence != expected:
                return self._refuse(OUT_OF_ORDER), -1
        base_offset = self.log_end
        kept = (*batches, (sequence, last, base_offset))[-BATCHES_REMEMBERED:]
        coordinator_epoch = -1 if entry is None else entry.coordinator_epoch
        self._append(producer_id, Remembered(epoch, coordinator_epoch, kept), source_offsets)
        return 0, base_offset

    def mark(self, producer_id: int, epoch: int, coordinator_epoch: int) -> int:
        """Append one transaction marker; return the error code."""
        entry = self.states.get(producer_id)
        batches: tuple[tuple[int, int, int], ...] = ()
        if entry is not None:
            if epoch < entry.epoch:
                return self._refuse(FENCED)
            if coordinator_epoch < entry.coordinator_epoch:
                return self._refuse(COORDINATOR_FENCED)
            if epoch == entry.epoch:
                batches = entry.batches
        self._append(producer_id, Remembered(epoch, coordinator_epoch, batches), (MARKER,))
        return 0

    def forget(self, producer_id: int) -> None:
        """`producer.id.expiration.ms` has passed since its last append."""
        self.states = {known: entry for known, entry in self.states.items() if known != producer_id}
        self._points = [(end, self.states) for end, _ in self._points]

    def replicate(self, random: Random) -> None:
        """The followers come closer, by whole batches."""
        self.high_watermark = random.choice([end for end, _ in self._points if end >= self.high_watermark])

    def fail_over(self) -> None:
        """A follower that has the log up to the high watermark becomes the leader."""
        self._points = [point for point in self._points if point[0] <= self.high_watermark]
        self.states = self._points[-1][1]
        del self.log[self.high_watermark - self.start :]

    def _append(self, producer_id: int, entry: Remembered, contents: range | tuple[int, ...]) -> None:
        self.states = {**self.states, producer_id: entry}
        self.log.extend(contents)
        self._points.append((self.log_end, self.states))

    def _refuse(self, code: int) -> int:
        self.refusals[code] = self.refusals.get(code, 0) + 1
        return code
