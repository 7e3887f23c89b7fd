"""Many small batches become one: producers that do not linger would otherwise cost one append each.

A record's bytes behind its offset delta are the same wherever it stands (see fields), so records are cut and joined,
never opened: only the three numbers in front of them are written anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

from pipeline.wire.batch import CODEC, CONTROL, HEADER_SIZE, LOG_APPEND_TIME, BatchHeader, CorruptBatch, Stamp, assemble
from pipeline.wire.compression import NotDecompressable, compress, decompress
from pipeline.wire.fields import SMALL, decode_varint, encode_varint
from pipeline.wire.plain_batches import PlainBatches

_TABLE = len(SMALL)
_max_timestamp = itemgetter(BatchHeader._fields.index("max_timestamp"))
_FIRST = b"\x00\x00\x00"  # attributes, timestamp delta and offset delta of a batch's first record


def coalesce(buffer: bytes | bytearray | memoryview, headers: Sequence[BatchHeader], stamp: Stamp) -> bytes:
    """One batch with the records of several that follow each other, all dense, in the codec of the first.

    LogAppendTime batches may take part: their records get the broker's timestamp, as a consumer sees it (I1). The
    result is CreateTime, not transactional, and stamped.

    Raises ValueError for batches that cannot be joined (a hole, a control batch, another codec, nothing at all), and
    CorruptBatch for records that are not what their header says.
    """
    if not headers:
        raise ValueError("a batch needs a record")
    if isinstance(headers, PlainBatches) and (whole := _by_columns(buffer, headers, stamp)) is not None:
        return whole
    first = headers[0]
    codec, next_offset = first.codec, first.base_offset
    origin = first.position
    data = bytes(memoryview(buffer)[origin : headers[-1].position + headers[-1].size])  # bytes are cut fastest
    records = _Records(first.base_timestamp)
    for header in headers:
        position, size, base_offset, _, _, _, attributes, last_delta, base_timestamp, _, _, _, _, count = header
        if base_offset != next_offset or count != last_delta + 1:
            raise ValueError(f"offset {next_offset} is missing before the end of the batch at {base_offset}")
        if attributes & CONTROL or attributes & CODEC != codec:
            raise ValueError(f"the batch at offset {base_offset} is a control batch or has codec {header.codec}")
        start, end = position + HEADER_SIZE - origin, position + size - origin
        try:
            if codec:
                body = bytes(decompress(codec, data[start:end]))
                records.add(header, body, 0, len(body))
            elif count != 1 or attributes & LOG_APPEND_TIME or not records.add_one(base_timestamp, data, start, end):
                records.add(header, data, start, end)
        except (NotDecompressable, ValueError, IndexError) as problem:
            raise CorruptBatch(base_offset, str(problem)) from problem
        next_offset += count
    joined = b"".join(records.parts)
    timestamps = first.base_timestamp, max(map(_max_timestamp, headers))
    return bytes(assemble(compress(codec, joined), codec, records.count, timestamps, stamp))


def _by_columns(buffer: bytes | bytearray | memoryview, headers: PlainBatches, stamp: Stamp) -> bytes | None:
    """The same for many plain batches at once; None where one of them is better read by itself."""
    try:
        return headers.join(buffer, stamp, _cut)
    except (ValueError, IndexError):  # some records are not what their header says: one by one it is told which
        return None


def _cut(header: BatchHeader, body: bytes, place: int, base_timestamp: int) -> bytes:
    """The records of one plain batch, numbered on from `place`."""
    records = _Records(base_timestamp, place)
    records.add(header, body, 0, len(body))
    return b"".join(records.parts)


class _Records:
    """The records joined so far, as pieces of bytes."""

    __slots__ = ("base_timestamp", "count", "parts")

    def __init__(self, base_timestamp: int, count: int = 0) -> None:
        self.base_timestamp = base_timestamp
        self.count = count
        self.parts: list[bytes] = []

    def add_one(self, timestamp: int, data: bytes, position: int, end: int) -> bool:
        """Cut the only record of a batch, data[position:end], and number it on; False leaves it to `add`.

        What producers that do not linger write; a third less work than in general.
        """
        size = data[position]
        if size < 0x80:
            size, position = size >> 1, position + 1
        else:
            size, position = decode_varint(data, position)
        behind = position + len(_FIRST)
        if position + size != end or behind > end or data[position:behind] != _FIRST:
            return False
        moment, place = timestamp - self.base_timestamp, self.count
        when = SMALL[moment] if 0 <= moment < _TABLE else encode_varint(moment)
        where = SMALL[place] if place < _TABLE else encode_varint(place)
        size += len(when) + len(where) - 2
        self.parts += (SMALL[size] if size < _TABLE else encode_varint(size), b"\x00", when, where, data[behind:end])
        self.count = place + 1
        return True

    def add(self, header: BatchHeader, data: bytes, position: int, end_of_body: int) -> None:
        """Cut the records of one batch, which are data[position:end_of_body], and number them on."""
        parts, place = self.parts, self.count
        stamped = header.attributes & LOG_APPEND_TIME
        shift = (header.max_timestamp if stamped else header.base_timestamp) - self.base_timestamp
        for expected in range(header.count):
            size = data[position]
            if size < 0x80:
                size, position = size >> 1, position + 1
            else:
                size, position = decode_varint(data, position)
            end = position + size
            if not expected and data[position : position + 3] == _FIRST:
                moment, position = shift, position + 3
            else:
                delta, position = decode_varint(data, position + 1)
                moment = shift if stamped else shift + delta
                found, position = decode_varint(data, position)
                if found != expected:
                    raise ValueError(f"offset delta {found} where {expected} belongs")
            if not position <= end <= end_of_body:
                raise ValueError(f"a record of {size} bytes reaches from {position} to {end} of {end_of_body}")
            when = SMALL[moment] if 0 <= moment < _TABLE else encode_varint(moment)
            where = SMALL[place] if place < _TABLE else encode_varint(place)
            size = 1 + len(when) + len(where) + end - position
            front = SMALL[size] if size < _TABLE else encode_varint(size)
            parts += (front, b"\x00", when, where, data[position:end])
            place += 1
            position = end
        if position != end_of_body:
            raise ValueError(f"{end_of_body - position} bytes are left over after {header.count} records")
        self.count = place
