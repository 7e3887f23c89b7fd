"""Old message sets become v2 batches with the same records at the same offsets (I1)."""

from __future__ import annotations

import struct
import zlib

import pytest
from aiokafka.record.legacy_records import LegacyRecordBatch, LegacyRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from pipeline.wire.batch import CorruptBatch, scan
from pipeline.wire.compression import Codec, compress
from pipeline.wire.message_sets import upgrade
from pipeline.wire.records import Record, open_batch
from tests.unit.wire.batches import log_of

_BYTES = st.one_of(st.none(), st.binary(max_size=20))
FIELDS = st.lists(st.tuples(st.integers(0, 2**50), _BYTES, _BYTES), min_size=1, max_size=5)
OLD_CODECS = [Codec.NONE, Codec.GZIP, Codec.SNAPPY, Codec.LZ4]


def entry(magic: int, *record: int | bytes | None, attributes: int = 0) -> bytes:
    """One entry of (offset, timestamp, key, value), written from the layout."""
    offset, timestamp, key, value = record
    rest = struct.pack(">bb", magic, attributes)
    rest += struct.pack(">q", timestamp) if magic else b""
    for field in (key, value):
        rest += struct.pack(">i", -1 if field is None else len(field)) + (field or b"")
    return struct.pack(">qiI", offset, len(rest) + 4, zlib.crc32(rest)) + rest


def records_of(buffer: bytes) -> list[Record]:
    return [record for header in scan(buffer) for record in open_batch(buffer, header)]


@given(FIELDS, st.sampled_from([0, 1]), st.lists(st.integers(0, 3), min_size=5, max_size=5))
def test_uncompressed_entries_keep_offsets_and_holes(rows, magic, holes):
    offset, expected, old = 7, [], b""
    for (timestamp, key, value), hole in zip(rows, holes, strict=False):
        offset += hole
        old += entry(magic, offset, timestamp, key, value)
        expected.append(Record(offset, timestamp if magic else -1, key, value))
        offset += 1
    assert records_of(upgrade(old)) == expected


@given(FIELDS, st.sampled_from(OLD_CODECS[1:]), st.sampled_from([0, 1]), st.booleans())
def test_compressed_entries_are_unwrapped(rows, codec, magic, stamped):
    """KIP-32: v1 counts offsets inside from 0, and under LogAppendTime the wrapper's timestamp is everyone's."""
    base = 1_000
    inside = b"".join(
        entry(magic, n if magic else base + n, timestamp, key, value) for n, (timestamp, key, value) in enumerate(rows)
    )
    attributes = codec | (0x08 if stamped and magic else 0)
    old = entry(magic, base + len(rows) - 1, 99, None, bytes(compress(codec, inside)), attributes=attributes)
    times = [-1 if not magic else 99 if stamped else timestamp for timestamp, _, _ in rows]
    upgraded = upgrade(old)
    assert records_of(upgraded) == [Record(base + n, times[n], key, value) for n, (_, key, value) in enumerate(rows)]
    assert [header.codec for header in scan(upgraded)] == [codec]


@pytest.mark.parametrize("codec", OLD_CODECS)
def test_we_read_what_aiokafka_writes(codec):
    builder = LegacyRecordBatchBuilder(1, codec, 1 << 20)
    for n in range(20):
        builder.append(n, 1_000 + n, b"k", b"v" * n)
    raw = bytearray(builder.build())
    if codec:
        struct.pack_into(">q", raw, 0, 19)  # the broker's doing: a wrapper has the offset of its last record
    assert records_of(upgrade(raw)) == [Record(n, 1_000 + n, b"k", b"v" * n) for n in range(20)]


def test_aiokafka_reads_the_entries_of_these_tests():
    (theirs,) = LegacyRecordBatch(entry(1, 5, 77, None, b"v"), 1)
    assert (theirs.offset, theirs.timestamp, theirs.key, theirs.value) == (5, 77, None, b"v")


def test_v2_batches_in_between_stay_as_they_are():
    new = log_of([[Record(2, 5, b"k", b"new")]], 0)
    old = entry(0, 0, 0, b"k", b"a"), entry(1, 1, 4, b"k", b"b"), entry(1, 3, 6, b"k", b"c")
    upgraded = upgrade(old[0] + old[1] + new + old[2] + old[2][:20])
    assert new in upgraded
    assert [(r.offset, r.value) for r in records_of(upgraded)] == [(0, b"a"), (1, b"b"), (2, b"new"), (3, b"c")]
    assert len(scan(upgraded)) == 3


def test_long_runs_become_batches_of_bounded_size():
    old = b"".join(entry(1, n, 5, None, bytes(10_000)) for n in range(200))
    sizes = [header.size for header in scan(upgrade(old))]
    assert len(sizes) > 5 and max(sizes) < 300_000


@given(FIELDS, st.sampled_from(OLD_CODECS), st.data())
def test_broken_entries_are_a_corrupt_batch(rows, codec, data):
    old = b"".join(entry(1, n, *row) for n, row in enumerate(rows))
    if codec:
        old = entry(1, len(rows) - 1, 5, None, bytes(compress(codec, old)), attributes=codec)
    broken = bytearray(old)
    at = data.draw(st.integers(12, len(old) - 1))
    broken[at] ^= data.draw(st.integers(1, 255))
    try:
        left = upgrade(broken)
    except CorruptBatch:
        return
    # Only a length that was broken, or a magic that is no longer old, leaves something to be read; `scan` sees to it.
    assert left != upgrade(old)


@pytest.mark.parametrize(
    "inside",
    [b"", b"short", entry(1, 0, 5, None, None)[:-1], struct.pack(">qiIbb", 0, 2, 0, 1, 0)],
)
def test_a_wrapper_around_nonsense_is_corrupt(inside):
    with pytest.raises(CorruptBatch) as raised:
        upgrade(entry(1, 9, 5, None, bytes(compress(Codec.GZIP, inside)), attributes=Codec.GZIP))
    assert raised.value.base_offset == 9


def test_offsets_that_run_backwards_are_corrupt():
    with pytest.raises(CorruptBatch, match="behind offset 5"):
        upgrade(entry(1, 5, 0, None, None) + entry(1, 5, 0, None, None))


def test_a_hole_wider_than_a_batch_divides_the_run():
    far = 2**31 + 5
    old = entry(1, 5, 0, None, b"a") + entry(1, far, 0, None, b"b") + entry(1, far + 1, 0, None, b"c")
    assert [(header.base_offset, header.count) for header in scan(upgrade(old))] == [(5, 1), (far, 2)]
