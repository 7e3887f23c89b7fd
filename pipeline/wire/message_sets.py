"""Message sets of the formats v0 and v1 (before Kafka 0.11), which old segments of 3.x brokers may still hold.

One entry, in both formats:

    at  0  offset      int64
    at  8  length      int32   of everything after this field
    at 12  CRC-32      uint32  (zlib's) of everything from 16 to the end
    at 16  magic       int8    0 or 1
    at 17  attributes  int8    0-2 codec, 3 LogAppendTime (v1)
    at 18  timestamp   int64   ms, v1 only
    then   key length int32, key, value length int32, value; -1 is null

A compressed entry wraps others: its value is their compressed bytes, its offset that of the last one. Inside v1 offsets
count from 0, and under LogAppendTime the wrapper's timestamp is everyone's; inside v0 they are the true ones.

`upgrade` turns such entries into v2 batches, so that nothing else has to know of them (MIRROR-2: records, offsets,
timestamps and codec stay; v0 has no timestamps, which v2 writes as -1).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from struct import Struct

from pipeline.wire.batch import Stamp, assemble, place
from pipeline.wire.compression import Codec, NotDecompressable, compress, decompress
from pipeline.wire.errors import CorruptBatch
from pipeline.wire.fields import encode_varint, record_tail
from pipeline.wire.old_lz4 import mended
from pipeline.wire.records import Record

_HEAD = Struct(">qiIbb")
_LENGTH_ENDS, _CRC_COVERS_FROM = 12, 16
_TIMESTAMP = Struct(">q")
_SIZE = Struct(">i")
_CODEC, _LOG_APPEND_TIME = 0x07, 0x08
_BATCH_BYTES = 256 << 10
_FARTHEST = 2**31 - 1  # that a v2 batch can reach from its base offset
_NOBODY = Stamp(-1, -1, -1)


def upgrade(buffer: bytes | bytearray | memoryview) -> bytes:
    """The fetched buffer with each v0 and v1 entry turned into format v2; batches that are v2 stay, byte for byte.

    A run of uncompressed entries becomes one batch, a compressed entry one of its own; holes that compaction left stay
    holes (such a batch is not dense). A tail that is cut off is left out, as `scan` would. Raises CorruptBatch.
    """
    view = memoryview(buffer)
    out: list[bytes | bytearray | memoryview] = []
    run: list[Record] = []
    position = run_bytes = 0
    while len(view) - position >= _HEAD.size:
        offset, length, _, magic, attributes = _HEAD.unpack_from(view, position)
        end = position + _LENGTH_ENDS + length
        if length < _HEAD.size - _LENGTH_ENDS:
            raise CorruptBatch(offset, f"its length is {length}")
        if end > len(view):
            break
        entry = view[position:end]
        position = end
        codec = attributes & _CODEC if magic in (0, 1) else None
        if run and (codec != 0 or run_bytes > _BATCH_BYTES or offset - run[0].offset > _FARTHEST):
            out.append(_batch(run, 0))
            run, run_bytes = [], 0
        if codec is None:
            out.append(entry)
        elif codec == 0:
            run.append(_single(entry))
            run_bytes += len(entry)
        else:
            out.append(_batch(list(_unwrapped(entry, codec)), codec))
    if run:
        out.append(_batch(run, 0))
    return b"".join(out)


def _single(entry: memoryview) -> Record:
    """One uncompressed entry. Raises CorruptBatch."""
    offset, _, crc, magic, _ = _HEAD.unpack_from(entry)
    if zlib.crc32(entry[_CRC_COVERS_FROM:]) != crc:
        raise CorruptBatch(offset, f"its checksum {crc:#010x} does not fit its {len(entry)} bytes")
    position = _HEAD.size
    timestamp = -1
    if magic == 1:
        if len(entry) < position + _TIMESTAMP.size:
            raise CorruptBatch(offset, "it ends inside its timestamp")
        (timestamp,) = _TIMESTAMP.unpack_from(entry, position)
        position += _TIMESTAMP.size
    key, position = _nullable(entry, position, offset)
    value, position = _nullable(entry, position, offset)
    if position != len(entry):
        raise CorruptBatch(offset, f"{len(entry) - position} bytes are left over")
    return Record(offset, timestamp, key, value)


def _nullable(entry: memoryview, position: int, offset: int) -> tuple[bytes | None, int]:
    size = _SIZE.unpack_from(entry, position)[0] if len(entry) - position >= _SIZE.size else -2
    position += _SIZE.size
    if size == -1:
        return None, position
    if not 0 <= size <= len(entry) - position:
        raise CorruptBatch(offset, f"a field of {size} bytes at {position} of {len(entry)}")
    return bytes(entry[position : position + size]), position + size


def _unwrapped(entry: memoryview, codec: int) -> Iterator[Record]:
    """The records inside a compressed entry, with their true offsets and timestamps. Raises CorruptBatch."""
    wrapper = _single(entry)
    _, _, _, magic, attributes = _HEAD.unpack_from(entry)
    compressed = wrapper.value or b""
    if magic == 0 and codec == Codec.LZ4:
        compressed = mended(compressed)
    try:
        inside = memoryview(decompress(codec, compressed))
    except NotDecompressable as problem:
        raise CorruptBatch(wrapper.offset, str(problem)) from problem
    records: list[Record] = []
    position = 0
    while position < len(inside):
        length = _HEAD.unpack_from(inside, position)[1] if len(inside) - position >= _HEAD.size else -1
        end = position + _LENGTH_ENDS + length
        if length < _HEAD.size - _LENGTH_ENDS or end > len(inside):
            raise CorruptBatch(wrapper.offset, f"an entry of {length} bytes at {position} of {len(inside)} inside")
        records.append(_single(inside[position:end]))
        position = end
    if not records:
        raise CorruptBatch(wrapper.offset, "a compressed entry with nothing inside")
    shift = wrapper.offset - records[-1].offset if magic == 1 else 0
    stamped = magic == 1 and attributes & _LOG_APPEND_TIME
    for record in records:
        timestamp = wrapper.timestamp if stamped else record.timestamp
        yield record._replace(offset=record.offset + shift, timestamp=timestamp)


def _batch(records: list[Record], codec: int) -> bytearray:
    """A v2 batch as a broker would keep it, at the offsets of its records."""
    base_offset, base_timestamp = records[0].offset, records[0].timestamp
    parts: list[bytes] = []
    expected = base_offset
    for offset, timestamp, key, value, headers in records:
        if not expected <= offset <= base_offset + _FARTHEST:
            raise CorruptBatch(offset, f"it stands behind offset {expected - 1}, in a batch from {base_offset} on")
        expected = offset + 1
        head = b"\x00" + encode_varint(timestamp - base_timestamp) + encode_varint(offset - base_offset)
        tail = record_tail(key, value, headers)
        parts += encode_varint(len(head) + len(tail)), head, tail
    timestamps = base_timestamp, max(record.timestamp for record in records)
    out = assemble(compress(codec, b"".join(parts)), codec, len(records), timestamps, _NOBODY)
    return place(out, base_offset, records[-1].offset - base_offset)
