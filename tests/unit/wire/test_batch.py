"""Closed batches: scanning finds exactly the whole ones, restamping changes exactly the header."""

from __future__ import annotations

import struct

import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from pipeline.wire.batch import (
    HEADER_SIZE,
    BatchHeader,
    CorruptBatch,
    Stamp,
    UnsupportedMagic,
    check,
    next_sequence,
    restamp,
    restamp_head,
    scan,
)
from tests.unit.wire.batches import sealed


def make_batch(values: list[bytes], codec: int = 0, base_offset: int = 0, transactional: bool = False) -> bytes:
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=codec,
        is_transactional=int(transactional),
        producer_id=7,
        producer_epoch=3,
        base_sequence=11,
        batch_size=1 << 24,
    )
    for delta, value in enumerate(values):
        builder.append(delta, 1_700_000_000_000 + delta, b"k", value, [])
    raw = builder.build()
    struct.pack_into(">q", raw, 0, base_offset)
    struct.pack_into(">i", raw, 12, 5)
    return bytes(raw)


def with_attributes(batch: bytes, attributes: int) -> tuple[bytes, BatchHeader]:
    """The batch with these attributes and a header that says the same."""
    raw = bytearray(batch)
    struct.pack_into(">h", raw, 21, attributes)
    return bytes(raw), scan(sealed(raw))[0]


def damaged(batch: bytes, at: int, bits: int = 1) -> bytes:
    return batch[:at] + bytes([batch[at] ^ bits]) + batch[at + 1 :]


BATCHES = st.lists(st.binary(max_size=50), min_size=1, max_size=5).map(make_batch)


def test_a_header_says_what_the_batch_holds():
    batch = make_batch([b"a", b"b", b"c"], base_offset=40, transactional=True)
    (header,) = scan(batch)
    assert header.position == 0 and header.size == len(batch)
    assert (header.base_offset, header.last_offset, header.next_offset, header.count) == (40, 42, 43, 3)
    assert (header.producer_id, header.producer_epoch, header.base_sequence, header.leader_epoch) == (7, 3, 11, 5)
    assert (header.base_timestamp, header.max_timestamp) == (1_700_000_000_000, 1_700_000_000_002)
    assert header.is_transactional and header.is_dense
    assert not header.is_control and not header.is_log_append_time
    assert header.codec == 0 and header.magic == 2


@pytest.mark.parametrize("codec", [1, 2, 3, 4])
def test_the_codec_is_read_from_the_attributes(codec):
    assert scan(make_batch([b"x" * 1000] * 10, codec))[0].codec == codec


@given(st.lists(BATCHES, max_size=6), BATCHES, st.data())
def test_whole_batches_are_found_and_a_partial_tail_is_left_out(batches, tail, data):
    whole = b"".join(batches)
    cut = data.draw(st.integers(0, len(tail) - 1))
    for buffer in (whole + tail[:cut], memoryview(whole + tail[:cut]), bytearray(whole + tail[:cut])):
        headers = scan(buffer)
        assert [header.size for header in headers] == [len(batch) for batch in batches]
        assert [bytes(buffer[h.position : h.position + h.size]) for h in headers] == batches


@given(BATCHES, st.data())
def test_a_flipped_bit_behind_the_checksum_is_a_corrupt_batch(batch, data):
    bit = data.draw(st.integers(17 * 8, len(batch) * 8 - 1))
    broken = bytearray(batch)
    broken[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CorruptBatch) as raised:
        scan(broken)
    assert raised.value.base_offset == 0


