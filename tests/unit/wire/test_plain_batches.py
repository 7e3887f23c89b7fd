"""The quick way for slices of small plain batches comes to what the way for all batches does, byte for byte (I1)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from pipeline.wire import plain_batches
from pipeline.wire.batch import BatchHeader, CorruptBatch, UnsupportedMagic, scan
from pipeline.wire.coalescing import coalesce
from pipeline.wire.plain_batches import PlainBatches, check_all, find
from pipeline.wire.records import Record, close_batch
from tests.unit.wire.batches import STAMP, log_of, records, sealed, stored

BASE = 2**40
Log = tuple[bytearray, list[int]]
"""A piece of a log, and where its batches begin."""


@pytest.fixture(autouse=True)
def _any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few batches show what many do."""
    monkeypatch.setattr(plain_batches, "LEAST_BYTES", 1)
    monkeypatch.setattr(plain_batches, "SMALL_BYTES", 1 << 20)


@st.composite
def single_records(draw: st.DrawFn) -> list[list[Record]]:
    """Batches of a record each: of every size up to where a length takes two bytes, at times that jump."""
    found: list[list[Record]] = []
    for offset in range(BASE, BASE + draw(st.integers(1, 150))):
        (record,) = draw(records(1, 1, offset)) if offset < BASE + 8 else [Record(offset, offset - BASE, b"k", b"v")]
        value = draw(st.sampled_from((record.value, b"." * 60, b"." * 61, b"." * 900)))
        moment = draw(st.sampled_from((record.timestamp, 63, 64, 0, 1_700_000_000_000)))
        found.append([record._replace(value=value, timestamp=moment)])
    return found


@st.composite
def logs(draw: st.DrawFn) -> Log:
    """Mostly plain logs, with something in them now and then that is not."""
    log, starts = bytearray(), []
    offset = draw(st.sampled_from((0, 1, BASE)))
    for _ in range(draw(st.integers(1, 8))):
        some = draw(records(1, draw(st.sampled_from((1, 1, 1, 3))), offset))
        codec = draw(st.sampled_from((0,) * 12 + (1, 3)))
        attributes = draw(st.sampled_from((0,) * 16 + (0x08, 0x10, 0x20, 0x40)))
        starts.append(len(log))
        log += stored(close_batch(some, codec, STAMP), offset, attributes)
        offset += len(some) + draw(st.sampled_from((0,) * 16 + (1,)))
    return log, starts


def one_by_one(buffer: bytes, headers: Sequence[BatchHeader]) -> bytes:
    """What `coalesce` makes of a list of headers."""
    return coalesce(buffer, list(headers), STAMP)


def _nobody(*_: Any) -> bytes:
    raise AssertionError("no batch has several records")


def outcome(work: Callable[[], Any]) -> Any:
    """What it returns, or what it raises in words."""
    try:
        return work()
    except (CorruptBatch, UnsupportedMagic, ValueError) as error:
        return type(error), str(error)


@given(single_records())
def test_single_records_are_found_and_joined_as_by_one_and_one(batches: list[list[Record]]) -> None:
    log = log_of(batches, 0)
    headers, found = scan(log), find(memoryview(log))
    assert found is not None
    assert [*found] == [found[at] for at in range(len(found))] == headers
    assert found[-1] == headers[-1]
    assert coalesce(log, found, STAMP) == one_by_one(log, headers)
    half = len(headers) // 2
    if half:
        assert [*found[half:]] == headers[half:]
        assert coalesce(log, found[half:], STAMP) == one_by_one(log, headers[half:])


@given(st.lists(st.sampled_from((1, 1, 1, 2, 9)), min_size=1, max_size=120))
def test_batches_of_several_records_are_joined_in_their_places(counts: list[int]) -> None:
    batches, offset = [], BASE
    for count in counts:
        batches.append(
            [Record(n, 1_700_000_000_000 - n % 70, b"k", b"v" * (n % 90)) for n in range(offset, offset + count)]
        )
        offset += count
    log = log_of(batches, 0)
    found = find(memoryview(log))
    assert found is not None
    joined = coalesce(log, found, STAMP)
    assert joined == one_by_one(log, found)
    event(f"by columns: {found.join(log, STAMP, lambda *_: b'') is not None}")


