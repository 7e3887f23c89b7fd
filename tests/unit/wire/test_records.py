"""Opening and closing batches loses and invents nothing (I1)."""

from __future__ import annotations

import struct

import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from pipeline.wire.batch import CorruptBatch, scan
from pipeline.wire.records import ControlType, Record, close_batch, control_type, open_batch
from tests.unit.wire.batches import CODECS, STAMP, control_batch, records, sealed, stored


@given(records(base_offset=500), st.sampled_from(CODECS))
def test_what_is_closed_opens_as_it_was(some, codec):
    raw = stored(close_batch(some, codec, STAMP), 500)
    (header,) = scan(raw)
    assert open_batch(raw, header) == some
    assert (header.codec, header.count, header.is_dense) == (codec, len(some), True)
    assert header.base_timestamp == some[0].timestamp
    assert header.max_timestamp == max(record.timestamp for record in some)
    assert header[10:13] == STAMP


@given(records(max_size=4), st.sampled_from(CODECS))
def test_the_plain_and_the_c_code_agree(some, codec):
    """The plain builder runs for records that the C one cannot carry: one with a negative timestamp forces it."""
    usable = [r._replace(timestamp=abs(r.timestamp), headers=()) for r in some]
    forced = [*usable, Record(len(usable), -1, None, None)]
    fast, plain = close_batch(usable, codec, STAMP), close_batch(forced, codec, STAMP)
    assert open_batch(plain, scan(plain)[0])[:-1] == open_batch(fast, scan(fast)[0]) == usable


@given(records(base_offset=3))
def test_aiokafka_reads_what_we_close(some):
    some = [r._replace(headers=tuple((k.encode(errors="replace").decode(), v) for k, v in r.headers)) for r in some]
    theirs = DefaultRecordBatch(bytes(stored(close_batch(some, 0, STAMP), 3)))
    assert [(r.offset, r.timestamp, r.key, r.value, tuple(r.headers)) for r in theirs] == [tuple(r) for r in some]


@pytest.mark.parametrize("codec", CODECS)
def test_we_read_what_aiokafka_compresses(codec):
    builder = DefaultRecordBatchBuilder(2, codec, 0, 1, 0, 0, 1 << 20)
    for delta in range(1000):
        builder.append(delta, 1_700_000_000_000 + delta, b"key", b"v" * 100, [("h", None), ("h", b"2")])
    raw = bytes(builder.build())
    (header,) = scan(raw)
    opened = open_batch(raw, header)
    assert header.codec == codec and len(opened) == 1000
    assert opened[999] == Record(999, 1_700_000_000_999, b"key", b"v" * 100, (("h", None), ("h", b"2")))


@given(records(), st.sampled_from(CODECS))
def test_under_log_append_time_every_record_has_the_brokers_timestamp(some, codec):
    raw = stored(close_batch(some, codec, STAMP), 0, 0x08, max_timestamp=99)
    opened = open_batch(raw, scan(raw)[0])
    assert opened == [record._replace(timestamp=99) for record in some]


def test_holes_of_compaction_are_left_out():
    raw = bytearray(close_batch([Record(n, 5, b"k%d" % n, b"v") for n in range(3)], 0, STAMP))
    size = (len(raw) - 61) // 3
    compacted = raw[: 61 + size] + raw[61 + 2 * size :]
    struct.pack_into(">i", compacted, 8, len(compacted) - 12)
    struct.pack_into(">i", compacted, 57, 2)
    compacted = stored(sealed(compacted), 40)
    (header,) = scan(compacted)
    assert not header.is_dense
    assert [record.offset for record in open_batch(compacted, header)] == [40, 42]


def test_an_empty_batch_has_no_records():
    """Compaction keeps the header of a producer's last batch although all records are gone."""
    raw = bytearray(close_batch([Record(0, 5, b"k", b"v")], 0, STAMP))[:61]
    struct.pack_into(">i", raw, 8, 61 - 12)
    struct.pack_into(">i", raw, 57, 0)
    (header,) = scan(sealed(raw))
    assert header.count == 0 and open_batch(raw, header) == []


def test_only_consecutive_offsets_make_a_batch():
    with pytest.raises(ValueError, match="not consecutive"):
        close_batch([Record(0, 5, None, None), Record(2, 5, None, None)], 0, STAMP)
    with pytest.raises(ValueError, match="needs a record"):
        close_batch([], 0, STAMP)


@given(records(), st.sampled_from(CODECS), st.data())
def test_broken_records_are_a_corrupt_batch_or_other_records(some, codec, data):
    """Behind a fitting checksum anything may stand: it is read, or refused, and never ends in another error."""
    raw = bytearray(close_batch(some, codec, STAMP))
    at = data.draw(st.integers(61, len(raw) - 1))
    raw[at] = data.draw(st.integers(0, 255))
    try:
        opened = open_batch(raw, scan(sealed(raw))[0])
    except CorruptBatch as error:
        assert error.base_offset == 0
    else:
        assert len(opened) == len(some)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(0, ControlType.ABORT), (1, ControlType.COMMIT), (2, ControlType.OTHER), (-9, ControlType.OTHER)],
)
def test_control_batches_say_what_they_are(kind, expected):
    raw = b"".join([control_batch(1), control_batch(kind, offset=7)])
    header = scan(raw)[1]
    assert header.is_control and header.base_offset == 7
    assert control_type(raw, header) is expected


@pytest.mark.parametrize("key", [None, b"", b"\x00\x00\x00"])
def test_a_control_batch_without_a_control_record_is_corrupt(key):
    raw = stored(close_batch([Record(0, 5, key, None)], 0, STAMP), 0, 0x20)
    with pytest.raises(CorruptBatch):
        control_type(raw, scan(raw)[0])