@given(BATCHES, BATCHES, st.data())
def test_any_flipped_bit_is_reported_or_changes_no_record(first, second, data):
    bit = data.draw(st.integers(0, len(first) * 8 - 1))
    broken = bytearray(first + second)
    broken[bit // 8] ^= 1 << bit % 8
    try:
        headers = scan(broken)
    except (CorruptBatch, UnsupportedMagic):
        return
    if len(headers) == 2:  # only the base offset and the leader epoch lie outside the checksum
        assert broken[16:] == (first + second)[16:] and broken[8:12] == first[8:12]
    else:  # a length that reaches past the end looks like a cut-off batch: nothing is returned
        assert headers == []


@pytest.mark.parametrize("magic", [0, 1])
def test_old_message_sets_are_recognised(magic):
    builder = LegacyRecordBatchBuilder(magic, 0, 1 << 16)
    builder.append(9, 1_700_000_000_000, None, b"old")
    old = bytes(builder.build())
    with pytest.raises(UnsupportedMagic) as raised:
        scan(make_batch([b"new"]) + old)
    assert (raised.value.base_offset, raised.value.magic) == (9, magic)
    assert raised.value.position == len(make_batch([b"new"]))
    assert scan(old[:-1]) == []


@pytest.mark.parametrize("length", [-1, -12, 0, 10, 48])
def test_an_impossible_length_is_a_corrupt_batch(length):
    broken = bytearray(make_batch([b"a", b"b"]))
    struct.pack_into(">i", broken, 8, length)
    with pytest.raises(CorruptBatch):
        scan(broken)


@given(
    st.lists(st.binary(max_size=80), min_size=1, max_size=20),
    st.integers(0, 4),
    st.builds(Stamp, st.integers(0, 2**63 - 1), st.integers(0, 2**15 - 1), st.integers(0, 2**31 - 1)),
    st.booleans(),
)
def test_restamp_changes_the_producer_and_nothing_a_consumer_sees(values, codec, stamp, transactional):
    batch = make_batch(values, codec, base_offset=1_000, transactional=transactional)
    buffer = batch + batch
    header = scan(buffer)[1]
    out = restamp(buffer, header, stamp)
    (stamped,) = scan(out)
    assert stamped[10:13] == stamp
    assert (stamped.base_offset, stamped.leader_epoch, stamped.is_transactional) == (0, -1, False)
    assert out[61:] == batch[61:] and out[23:43] == batch[23:43] and out[57:61] == batch[57:61]
    before, after = DefaultRecordBatch(batch), DefaultRecordBatch(bytes(out))
    assert after.validate_crc()
    assert [(r.timestamp, r.key, r.value, r.headers) for r in before] == [
        (r.timestamp, r.key, r.value, r.headers) for r in after
    ]


@given(st.lists(BATCHES, min_size=1, max_size=4))
def test_checking_later_finds_what_scanning_would(batches):
    log = b"".join(batches)
    check(log, scan(log, check_crc=False))
    bad = damaged(log, len(log) - 1)
    with pytest.raises(CorruptBatch) as later:
        check(bad, scan(bad, check_crc=False))
    with pytest.raises(CorruptBatch) as now:
        scan(bad)
    assert str(later.value) == str(now.value)


@given(BATCHES, st.integers(0, 2**31 - 1))
def test_a_new_head_goes_with_the_records_where_they_are(batch, sequence):
    buffer = memoryview(b"before" + batch)
    header = scan(buffer[6:])[0]._replace(position=6)
    head, records = restamp_head(buffer, header, Stamp(1, 2, sequence))
    assert head + records == restamp(buffer, header, Stamp(1, 2, sequence))
    assert records.obj is buffer.obj


@given(BATCHES, st.integers(0, 2**31 - 1), st.data())
def test_damage_shows_after_restamping_too(batch, sequence, data):
    """The checksum comes from the source: nobody computes a good one for bytes that are not what was written."""
    bad = damaged(batch, data.draw(st.integers(HEADER_SIZE, len(batch) - 1)), data.draw(st.integers(1, 255)))
    (header,) = scan(bad, check_crc=False)
    with pytest.raises(CorruptBatch):
        scan(restamp(bad, header, Stamp(1, 2, sequence)))


@given(BATCHES, st.sampled_from([21, 22, *range(43, 57)]), st.integers(1, 255))
def test_damage_of_what_restamping_replaces_shows_too(batch, at, bits):
    (header,) = scan(damaged(batch, at, bits), check_crc=False)
    try:
        out = restamp(damaged(batch, at, bits), header, Stamp(1, 2, 3))
    except ValueError:
        return  # it looks like a control batch now
    with pytest.raises(CorruptBatch):
        scan(out)


def test_restamp_clears_the_delete_horizon_and_keeps_the_base_timestamp():
    batch, header = with_attributes(make_batch([b"tombstone"]), 0x50)
    stamped = scan(restamp(batch, header, Stamp(1, 2, 3)))[0]
    assert stamped.attributes == 0
    assert stamped.base_timestamp == header.base_timestamp


@pytest.mark.parametrize(("attributes", "kind"), [(0x30, "control"), (0x20, "control"), (0x08, "LogAppendTime")])
def test_restamp_refuses_what_a_header_cannot_carry_over(attributes, kind):
    """I1, I2: a marker passed through would be a visible record; LogAppendTime would show other timestamps."""
    batch, header = with_attributes(make_batch([b"a"]), attributes)
    with pytest.raises(ValueError, match=kind):
        restamp(batch, header, Stamp(1, 2, 3))


def test_sequences_wrap_to_zero_as_the_broker_counts_them():
    assert next_sequence(2**31 - 1, 1) == 0
    assert next_sequence(2**31 - 3, 5) == 2
    assert next_sequence(0, 10) == 10


def test_a_compacted_batch_is_not_dense():
    raw = bytearray(make_batch([b"a", b"b", b"c"]))
    struct.pack_into(">i", raw, 57, 2)
    assert not scan(raw, check_crc=False)[0].is_dense
    struct.pack_into(">i", raw, 57, 4)
    with pytest.raises(CorruptBatch):
        scan(raw, check_crc=False)
