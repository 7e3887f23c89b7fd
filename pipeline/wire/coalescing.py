"""Many small batches become one: producers that do not linger would otherwise cost one append each.

A record's bytes behind its offset delta are the same wherever it stands (see fields), so records are cut and joined,
never opened: only the three numbers in front of them are written anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.wire.batch import CONTROL, HEADER_SIZE, LOG_APPEND_TIME, BatchHeader, CorruptBatch, Stamp, assemble
from pipeline.wire.compression import NotDecompressable, compress, decompress
from pipeline.wire.fields import SMALL, decode_varint, encode_varint

_TABLE = len(SMALL)


def coalesce(buffer: bytes | bytearray | memoryview, headers: Sequence[BatchHeader], stamp: Stamp) -> bytes:
    """One batch with the records of several that follow each other, all dense, in the codec of the first.

    LogAppendTime batches may take part: their records get the broker's timestamp, as a consumer sees it (I1). The
    result is CreateTime, not transactional, and stamped.

    Raises ValueError for batches that cannot be joined (a hole, a control batch, another codec, nothing at all), and
    CorruptBatch for records that are not what their header says.
    """
    if not headers:
        raise ValueError("a batch needs a record")
    first = headers[0]
    codec, base_timestamp, next_offset = first.codec, first.base_timestamp, first.base_offset
    view = memoryview(buffer)
    parts: list[bytes] = []
    latest = first.max_timestamp
    count = 0
    for header in headers:
        position, size, base_offset, _, _, _, attributes, last_delta, _, max_timestamp, _, _, _, records = header
        if base_offset != next_offset or records != last_delta + 1:
            raise ValueError(f"offset {next_offset} is missing before the end of the batch at {base_offset}")
        if attributes & CONTROL or header.codec != codec:
            raise ValueError(f"the batch at offset {base_offset} is a control batch or has codec {header.codec}")
        body = view[position + HEADER_SIZE : position + size]
        try:
            _cut(bytes(decompress(codec, body) if codec else body), header, base_timestamp, count, parts)
        except (NotDecompressable, ValueError, IndexError) as problem:
            raise CorruptBatch(base_offset, str(problem)) from problem
        latest = max(latest, max_timestamp)
        count += records
        next_offset += records
    joined = b"".join(parts)
    return bytes(assemble(compress(codec, joined), codec, count, (base_timestamp, latest), stamp))


def _cut(body: bytes, header: BatchHeader, base_timestamp: int, place: int, parts: list[bytes]) -> None:
    """Add the records of one batch to the parts, the first of them with `place` as its offset delta."""
    stamped = header.attributes & LOG_APPEND_TIME
    shift = (header.max_timestamp if stamped else header.base_timestamp) - base_timestamp
    position, end_of_body = 0, len(body)
    for expected in range(header.count):
        size, position = decode_varint(body, position)
        end = position + size
        if body[position : position + 3] == b"\x00\x00\x00" and not expected:  # the usual single record
            moment, position = shift, position + 3
        else:
            delta, position = decode_varint(body, position + 1)
            moment = shift if stamped else shift + delta
            found, position = decode_varint(body, position)
            if found != expected:
                raise ValueError(f"offset delta {found} where {expected} belongs")
        if not position <= end <= end_of_body:
            raise ValueError(f"a record of {size} bytes ends at {end} of {end_of_body}")
        when = SMALL[moment] if 0 <= moment < _TABLE else encode_varint(moment)
        where = SMALL[place] if place < _TABLE else encode_varint(place)
        size = 1 + len(when) + len(where) + end - position
        parts += (
            SMALL[size] if size < _TABLE else encode_varint(size),
            b"\x00",
            when,
            where,
            body[position:end],
        )
        place += 1
        position = end
    if position != end_of_body:
        raise ValueError(f"{end_of_body - position} bytes are left over after {header.count} records")
