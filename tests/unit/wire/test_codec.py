"""What a hostile or broken answer can do: raise MalformedMessage, and nothing else."""

from __future__ import annotations

import contextlib
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.wire.errors import MalformedMessage, UnsupportedByBroker, WireError
from pipeline.wire.requests.codec import Reader, Writer, grouped, unsigned_varint
from pipeline.wire.requests.describe_producers import DescribeProducersRequest
from pipeline.wire.requests.fetch import FetchRequest
from pipeline.wire.requests.init_producer_id import InitProducerIdRequest
from pipeline.wire.requests.metadata import MetadataRequest
from pipeline.wire.requests.produce import ProduceBatch, ProduceRequest
from pipeline.wire.requests.write_txn_markers import WriteTxnMarkersRequest
from tests.unit.wire.oracle import prepared

REQUESTS = [
    (FetchRequest([]), 12),
    (FetchRequest([]), 11),
    (ProduceRequest([]), 9),
    (MetadataRequest(), 8),
    (MetadataRequest(), 12),
    (DescribeProducersRequest([]), 0),
    (WriteTxnMarkersRequest([]), 1),
]


@given(st.integers(0, 2**32 - 1))
def test_unsigned_varints_come_back(value):
    raw = unsigned_varint(value)
    reader = Reader(memoryview(raw), True)
    assert reader.unsigned_varint() == value and reader.remaining == 0


@given(st.booleans(), st.one_of(st.none(), st.text(max_size=300)), st.lists(st.integers(-(2**31), 2**31 - 1)))
def test_fields_come_back(flexible, text, numbers):
    out = Writer(flexible)
    out.string(text)
    out.int32s(numbers)
    out.int8(-5)
    out.records(b"abc")
    out.tags()
    reader = Reader(memoryview(out.join()), flexible)
    assert reader.nullable_string() == text
    assert reader.int32s() == tuple(numbers)
    assert reader.int8() == -5
    assert reader.records() == b"abc"
    assert reader.tags() == {} and reader.remaining == 0


@pytest.mark.parametrize(("request_", "version"), REQUESTS)
@given(raw=st.binary(max_size=200))
def test_any_bytes_are_an_answer_or_a_malformed_message(request_, version, raw):
    with contextlib.suppress(MalformedMessage):
        prepared(request_, version).decode(BytesIO(raw))


@pytest.mark.parametrize(
    ("flexible", "raw"),
    [
        (False, b"\x00\x05ab"),
        (False, b"\xff\xfe"),
        (False, b"\x00\x01\xff"),
        (True, b"\xff\xff\xff\xff\xff\xff\x01"),
        (True, b"\x80"),
        (True, b""),
    ],
)
def test_strings_that_lie_are_malformed(flexible, raw):
    with pytest.raises(MalformedMessage):
        Reader(memoryview(raw), flexible).nullable_string()


def test_an_array_cannot_be_longer_than_its_message():
    with pytest.raises(MalformedMessage, match="an array of 2147483647"):
        Reader(memoryview(b"\x7f\xff\xff\xff"), False).count()


def test_bytes_left_over_are_malformed():
    with pytest.raises(MalformedMessage, match="InitProducerId v1 answer: 1 bytes are left over"):
        prepared(InitProducerIdRequest(), 1).decode(BytesIO(bytes(17)))


def test_unknown_tagged_fields_are_passed_over():
    """KIP-482: a newer broker may send tagged fields that we do not know."""
    raw = b"\x02" + b"\x00\x01a" + b"\x09\x02bc"
    tags = Reader(memoryview(raw), True).tags()
    assert sorted(tags) == [0, 9] and tags[9].remaining == 2


def test_the_missing_version_is_named():
    """REST-91: the message names the API, what we need and what the broker has."""
    markers = WriteTxnMarkersRequest([])
    with pytest.raises(UnsupportedByBroker, match="from 1 to 1; the broker offers versions 0 to 0") as raised:
        markers.prepare({27: (0, 0)})
    assert (raised.value.api, raised.value.api_key) == ("WriteTxnMarkers", 27)
    assert (raised.value.needed, raised.value.offered) == ((1, 1), (0, 0))
    with pytest.raises(UnsupportedByBroker, match=r"API 27.*does not offer it"):
        markers.prepare({})
    assert issubclass(UnsupportedByBroker, WireError)


def test_the_highest_common_version_is_chosen():
    assert ProduceRequest([]).prepare({0: (3, 13)}).version == 11
    assert ProduceRequest([]).prepare({0: (0, 9)}).version == 9
    with pytest.raises(UnsupportedByBroker):
        ProduceRequest([]).prepare({0: (12, 13)})


def test_a_request_is_joined_once():
    """aiokafka adds header and body; with the header inside the body that makes no further copy."""
    ready = prepared(ProduceRequest([ProduceBatch("t", 0, b"r" * 1000)]), 9)
    header = ready.build_request_header(correlation_id=1, client_id="c")
    body = ready.encode()
    assert header.encode() + body is body


def test_groups_keep_the_order_of_their_first_items():
    assert grouped([3, 1, 4, 5, 9, 2], lambda n: n % 2) == {1: [3, 1, 5, 9], 0: [4, 2]}
