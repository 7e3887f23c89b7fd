"""I6: small slices that wait behind each other go on as one; everything else goes on as it came."""

from __future__ import annotations

import struct
from collections import deque

import pytest

from pipeline.mirror.joining import MOST_BYTES, SMALL_BYTES, next_slice
from pipeline.mirror.memory import MemoryBudget
from pipeline.mirror.slices import Slice
from pipeline.wire.batch import CONTROL, TRANSACTIONAL, BatchHeader, Stamp, scan
from pipeline.wire.records import Record, close_batch, open_batch
from tests.unit.wire.batches import sealed


class Nobody:
    def take(self, fetched: Slice) -> None: ...


def batch(offset: int, size: int = 20, attributes: int = 0) -> bytes:
    """One record, as it lies in a log."""
    raw = bytearray(close_batch([Record(0, 1_000, None, b"%d" % offset + bytes(size), ())], 0, Stamp(-1, -1, -1)))
    struct.pack_into(">q", raw, 0, offset)
    struct.pack_into(">h", raw, 21, attributes)
    return bytes(sealed(raw))


def fetched(budget: MemoryBudget, log: bytes, at: int = -1, aborted: tuple[tuple[int, int], ...] = ()) -> Slice:
    headers = scan(log)
    begin = headers[0].base_offset if at < 0 else at
    return Slice(Nobody(), 1, begin, headers, memoryview(log), aborted, 99, 98, 0, budget.add(len(log)))


@pytest.fixture
def budget() -> MemoryBudget:
    return MemoryBudget(1 << 30)


def test_small_ones_become_one(budget: MemoryBudget) -> None:
    parts = [fetched(budget, batch(5) + batch(6)), fetched(budget, batch(7)), fetched(budget, batch(9), at=8)]
    log = b"".join(bytes(part.records) for part in parts)
    waiting = deque(parts)
    joined = next_slice(waiting)
    assert not waiting
    assert (joined.fetch_offset, joined.next_offset, joined.size) == (5, 10, len(log))
    assert joined.headers == scan(log) and joined.records == log
    assert [open_batch(joined.records, header)[0].value[:1] for header in joined.headers] == [b"5", b"6", b"7", b"9"]
    assert budget.used == len(log), "what they came in is given back"
    joined.release()
    assert budget.used == 0


def test_one_alone_is_left_as_it_is(budget: MemoryBudget) -> None:
    only = fetched(budget, batch(5))
    assert next_slice(deque([only])) is only


def test_unchecked_ones_stay_unchecked(budget: MemoryBudget) -> None:
    parts = [fetched(budget, batch(5)), fetched(budget, batch(6))]
    parts[0].is_checked = False
    assert not next_slice(deque(parts)).is_checked


@pytest.mark.parametrize(
    "second",
    [
        batch(6, SMALL_BYTES),
        batch(6, attributes=TRANSACTIONAL),
        batch(6, attributes=TRANSACTIONAL | CONTROL),
        batch(6) + batch(7)[:-1],
    ],
    ids=["large", "transactional", "marker", "cut"],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_others_go_on_alone(budget: MemoryBudget, second: bytes, is_first: bool) -> None:
    parts = [fetched(budget, second), fetched(budget, batch(7))] if is_first else []
    parts = parts or [fetched(budget, batch(5)), fetched(budget, second)]
    waiting = deque(parts)
    assert next_slice(waiting) is parts[0]
    assert list(waiting) == parts[1:]


def test_aborted_transactions_belong_to_one_answer(budget: MemoryBudget) -> None:
    parts = [fetched(budget, batch(5)), fetched(budget, batch(6), aborted=((7, 6),))]
    assert next_slice(deque(parts)) is parts[0]


def test_only_what_follows(budget: MemoryBudget) -> None:
    parts = [fetched(budget, batch(5)), fetched(budget, batch(8), at=7)]
    assert next_slice(deque(parts)) is parts[0]


def test_no_more_than_an_append_should_hold(budget: MemoryBudget) -> None:
    waiting = deque(fetched(budget, batch(offset, SMALL_BYTES - 200)) for offset in range(20))
    joined = next_slice(waiting)
    assert joined.size <= MOST_BYTES < joined.size + SMALL_BYTES
    assert len(joined.headers) + len(waiting) == 20
    assert isinstance(joined.headers[0], BatchHeader)
