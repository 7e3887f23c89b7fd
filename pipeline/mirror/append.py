"""The append protocol: every write to a mirror partition is a compare-and-append (I3).

Any number of workers may believe that they own a partition and write to it with the one producer id that it has; what
each sends is accepted only at the offset it was meant for. `Chain` is one worker's view of one partition. It decides
what a write has to carry, from the last reading of the leader's state: epoch e, last sequence q, coordinator epoch c,
log end L.

    write at L           carries                                        refused when something else came first, by
    data                 epoch e, sequence q+1                          the sequence: 45, or a duplicate's answer
    data, id unknown     epoch 0, sequence L mod 2**31; alone           the sequence that the first one set: 45
    run of markers       epoch e, coordinator epochs c+64, c+128, ...   the epoch of a newer claim: 47
    claim, one marker    epoch e+a, coordinator epoch c+63-a            either epoch: 47 or 52
    retirement           epoch 32,704+a, coordinator epoch c+63-a       either epoch: 47 or 52

a = 1 .. 63 is a token that no other claim computed from the same (e, c) carries, see `claims`. The first marker of a
chain is a claim, so is the first one after any doubt; markers that follow our own acknowledged claim make runs.

Why a claim never lands where it was not meant to: e and c only grow. What can land at L, a gap, is a marker of somebody
who saw that gap too. A run's marker has c+64 or more, above every claim of (e, c): 52. Of two claims of (e, c) with
tokens a < b, after b the epoch e+a is too low: 47; after a the coordinator epoch c+63-b is: 52. Retirements of (e, c)
are compared with each other in the same way, and where one claim of (e, c) retires, all do (`Basis.must_retire`). So
the first marker to land refuses, for good, every other claim of its basis, and every run of an older epoch.

What this rests on, besides the broker's rules:
* A write for L is data only if the source has a record at L, a marker only if nobody will ever read one there. An
  offset that *was* a record and is a hole since (compaction, retention) is therefore no place for a marker: another
  worker's copy of that record may still be on its way, and neither of the two would notice the other. `plan` tells the
  two kinds of gap apart; holes are filled with data.
* A reading was replicated when it was taken (`Reading.is_settled`).
* Nothing lands later than the leader remembers the producer id (`producer.id.expiration.ms`, a day unless changed)
  after its last write: a worker never sends on a reading older than `READING_LIFETIME_MS`. Leaders count from the
  timestamp of the last record; what that means for old records is in docs/guarantees.md.

Whatever is not plainly acknowledged leaves the chain in doubt, and nothing more is sent until a new reading was taken.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.mirror.readings import (
    COORDINATOR_STEP,
    LAST_COORDINATOR_EPOCH,
    LAST_EPOCH,
    SEQUENCES,
    TOKENS,
    Basis,
    ForeignWrite,
    ProducerState,
    Reading,
    check_continuity,
)
from pipeline.wire.batch import Stamp, next_sequence

MAX_IN_FLIGHT = 5
"""Data appends sent and not yet answered; a leader remembers as many batches for recognising duplicates."""
READING_LIFETIME_MS = 600_000
"""How long after a reading, or after the last acknowledgement, a chain may be used; then read again."""


class Doubt(Exception):
    """What was written may have been appended or not; only the leader's state tells. `refresh`: ask who leads first."""

    def __init__(self, reason: str, refresh: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.refresh = refresh


class ProtocolMisuse(RuntimeError):
    """The caller asked for what the chain does not allow now: a defect of ours, found before anything was sent."""


@dataclass(frozen=True, slots=True)
class Token:
    """The right to one claim computed from `basis`. Comes from `claims.token`, is never used twice."""

    basis: Basis
    value: int


@dataclass(frozen=True, slots=True)
class Append:
    """One batch of data to send: `records` offsets from `first_offset` on, under `stamp`."""

    first_offset: int
    records: int
    stamp: Stamp

    @property
    def next_offset(self) -> int:
        return self.first_offset + self.records


@dataclass(frozen=True, slots=True)
class Markers:
    """ABORT markers to send in one WriteTxnMarkers request, in this order: (producer epoch, coordinator epoch) each."""

    first_offset: int
    producer_id: int
    epochs: tuple[tuple[int, int], ...]
    token: Token | None = None
    """Set for a claim, which is one marker alone."""

    @property
    def next_offset(self) -> int:
        return self.first_offset + len(self.epochs)


Write = Append | Markers


class Chain:
    """What may be sent to one mirror partition now. One worker, one task, one chain; not shared.

    Life: `Chain(partition, reading)`; then `append`, `claim`, `run` hand out writes, each of which is settled exactly
    once, by `acknowledge`, `confirm`, `refused` or `doubt`. When `doubtful` is set: settle what is in flight, take a
    new reading, `read` it, go on at `next_offset`. When a reading says retired: make a chain for the successor.
    """

    def __init__(
        self, partition: str, reading: Reading, *, earlier: Reading | None = None, counted: bool = True
    ) -> None:
        """Raises ForeignWrite as `read` does.

        `earlier`: an `anchor` kept from an earlier chain of the partition, to find what was written in between.
        `counted`: markers are written by runs and claims only, not by a transaction coordinator.
        """
        self._partition = partition
        self._counted = counted
        self._in_flight: list[Write] = []
        self._spent: set[Token] = set()
        self._producer_id = reading.producer_id
        self._epoch = self._coordinator_epoch = self._next_sequence = 0
        self._known = self._owned = False
        self._anchor = earlier
        self.doubtful: str | None = "nothing was read yet"
        self.read(reading)

    @property
    def in_flight(self) -> tuple[Write, ...]:
        """Sent, not settled, in the order of offsets."""
        return tuple(self._in_flight)

    @property
    def confirmed_offset(self) -> int:
        """Everything below is in the mirror's log, replicated."""
        return self._in_flight[0].first_offset if self._in_flight else self.next_offset

    @property
    def basis(self) -> Basis:
        """What a claim must be made for; the same until something was settled or read."""
        return Basis(self._producer_id, self._epoch, self._coordinator_epoch)

    @property
    def anchor(self) -> Reading | None:
        """A point of the chain that is certain, for a later chain's `earlier`."""
        return self._anchor

    @property
    def needs_claim(self) -> bool:
        """The next marker must be a claim: get a token for `basis` and call `claim`; else call `run`."""
        return not self._owned or self.basis.must_retire

    @property
    def may_append(self) -> bool:
        """One more data append may be sent."""
        room = MAX_IN_FLIGHT if self._known else 1
        return (
            self._is_usable and len(self._in_flight) < room and not any(isinstance(w, Markers) for w in self._in_flight)
        )

    @property
    def may_mark(self) -> bool:
        """Markers may be sent: only with nothing else in flight."""
        return self._is_usable and not self._in_flight

    def append(self, first_offset: int, records: int) -> Append:
        """The stamp for a batch of `records` consecutive offsets. I1: it can land at `first_offset` only."""
        self._check(self.may_append, first_offset, records)
        sequence = self._next_sequence if self._known else first_offset % SEQUENCES
        write = Append(first_offset, records, Stamp(self._producer_id, self._epoch, sequence))
        self._next_sequence = next_sequence(sequence, records)
        self._sent(write)
        return write

    def run(self, first_offset: int, count: int) -> Markers:
        """Markers for up to `count` offsets from `first_offset` on; fewer where coordinator epochs run out."""
        self._check(self.may_mark and not self.needs_claim, first_offset, count)
        last = min(self._coordinator_epoch + count * COORDINATOR_STEP, LAST_COORDINATOR_EPOCH)
        rising = range(self._coordinator_epoch + COORDINATOR_STEP, last + 1, COORDINATOR_STEP)
        write = Markers(first_offset, self._producer_id, tuple((self._epoch, c) for c in rising))
        self._sent(write)
        return write

    def claim(self, first_offset: int, token: Token) -> Markers:
        """The one marker at `first_offset` that makes this chain the owner, or retires the producer id."""
        self._check(self.may_mark and self.needs_claim, first_offset, 1)
        if token.basis != self.basis or token in self._spent or not 1 <= token.value <= TOKENS:
            raise ProtocolMisuse(f"{self._partition}: {token} is not a fresh token for {self.basis}")
        self._spent.add(token)
        epoch = (LAST_EPOCH if self.basis.must_retire else self._epoch) + token.value
        coordinator_epoch = self._coordinator_epoch + TOKENS - token.value
        write = Markers(first_offset, self._producer_id, ((epoch, coordinator_epoch),), token)
        self._sent(write)
        return write

    def acknowledge(self, write: Append, base_offset: int) -> None:
        """The leader put the batch at `base_offset`; a repeated batch is answered so too, with its first place."""
        self._settle(write)
        if base_offset != write.first_offset:
            raise ForeignWrite(
                self._partition,
                min(base_offset, write.first_offset),
                f"the batch for offset {write.first_offset} was put at {base_offset}",
            )
        if not self._known:
            self._known = True
            self._set_anchor(write.next_offset)

    def confirm(self, write: Markers, log_end: int) -> None:
        """The leader answered 0, and then gave this log end (replica id -2), asked for *after* that answer.

        A 0 may hide refusals inside a run, so any other log end than the run's is a doubt. The right one by accident
        (a rival's markers in place of some of ours) does no harm: all are gaps, and the next write is refused.
        """
        self._settle(write)
        if log_end != write.next_offset:
            self.doubtful = f"after markers up to {write.next_offset} the log ends at {log_end}"
        elif self.doubtful is None:
            epoch, self._coordinator_epoch = write.epochs[-1]
            if epoch != self._epoch:
                self._epoch, self._next_sequence = epoch, 0
            self._known = self._owned = True
            self._set_anchor(log_end)
            if write.token is not None and write.token.basis.must_retire:
                self.doubtful = "the producer id is retired"

    def refused(self, write: Write, reason: str) -> None:
        """Settle a write that the leader answered with an error that says: not written. A claim's token stays good."""
        self.doubt(write, reason)
        if isinstance(write, Markers) and write.token is not None:
            self._spent.discard(write.token)

    def doubt(self, write: Write, reason: str) -> None:
        """Settle a write that may have landed or may land yet: no answer, a timeout, an unclear error.

        The first reason stays: what was in flight behind that write is refused because of it, with another.
        """
        self._settle(write)
        self.doubtful = self.doubtful or reason

    def read(self, reading: Reading) -> None:
        """Start again from what the leader says. Raises ForeignWrite if the log end cannot be our doing."""
        if self._in_flight:
            raise ProtocolMisuse(f"{self._partition}: settle what is in flight before reading")
        if not reading.is_settled or reading.is_retired:
            raise ProtocolMisuse(f"{self._partition}: cannot write on {reading}")
        if self._counted and self._anchor is not None:
            check_continuity(self._partition, self._anchor, reading)
        self._anchor = reading
        self._producer_id, self._epoch, self._coordinator_epoch = reading.basis
        self._known = reading.state is not None
        self._owned = False
        self._next_sequence = next_sequence(reading.state.last_sequence, 1) if reading.state else 0
        self.next_offset = reading.log_end
        self.doubtful = None
        self._spent = {token for token in self._spent if token.basis == self.basis}

    def _set_anchor(self, log_end: int) -> None:
        state = ProducerState(self._epoch, self._next_sequence - 1, self._coordinator_epoch)
        self._anchor = Reading(self._producer_id, state, log_end, log_end)

    @property
    def _is_usable(self) -> bool:
        return self.doubtful is None

    def _check(self, allowed: bool, first_offset: int, count: int) -> None:
        if not allowed or first_offset != self.next_offset or count < 1:
            raise ProtocolMisuse(
                f"{self._partition}: {count} offsets at {first_offset} cannot be sent, the next is {self.next_offset}, "
                f"{len(self._in_flight)} in flight, doubt: {self.doubtful}"
            )

    def _sent(self, write: Write) -> None:
        self._in_flight.append(write)
        self.next_offset = write.next_offset

    def _settle(self, write: Write) -> None:
        if write not in self._in_flight:
            raise ProtocolMisuse(f"{self._partition}: {write} was settled before, or never sent")
        self._in_flight.remove(write)
