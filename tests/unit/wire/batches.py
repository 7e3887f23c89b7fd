"""Batches to test with: any records, and a log made of them."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from crc32c import crc32c
from hypothesis import strategies as st

from pipeline.wire.batch import Stamp
from pipeline.wire.records import Record, close_batch

STAMP = Stamp(7, 3, 11)
CODECS = range(5)

_bytes = st.one_of(st.none(), st.binary(max_size=40), st.just(b"\x00" * 200))
_names = st.one_of(st.text(st.characters(codec="utf-8"), max_size=5), st.just("n"), st.just("\udcff\udc80"))
_headers = st.lists(st.tuples(_names, _bytes), max_size=3).map(tuple)
_fields = st.tuples(st.integers(-1, 2**50), _bytes, _bytes, _headers)


def records(min_size: int = 1, max_size: int = 8, base_offset: int = 0) -> st.SearchStrategy[list[Record]]:
    """Consecutive records with all that a record may have: nulls, repeated and non-UTF-8 header keys, no timestamp."""
    return st.lists(_fields, min_size=min_size, max_size=max_size).map(
        lambda rows: [Record(base_offset + n, *row) for n, row in enumerate(rows)]
    )


def stored(
    raw: bytes | bytearray, base_offset: int, attributes: int = 0, max_timestamp: int | None = None
) -> bytearray:
    """The batch as a leader keeps it: with its offset, these attribute bits and, for LogAppendTime, its timestamp."""
    out = bytearray(raw)
    struct.pack_into(">q", out, 0, base_offset)
    struct.pack_into(">h", out, 21, struct.unpack_from(">h", out, 21)[0] | attributes)
    if max_timestamp is not None:
        struct.pack_into(">q", out, 35, max_timestamp)
    return sealed(out)


def sealed(out: bytearray) -> bytearray:
    """The same with a checksum that fits."""
    struct.pack_into(">I", out, 17, crc32c(memoryview(out)[21:]))
    return out


def log_of(batches: Sequence[Sequence[Record]], codec: int, attributes: int = 0) -> bytes:
    """A piece of a log: one batch for each list of records, at their offsets."""
    return b"".join(stored(close_batch(some, codec, STAMP), some[0].offset, attributes) for some in batches)


def control_batch(kind: int, offset: int = 0) -> bytes:
    """A transaction marker as the coordinator has it written."""
    record = Record(offset, 1_700_000_000_000, struct.pack(">hh", 0, kind), struct.pack(">hi", 0, 5))
    return bytes(stored(close_batch([record], 0, STAMP), offset, 0x30))