@given(logs(), st.integers(0, 70))
def test_what_is_found_is_what_scanning_finds(drawn: Log, cut: int) -> None:
    log, _ = drawn
    buffer = bytes(log)[: max(61, len(log) - cut)]
    found, headers = find(memoryview(buffer)), scan(buffer, check_crc=False)
    event(f"plain: {found is not None}")
    is_plain = (
        bool(headers)
        and all(h.attributes == 0 and h.is_dense for h in headers)
        and all(a.next_offset == b.base_offset for a, b in pairwise(headers))
    )
    assert (found is not None) == is_plain
    if found is not None:
        assert [*found] == headers
        assert outcome(lambda: coalesce(buffer, found, STAMP)) == outcome(lambda: one_by_one(buffer, headers))


@given(logs(), st.data())
def test_damage_leads_to_the_same_either_way(drawn: Log, data: st.DataObject) -> None:
    """Any byte may be wrong, with a checksum that fits or not: what is refused, with which words, what is joined."""
    log, starts = drawn
    start = data.draw(st.sampled_from(starts))
    end = min([each for each in starts if each > start], default=len(log))
    at = data.draw(st.integers(start, min(end, start + 75) - 1))
    log[at] = data.draw(st.sampled_from((0, 1, 2, 0x7F, 0x80, 0xFF, log[at] ^ 1)))
    if data.draw(st.booleans()):
        log[start:end] = sealed(log[start:end])
    buffer = bytes(log)

    def whole(headers: Sequence[BatchHeader]) -> bytes:
        check_all(buffer, headers)
        return coalesce(buffer, headers, STAMP)

    expected = outcome(lambda: scan(buffer, check_crc=False))
    found = outcome(lambda: find(memoryview(buffer)))
    event(f"found: {type(found).__name__}")
    if isinstance(found, tuple):
        assert found == expected
    elif found is not None:
        assert [*found] == expected
        assert outcome(lambda: whole(found)) == outcome(lambda: whole(expected))


@pytest.mark.parametrize("times", [[0, 2**61], [-(2**61), 5], [2**62, -(2**62)]])
def test_times_that_lie_too_far_apart_are_left_to_the_general_way(times: list[int]) -> None:
    log = bytearray(log_of([[Record(0, 5, b"k", b"v")], [Record(1, 5, b"k", b"v")]], 0))
    for start, moment in zip((0, len(log) // 2), times, strict=True):
        struct.pack_into(">q", log, start + 27, moment)
    found = find(memoryview(log))
    assert found is not None
    assert found.join(log, STAMP, _nobody) is None


@pytest.mark.parametrize(
    "body",
    [b"", b"\x00", b"\x04\x00\x00", b"\x06\x00\x00", b"\x06\x00\x00\x00\x00", b"\x80\x80\x80\x80\x80"],
    ids=bytes.hex,
)
def test_a_record_does_not_reach_into_the_next_batch(body: bytes) -> None:
    """The bytes behind a batch are the zeros of the next one's offset: they look like a record's first fields."""
    cut = bytearray(log_of([[Record(5, 5, b"k", b"v")]], 0)[:61] + body)
    struct.pack_into(">i", cut, 8, len(cut) - 12)
    log = bytes(sealed(cut)) + log_of([[Record(6, 5, b"k", b"v")]], 0)
    found = find(memoryview(log))
    assert found is not None
    assert outcome(lambda: coalesce(log, found, STAMP)) == outcome(lambda: one_by_one(log, scan(log)))


def test_large_batches_and_short_slices_are_not_worth_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_batches, "SMALL_BYTES", 1 << 10)
    large = log_of([[Record(0, 5, b"k", b"v" * 1024)], [Record(1, 5, b"k", b"v")]], 0)
    assert find(memoryview(large)) is None
    small = memoryview(log_of([[Record(n, 5, b"k", b"v")] for n in range(9)], 0))
    assert isinstance(find(small), PlainBatches)
    monkeypatch.setattr(plain_batches, "LEAST_BYTES", len(small) + 1)
    assert find(small) is None
    assert find(memoryview(b"")) is None
