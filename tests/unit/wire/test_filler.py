"""Filler is many equal records, cheap from the second batch on."""

from __future__ import annotations

import pytest

from pipeline.wire.batch import Stamp, scan
from pipeline.wire.compression import Codec
from pipeline.wire.records import Record, filler_batch, open_batch
from tests.unit.wire.batches import CODECS, STAMP


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("key", [None, b"filler"])
def test_filler_is_one_dense_batch_of_minimal_records(codec, key):
    raw = filler_batch(9_000, STAMP, key, 1234, codec=codec)
    (header,) = scan(raw)
    assert (header.count, header.is_dense, header.codec) == (9_000, True, codec)
    assert header[10:13] == STAMP
    assert open_batch(raw, header) == [Record(n, 1234, key, None) for n in range(9_000)]


def test_a_live_record_may_be_the_filler():
    headers = (("h", b"1"), ("h", None))
    raw = filler_batch(3, STAMP, b"k", 9, value=b"v", headers=headers)
    assert open_batch(raw, scan(raw)[0]) == [Record(n, 9, b"k", b"v", headers) for n in range(3)]


def test_the_next_batch_differs_in_its_header_alone():
    first = filler_batch(100, Stamp(1, 0, 0), None, 5)
    second = filler_batch(100, Stamp(1, 0, 100), None, 6)
    assert first[61:] == second[61:]
    assert scan(second)[0][8:13] == (6, 6, 1, 0, 100)


def test_a_quarter_of_a_million_records_fit_into_a_usual_message():
    assert len(filler_batch(250_000, STAMP, None, 5, codec=Codec.ZSTD)) < 1_000_000


def test_no_records_are_no_batch():
    with pytest.raises(ValueError, match="needs a record"):
        filler_batch(0, STAMP, None, 5)
