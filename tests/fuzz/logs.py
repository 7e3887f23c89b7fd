"""A log of a source partition by dice: all that makes offsets hard to keep, and what a consumer may see of it."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from pipeline.wire.batch import Stamp, assemble, place
from pipeline.wire.compression import compress
from pipeline.wire.fields import encode_varint, record_tail
from pipeline.wire.records import ControlType, Record, close_batch
from tests.unit.wire.batches import stored

TRANSACTIONAL, CONTROL = 0x10, 0x30
NOBODY, OTHER_PRODUCER = Stamp(-1, -1, -1), Stamp(600, 0, 0)
ABORTING = (500, 501)
ABORTED = b"aborted"
"""The value of every record that nobody may see."""
CODECS = (0, 0, 1, 2, 3, 4)
KEYS = 7


class Stored(NamedTuple):
    """A batch in the log, or an aborted transaction of a producer: the offsets it covers."""

    first_offset: int
    last_offset: int
    batch: bytes = b""
    producer_id: int = -1


@dataclass
class SourceLog:
    """What the source has of its only partition."""

    is_compacted: bool
    end: int = 0
    batches: list[Stored] = field(default_factory=list)
    aborted: list[Stored] = field(default_factory=list)
    visible: dict[int, Record] = field(default_factory=dict)
    """Every record that a read_committed consumer sees, by offset."""

    def add(self, batch: bytes | bytearray, count: int) -> None:
        self.batches.append(Stored(self.end, self.end + count - 1, bytes(batch)))
        self.end += count


def log_of(dice: Random, least: int, is_compacted: bool) -> SourceLog:
    """A log of `least` offsets or a few more. A compacted one has a record: nothing could close its gaps else."""
    log = SourceLog(is_compacted)
    while log.end < least:
        kind = dice.random()
        if kind < 0.12:
            _aborted_transaction(log, dice)
        elif is_compacted and kind < 0.34:
            log.end += dice.choice([1, 2, 5])  # the cleaner has taken whole batches
        elif not is_compacted and kind < 0.3:
            log.add(marker(log.end, ControlType.COMMIT, OTHER_PRODUCER), 1)
        else:
            _records(log, dice, dice.choice([1, 1, 1, 2, 3, 6]), dice.choice(CODECS))
    if is_compacted and not log.visible:
        _records(log, dice, 1, 0)
    return log


def _aborted_transaction(log: SourceLog, dice: Random) -> None:
    """Some batches, with those of others between them, and the marker that ends it."""
    producer, first = Stamp(dice.choice(ABORTING), 0, 0), log.end
    for _ in range(dice.choice([1, 2, 3])):
        count = dice.choice([1, 2, 4])
        unseen = [Record(log.end + n, 5, b"ab", ABORTED) for n in range(count)]
        log.add(stored(close_batch(unseen, dice.choice([0, 3]), producer), log.end, TRANSACTIONAL), count)
        if dice.random() < 0.4:
            seen = _record(log.end, dice)
            log.visible[log.end] = seen
            log.add(stored(close_batch([seen], 0, OTHER_PRODUCER), log.end, dice.choice([0, TRANSACTIONAL])), 1)
    log.aborted.append(Stored(first, log.end, producer_id=producer.producer_id))
    log.add(marker(log.end, ControlType.ABORT, producer), 1)


def _records(log: SourceLog, dice: Random, count: int, codec: int) -> None:
    """A batch; in a compacted log maybe with a hole behind its first record, which may be its end."""
    records = [_record(log.end + n, dice) for n in range(count)]
    if log.is_compacted and count > 2 and dice.random() < 0.5:
        del records[dice.randrange(1, count)]
        batch = _with_holes(records, codec)
    else:
        batch = bytearray(close_batch(records, codec, NOBODY))
    log.visible |= {record.offset: record for record in records}
    log.add(place(batch, log.end, count - 1), count)


def _record(offset: int, dice: Random) -> Record:
    value = b"%d" % offset * dice.choice([1, 1, 200])
    return Record(offset, 1_000 + offset, b"k%d" % (offset % KEYS), value)


def marker(offset: int, kind: ControlType, producer: Stamp) -> bytearray:
    """The end of a transaction, as the coordinator has it written."""
    record = Record(offset, 1, struct.pack(">hh", 0, kind), struct.pack(">hi", 0, 0))
    return stored(close_batch([record], 0, producer), offset, CONTROL)


def _with_holes(records: list[Record], codec: int) -> bytearray:
    """As the cleaner leaves a batch: the records that stay keep their offsets."""
    first, parts = records[0], list[bytes]()
    for record in records:
        head = b"\0" + encode_varint(record.timestamp - first.timestamp) + encode_varint(record.offset - first.offset)
        tail = record_tail(record.key, record.value, record.headers)
        parts += encode_varint(len(head) + len(tail)), head, tail
    timestamps = first.timestamp, records[-1].timestamp
    return assemble(compress(codec, b"".join(parts)), codec, len(records), timestamps, NOBODY)
