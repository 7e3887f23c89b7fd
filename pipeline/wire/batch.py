"""Closed record batches (format v2): find them, check them, give them a new producer, without opening them.

    at  0  base offset             int64
    at  8  length                  int32   of everything after this field: whole batch - 12
    at 12  partition leader epoch  int32
    at 16  magic                   int8    2 (the formats v0 and v1 keep theirs at 16 too)
    at 17  CRC-32C                 uint32  of everything from 21 to the end
    at 21  attributes              int16   0-2 codec, 3 LogAppendTime, 4 transactional, 5 control, 6 delete horizon
    at 23  last offset delta       int32   the last sequence delta too, so compaction keeps it: count may be smaller
    at 27  base timestamp          int64   ms; the records' timestamps are deltas to it, delete horizon or not
    at 35  max timestamp           int64   ms; under LogAppendTime the timestamp of every record
    at 43  producer id             int64
    at 51  producer epoch          int16
    at 53  base sequence           int32
    at 57  records count           int32
    at 61  records                         compressed as a whole when the codec says so

A mirror passes batches through closed (MIRROR-2, TERM-7): the records, and so I1, cannot be touched by this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple

from anycrc import Model
from crc32c import crc32c

from pipeline.wire.errors import CorruptBatch, UnsupportedMagic

__all__ = [
    "HEADER_SIZE",
    "BatchHeader",
    "CorruptBatch",
    "Stamp",
    "UnsupportedMagic",
    "assemble",
    "check",
    "max_timestamp",
    "next_sequence",
    "place",
    "restamp",
    "restamp_head",
    "scan",
]

HEADER = Struct(">qiibIhiqqqhii")
HEADER_SIZE = HEADER.size
LENGTH_ENDS = 12  # bytes that the length field does not count
CRC_COVERS_FROM = 21

CODEC, LOG_APPEND_TIME, TRANSACTIONAL, CONTROL, DELETE_HORIZON = 0x07, 0x08, 0x10, 0x20, 0x40

_OLD_HEAD = Struct(">qi4xb")  # what all formats share: offset, length, (CRC of v0/v1 | leader epoch), magic
_BASE_OFFSET, _LAST_OFFSET_DELTA, _CRC = Struct(">q"), Struct(">i"), Struct(">I")
_TIMESTAMP = Struct(">q")
_CRC_AT, _LAST_OFFSET_DELTA_AT, _MAX_TIMESTAMP_AT = 17, 23, 35
_joined_crc = Model("CRC32C").combine
"""Of two checksums and the length of what the second is of: the checksum of both, one behind the other."""
NO_LEADER_EPOCH = -1


class BatchHeader(NamedTuple):
    """The 61 bytes in front of a batch's records; immutable. A tuple, because scanning makes one per batch."""

    position: int
    """Where the batch begins in the scanned buffer."""
    size: int
    """Bytes of the whole batch, the 12 in front that its length field leaves out included."""
    base_offset: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody wants of a header
    """Records in the batch; compaction lowers it, even to 0, and leaves `last_offset_delta` alone."""

    @property
    def codec(self) -> int:
        """0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd."""
        return self.attributes & CODEC

    @property
    def is_transactional(self) -> bool:
        return self.attributes & TRANSACTIONAL != 0

    @property
    def is_control(self) -> bool:
        """Holds a transaction marker (or another record for brokers), which no consumer sees."""
        return self.attributes & CONTROL != 0

    @property
    def is_log_append_time(self) -> bool:
        """The broker stamped it: `max_timestamp` is the timestamp of every record, whatever the records say."""
        return self.attributes & LOG_APPEND_TIME != 0

    @property
    def last_offset(self) -> int:
        return self.base_offset + self.last_offset_delta

    @property
    def next_offset(self) -> int:
        return self.base_offset + self.last_offset_delta + 1

    @property
    def is_dense(self) -> bool:
        """Every offset from base to last has its record; a broker refuses any other batch from a producer (87)."""
        return self.count == self.last_offset_delta + 1


class Stamp(NamedTuple):
    """Who a batch is said to come from: the mirror partition's producer id and epoch, and its first sequence."""

    producer_id: int
    epoch: int
    sequence: int


def scan(buffer: bytes | bytearray | memoryview, check_crc: bool = True) -> list[BatchHeader]:
    """Return the headers of the batches in a fetched buffer, in order; a batch cut off at the end is left out.

    A broker cuts the last batch where a fetch limit falls, so an incomplete tail is normal. Offsets are not compared
    here: base offset and leader epoch lie outside the checksum, so whoever appends compares them with what must be
    next.

    Raises CorruptBatch(base_offset, reason), and UnsupportedMagic(base_offset, magic, position) for anything but v2.
    """
    view = memoryview(buffer)
    end = len(view)
    unpack, make, checksum = HEADER.unpack_from, tuple.__new__, crc32c
    headers: list[BatchHeader] = []
    position = 0
    while end - position >= HEADER_SIZE:
        fields = unpack(view, position)
        size = fields[1] + LENGTH_ENDS
        if fields[3] != 2 or size < HEADER_SIZE:
            check_head(view, position)
        if size > end - position:
            return headers
        if check_crc and checksum(view[position + CRC_COVERS_FROM : position + size]) != fields[4]:
            raise _unfit(fields[0], fields[4], size)
        if fields[0] < 0 or not 0 <= fields[12] <= fields[6] + 1:
            raise CorruptBatch(fields[0], f"{fields[12]} records up to offset delta {fields[6]}")
        headers.append(make(BatchHeader, (position, size, fields[0], *fields[2:])))
        position += size
    check_head(view, position)
    return headers


