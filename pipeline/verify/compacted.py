"""The comparison for compacted topics, where each side compacts at its own time (MIRROR-13, I2).

What is compared, exactly:

1. A record that both sides hold at an offset is the same record: key, value, headers, timestamp.
2. A record that only one side holds was compacted away on the other, or that is a difference. Compaction removes a
   record only because a later record of the same key exists, so the side without it must hold a later one of that
   key. For records met later in the same range the walk sees that by itself; what is left at its end is looked up on
   the whole of the side that lacks it, up to the log's end of that moment.
3. A tombstone (null value) may vanish without a later record, after delete.retention.ms. It is excused when the side
   without it holds nothing of that key, or a tombstone as its latest.
4. A record without a key cannot stay in a compacted log, so one side may lack it.
5. What a mirror writes into holes are copies of live records: of the next one, which rule 2 excuses, or, where a batch
   or the log ends with a hole, of the one before. So a record that only the mirror holds is excused where it repeats
   the value that is the source's latest of its key.

Thus the latest value of every key is the same on both sides, whatever either has compacted.

Memory: one entry for each key that rule 2 still has to excuse. Where these are too many the keys are divided by hash
into shares, one walk each (TooManyKeys says so).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b

from pipeline.verify.chunks import Chunk, Stream, Window
from pipeline.verify.exact import Tally, unequal, unequal_record
from pipeline.verify.report import Difference, describe


class TooManyKeys(Exception):
    """More keys to excuse than memory allows: walk again with the keys divided into more shares."""


@dataclass(frozen=True, slots=True)
class OneSided:
    """The latest record of a key that only one side holds, and nothing later excuses it yet."""

    offset: int
    at_source: bool
    value: bytes | None
    """The value's digest; None for a tombstone."""
    key: bytes


@dataclass
class Pending:
    """The keys still to be excused, by digest; only those of one share when keys are divided."""

    share: int = 0
    shares: int = 1
    most: int = 500_000
    by_key: dict[bytes, OneSided] = field(default_factory=dict)
    explained: int = 0

    def one_sided(self, offset: int, key: bytes | None, value: bytes | None, at_source: bool) -> None:
        """A record met on one side only. An earlier one of its key on the other side is excused by it."""
        self.explained += 1
        if key is None:
            return
        digest = self._mine(key)
        if digest is None:
            return
        self.by_key[digest] = OneSided(offset, at_source, _digest(value), key)
        if len(self.by_key) > self.most:
            raise TooManyKeys(f"more than {self.most} keys")

    def both_sided(self, keys: Iterable[bytes | None]) -> None:
        """Records met on both sides: they excuse every earlier one of their keys."""
        if not self.by_key:
            return
        for key in keys:
            if key is not None:
                digest = self._mine(key)
                if digest is not None:
                    self.by_key.pop(digest, None)

    def look_up(self, at_source: bool, records: Chunk, latest: dict[bytes, tuple[int, bytes | None]]) -> None:
        """Note offset and value of the latest records that the side at_source holds of the keys that the other side's
        records wait for.
        """
        for offset, key, value in zip(records.offsets, records.keys, records.values, strict=True):
            digest = None if key is None else self._mine(key)
            if digest is not None:
                waiting = self.by_key.get(digest)
                if waiting is not None and waiting.at_source != at_source:
                    latest[digest] = offset, _digest(value)

    def unexcused(self, partition: int, latest: dict[bytes, tuple[int, bytes | None]], view: str) -> Difference | None:
        """The lowest record that rules 2 and 3 do not excuse, after look_up went over both sides."""
        wrong = [each for digest, each in self.by_key.items() if not _is_excused(each, latest.get(digest))]
        if not wrong:
            return None
        first = min(wrong, key=lambda each: each.offset)
        has, lacks = f"has the latest of key {describe(first.key)}", "has neither it nor a later one of its key"
        source, mirror = (has, lacks) if first.at_source else (lacks, has)
        return Difference(partition, first.offset, "record", source, mirror, view)

    def sides_to_look_up(self) -> set[bool]:
        """Which sides lack something: True for the source."""
        return {not each.at_source for each in self.by_key.values()}

    def _mine(self, key: bytes) -> bytes | None:
        digest = blake2b(key, digest_size=16).digest()
        return digest if self.shares == 1 or int.from_bytes(digest[:4], "big") % self.shares == self.share else None


def _is_excused(record: OneSided, there: tuple[int, bytes | None] | None) -> bool:
    if there is None:
        return record.value is None
    offset, value = there
    if offset > record.offset:
        return True
    return value == record.value and (record.value is None or not record.at_source)


def _digest(value: bytes | None) -> bytes | None:
    return None if value is None else blake2b(value, digest_size=16).digest()


def compare(partition: int, source: Stream, mirror: Stream, pending: Pending, tally: Tally) -> Difference | None:
    """Walk both streams by offset; one-sided records go to pending. Returns the first record that is on both and
    differs.
    """
    left, right = Window(source), Window(mirror)
    while True:
        ahead = left.ahead(), right.ahead()
        if not any(ahead):
            return None
        if not all(ahead):
            _all_one_sided(left if ahead[0] else right, max(ahead), bool(ahead[0]), pending, tally)
            continue
        step = min(ahead)
        here, there = left.take(step), right.take(step)
        if here.offsets == there.offsets:
            found = unequal(partition, here, there)
            if found:
                return found
            pending.both_sided(here.keys)
            tally(here)
            continue
        found, used_here, used_there = _merge(partition, here, there, pending)
        if found:
            return found
        tally(here.part(0, used_here))
        left.give_back(step - used_here)
        right.give_back(step - used_there)


def _merge(partition: int, here: Chunk, there: Chunk, pending: Pending) -> tuple[Difference | None, int, int]:
    """Merge two chunks by offset until one is used up; returns how many records of each were used."""
    a = b = 0
    while a < len(here) and b < len(there):
        if here.offsets[a] == there.offsets[b]:
            found = unequal_record(partition, here, a, there, b)
            if found:
                return found, a, b
            pending.both_sided([here.keys[a]])
            a, b = a + 1, b + 1
        elif here.offsets[a] < there.offsets[b]:
            pending.one_sided(here.offsets[a], here.keys[a], here.values[a], at_source=True)
            a += 1
        else:
            pending.one_sided(there.offsets[b], there.keys[b], there.values[b], at_source=False)
            b += 1
    return None, a, b


def _all_one_sided(window: Window, records: int, at_source: bool, pending: Pending, tally: Tally) -> None:
    """The other side has ended: what is left here is one-sided."""
    rest = window.take(records)
    for offset, key, value in zip(rest.offsets, rest.keys, rest.values, strict=True):
        pending.one_sided(offset, key, value, at_source)
    if at_source:
        tally(rest)
