"""Joined batches hold the records of their parts, and only batches that follow each other can be joined."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.wire.batch import CorruptBatch, scan
from pipeline.wire.records import Record, close_batch, coalesce, open_batch
from tests.unit.wire.batches import CODECS, STAMP, control_batch, log_of, records, sealed, stored

BASE = 10**9


@st.composite
def logs(draw):
    """Some batches that follow each other."""
    batches, offset = [], BASE
    for _ in range(draw(st.integers(1, 6))):
        batches.append(draw(records(max_size=4, base_offset=offset)))
        offset += len(batches[-1])
    return batches


def reopened(joined: bytes) -> list[Record]:
    """The records of a joined batch where the log had them."""
    batch = stored(joined, BASE)
    return open_batch(batch, scan(batch)[0])


@given(logs(), st.sampled_from(CODECS), st.sampled_from([0, 0x10, 0x40]))
def test_joined_records_are_what_they_were(batches, codec, attributes):
    log = b"before" + log_of(batches, codec, attributes)
    headers = [h._replace(position=h.position + 6) for h in scan(log[6:])]
    joined = coalesce(log, headers, STAMP)
    (header,) = scan(joined)
    assert header.attributes == codec and header.is_dense and header.base_offset == 0 and header[10:13] == STAMP
    opened = reopened(joined)
    assert opened == [record for some in batches for record in some]
    assert header.max_timestamp == max(record.timestamp for record in opened)


@given(logs(), st.sampled_from(CODECS), st.data())
def test_log_append_time_becomes_the_timestamp_of_each_record(batches, codec, data):
    log = bytearray()
    expected = []
    for some in batches:
        stamped = data.draw(st.one_of(st.none(), st.integers(0, 2**50)))
        log += stored(close_batch(some, codec, STAMP), some[0].offset, 0 if stamped is None else 8, stamped)
        expected += [r if stamped is None else r._replace(timestamp=stamped) for r in some]
    joined = coalesce(log, scan(log), STAMP)
    (header,) = scan(joined)
    assert reopened(joined) == expected
    assert not header.is_log_append_time


def test_thousands_of_single_records():
    some = [Record(n, 1_700_000_000_000 + n * 7, b"k%d" % n, b"v" * (n % 300)) for n in range(20_000)]
    log = log_of([[record] for record in some], 0)
    joined = coalesce(log, scan(log), STAMP)
    assert open_batch(joined, scan(joined)[0]) == some


def one(offset: int, codec: int = 0) -> bytes:
    return log_of([[Record(offset, 5, b"k", b"v")]], codec)


@pytest.mark.parametrize(
    ("log", "message"),
    [
        (one(5) + one(7), "offset 6 is missing"),
        (one(5) + one(5), "offset 6 is missing"),
        (one(5) + one(6, codec=1), "codec 1"),
        (one(5) + control_batch(0, 6), "control batch"),
        (b"", "needs a record"),
    ],
)
def test_what_does_not_fit_is_refused(log, message):
    with pytest.raises(ValueError, match=message):
        coalesce(log, scan(log), STAMP)


def test_a_compacted_batch_is_refused():
    raw = bytearray(one(5))
    struct.pack_into(">i", raw, 23, 1)
    with pytest.raises(ValueError, match="offset 5 is missing"):
        coalesce(raw, scan(sealed(raw)), STAMP)


@given(records(base_offset=0), st.sampled_from(CODECS), st.data())
def test_broken_records_are_a_corrupt_batch(some, codec, data):
    """What cannot be read is refused with its offset; what can be read is joined as it stands."""
    raw = bytearray(close_batch(some, codec, STAMP))
    at = data.draw(st.integers(61, len(raw) - 1))
    raw[at] = data.draw(st.integers(0, 255))
    try:
        joined = coalesce(raw, scan(sealed(raw)), STAMP)
    except CorruptBatch as error:
        assert error.base_offset == 0
    else:
        assert scan(joined)[0].count == len(some)


@pytest.mark.parametrize("body", [b"", b"\x00", b"\x04\x00\x00", b"\x06\x00\x00"])
def test_a_record_never_reaches_into_the_next_batch(body):
    """The bytes behind a batch are the zeros of the next one's offset: they look like a record's first fields."""
    head = one(5)[: -len(one(5)) + 61]
    cut = bytearray(head + body)
    struct.pack_into(">i", cut, 8, len(cut) - 12)
    log = bytes(sealed(cut)) + one(6)
    with pytest.raises(CorruptBatch) as caught:
        coalesce(log, scan(log), STAMP)
    assert caught.value.base_offset == 5