def check(buffer: bytes | bytearray | memoryview, headers: Sequence[BatchHeader]) -> None:
    """Compare checksums that `scan` left alone. Raises CorruptBatch at the first that does not fit."""
    view, checksum = memoryview(buffer), crc32c
    for header in headers:
        position, size, base_offset, _, _, crc, *_ = header
        if checksum(view[position + CRC_COVERS_FROM : position + size]) != crc:
            raise _unfit(base_offset, crc, size)


def _unfit(base_offset: int, crc: int, size: int) -> CorruptBatch:
    return CorruptBatch(base_offset, f"its checksum {crc:#010x} does not fit its {size} bytes")


def check_head(view: memoryview, position: int) -> None:
    """Refuse what is not the beginning of a v2 batch, unless the buffer ends inside it."""
    if len(view) - position < _OLD_HEAD.size:
        return
    base_offset, length, magic = _OLD_HEAD.unpack_from(view, position)
    if length < 0:
        raise CorruptBatch(base_offset, f"its length is {length}")
    if length + LENGTH_ENDS > len(view) - position:
        return
    if magic != 2:
        raise UnsupportedMagic(base_offset, magic, position)
    if length + LENGTH_ENDS < HEADER_SIZE:
        raise CorruptBatch(base_offset, f"its length is {length}, less than a header")


def restamp(buffer: bytes | bytearray | memoryview, header: BatchHeader, stamp: Stamp) -> bytearray:
    """Copy one batch out of the buffer it was scanned from, as a batch of the mirror's own producer.

    Offsets start at 0 (the broker assigns them), the leader epoch is unknown, the transactional and delete-horizon bits
    are cleared; count, last offset delta, timestamps, codec and records stay. One copy is made.

    The checksum is the source's, carried over to the new header without a look at the records: whatever damages them on
    their way, before or after `scan`, is found by the broker that takes them (CORRUPT_MESSAGE).

    Raises ValueError for what a new header alone cannot carry over exactly: a control batch would become a record that
    consumers see (I2), and a LogAppendTime batch would show the producers' times on a CreateTime topic (I1).
    """
    head, records = restamp_head(buffer, header, stamp)
    return bytearray(head) + records


def restamp_head(buffer: bytes | bytearray | memoryview, header: BatchHeader, stamp: Stamp) -> tuple[bytes, memoryview]:
    """As `restamp`, without copying the records: a new header, and a view of the buffer's records to send behind it."""
    attributes = header.attributes
    if attributes & (CONTROL | LOG_APPEND_TIME):
        kind = "control" if attributes & CONTROL else "LogAppendTime"
        raise ValueError(f"the batch at offset {header.base_offset} is a {kind} batch: it cannot be passed through")
    records = memoryview(buffer)[header.position + HEADER_SIZE : header.position + header.size]
    attributes &= ~(TRANSACTIONAL | DELETE_HORIZON)
    deltas = header.last_offset_delta, header.base_timestamp, header.max_timestamp
    head = bytearray(HEADER_SIZE)
    HEADER.pack_into(
        head, 0, 0, header.size - LENGTH_ENDS, NO_LEADER_EPOCH, 2, 0, attributes, *deltas, *stamp, header.count
    )
    before = memoryview(buffer)[header.position + CRC_COVERS_FROM : header.position + HEADER_SIZE]
    change = crc32c(before) ^ crc32c(memoryview(head)[CRC_COVERS_FROM:])
    _CRC.pack_into(head, _CRC_AT, header.crc ^ _joined_crc(change, 0, len(records)))  # a CRC is linear
    return bytes(head), records


def assemble(
    records: bytes | bytearray | memoryview, codec: int, count: int, timestamps: tuple[int, int], stamp: Stamp
) -> bytearray:
    """Put a header in front of records that are compressed already: dense, CreateTime, ready to be produced.

    `timestamps`: the one that the records' deltas count from, and the latest of all.
    """
    out = bytearray(HEADER_SIZE + len(records))
    out[HEADER_SIZE:] = records
    _seal(out, codec, (count - 1, *timestamps), stamp, count)
    return out


def max_timestamp(head: bytes | bytearray | memoryview) -> int:
    """The latest timestamp in a batch, as its header says."""
    latest: int = _TIMESTAMP.unpack_from(head, _MAX_TIMESTAMP_AT)[0]
    return latest


def place(batch: bytearray, base_offset: int, last_offset_delta: int) -> bytearray:
    """Give an assembled batch its place in a log, in place; it may have holes, as after compaction."""
    _BASE_OFFSET.pack_into(batch, 0, base_offset)
    _LAST_OFFSET_DELTA.pack_into(batch, _LAST_OFFSET_DELTA_AT, last_offset_delta)
    _CRC.pack_into(batch, _CRC_AT, crc32c(memoryview(batch)[CRC_COVERS_FROM:]))
    return batch


def _seal(out: bytearray, attributes: int, deltas: tuple[int, int, int], stamp: Stamp, count: int) -> None:
    """Write the header as a producer does: offsets from 0, no leader epoch, the checksum over the rest."""
    HEADER.pack_into(out, 0, 0, len(out) - LENGTH_ENDS, NO_LEADER_EPOCH, 2, 0, attributes, *deltas, *stamp, count)
    _CRC.pack_into(out, _CRC_AT, crc32c(memoryview(out)[CRC_COVERS_FROM:]))


def next_sequence(sequence: int, records: int) -> int:
    """The sequence after `records` records from `sequence` on: 0 .. 2**31 - 1 and then 0 again, as brokers count."""
    return (sequence + records) % 2**31
