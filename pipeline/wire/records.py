"""Open record batches: the slow path, for what cannot pass through closed.

Nothing is lost or made up: null keys, values and header values stay null, header keys may repeat, and those that are
not UTF-8 keep their bytes (as surrogate escapes).

aiokafka's C parser and builder do the work; what they cannot carry (header keys that are not UTF-8, negative
timestamps, which the builder takes for "none yet") goes through the plain code below.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from operator import attrgetter
from struct import Struct
from typing import NamedTuple

from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from pipeline.wire.batch import CODEC, HEADER_SIZE, BatchHeader, CorruptBatch, Stamp, assemble
from pipeline.wire.coalescing import coalesce
from pipeline.wire.compression import Bytes, NotDecompressable, compress, decompress
from pipeline.wire.fields import Headers, decode_varint, encode_varint, record_tail
from pipeline.wire.filler import filler_batch

__all__ = [
    "ControlType",
    "CorruptBatch",
    "Record",
    "close_batch",
    "coalesce",
    "control_type",
    "filler_batch",
    "open_batch",
]


class Record(NamedTuple):
    """One record of a partition. `timestamp` is in ms, -1 where the producer gave none."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class ControlType(IntEnum):
    """What a control batch says: how a transaction ended, or something that only brokers care about."""

    ABORT = 0
    COMMIT = 1
    OTHER = -1


_CONTROL_KEY = Struct(">hh")  # version, type
_FIELDS = attrgetter("offset", "timestamp", "key", "value")
_UNLIMITED = 2**31 - 1
_CODEC_AT = 22  # the low byte of the attributes


def open_batch(buffer: bytes | bytearray | memoryview, header: BatchHeader) -> list[Record]:
    """The records of one batch, compaction's holes left out. Under LogAppendTime all have the broker's timestamp.

    Raises CorruptBatch for what cannot be decompressed or is no list of `header.count` records.
    """
    if header.count == 0:
        return []
    view = memoryview(buffer)[header.position : header.position + header.size]
    try:
        body = decompress(header.codec, view[HEADER_SIZE:])
        try:
            return _parse_fast(view[:HEADER_SIZE], body)
        except UnicodeDecodeError:
            return _parse(body, header)
    except (NotDecompressable, CorruptRecordException, ValueError, IndexError) as problem:
        raise CorruptBatch(header.base_offset, str(problem)) from problem


def close_batch(records: Sequence[Record], codec: int, stamp: Stamp) -> bytes:
    """One batch of records with consecutive offsets, compressed with `codec` even where that does not make it smaller.

    Raises ValueError when there are no records, or a hole between two.
    """
    if not records:
        raise ValueError("a batch needs a record")
    first = records[0]
    if records[-1].offset - first.offset != len(records) - 1:
        raise ValueError(f"{len(records)} records from offset {first.offset} to {records[-1].offset}: not consecutive")
    timestamps = [record.timestamp for record in records]
    try:
        body: Bytes = _build_fast(records) if min(timestamps) >= 0 else _build(records)
    except UnicodeEncodeError:
        body = _build(records)
    return bytes(assemble(compress(codec, body), codec, len(records), (first.timestamp, max(timestamps)), stamp))


def control_type(buffer: bytes | bytearray | memoryview, header: BatchHeader) -> ControlType:
    """Which marker a control batch holds. Raises CorruptBatch where it holds none."""
    records = open_batch(buffer, header)
    key = records[0].key if records else None
    if key is None or len(key) < _CONTROL_KEY.size:
        raise CorruptBatch(header.base_offset, "a control batch without a control record")
    kind = _CONTROL_KEY.unpack_from(key)[1]
    return ControlType(kind) if kind in (ControlType.ABORT, ControlType.COMMIT) else ControlType.OTHER


def _parse_fast(head: memoryview, body: Bytes) -> list[Record]:
    """Have aiokafka read the records: it takes a whole batch, so the header goes in front again, without its codec."""
    whole = bytearray(head)
    whole[_CODEC_AT] &= ~CODEC & 0xFF
    whole += body
    return [Record(*_FIELDS(record), tuple(record.headers)) for record in DefaultRecordBatch(whole)]


def _parse(body: Bytes, header: BatchHeader) -> list[Record]:
    """The same in plain Python, for header keys that are not UTF-8."""
    data = bytes(body)
    records: list[Record] = []
    position = 0
    for _ in range(header.count):
        size, position = decode_varint(data, position)
        end = position + size
        timestamp, position = decode_varint(data, position + 1)
        offset, position = decode_varint(data, position)
        key, position = _nullable(data, position)
        value, position = _nullable(data, position)
        count, position = decode_varint(data, position)
        headers: list[tuple[str, bytes | None]] = []
        for _ in range(count):
            name, position = _nullable(data, position)
            content, position = _nullable(data, position)
            if name is None:
                raise ValueError("a header without a key")
            headers.append((name.decode(errors="surrogateescape"), content))
        if position != end:
            raise ValueError(f"a record of {size} bytes ends at {position} instead of {end}")
        moment = header.max_timestamp if header.is_log_append_time else header.base_timestamp + timestamp
        records.append(Record(header.base_offset + offset, moment, key, value, tuple(headers)))
    if position != len(data):
        raise ValueError(f"{len(data) - position} bytes are left over after {header.count} records")
    return records


def _nullable(data: bytes, position: int) -> tuple[bytes | None, int]:
    size, position = decode_varint(data, position)
    if size < 0:
        return None, position
    end = position + size
    if end > len(data):
        raise ValueError(f"a field of {size} bytes at {position} of {len(data)}")
    return data[position:end], end


def _build_fast(records: Sequence[Record]) -> memoryview:
    """The records of a batch, uncompressed, by aiokafka's builder."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=_UNLIMITED,
    )
    append = builder.append
    for delta, (_, timestamp, key, value, headers) in enumerate(records):
        append(delta, timestamp, key, value, list(headers))
    return memoryview(builder.build())[HEADER_SIZE:]


def _build(records: Sequence[Record]) -> bytes:
    """The same in plain Python."""
    base_timestamp = records[0].timestamp
    parts: list[bytes] = []
    for delta, (_, timestamp, key, value, headers) in enumerate(records):
        head = b"\x00" + encode_varint(timestamp - base_timestamp) + encode_varint(delta)
        tail = record_tail(key, value, headers)
        parts += encode_varint(len(head) + len(tail)), head, tail
    return b"".join(parts)
