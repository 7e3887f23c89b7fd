"""The comparison of compacted topics: what each side's own compaction excuses, and what it does not (MIRROR-13)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.verify.compacted import Pending, TooManyKeys, compare
from tests.unit.verify.streams import Rec, chunked


def run(source: list[Rec], mirror: list[Rec], size: int = 3, pending: Pending | None = None, end: int | None = None):
    """Compare up to end, then look up on the whole of both, as a lane does."""
    pending = pending or Pending()
    upto = [[each for each in side if end is None or each.offset < end] for side in (source, mirror)]
    found = compare(0, chunked(upto[0], size), chunked(upto[1], size + 1), pending, lambda chunk: None)
    if found:
        return found
    latest: dict[bytes, tuple[int, bytes | None]] = {}
    for at_source in pending.sides_to_look_up():
        stream = chunked(source if at_source else mirror, size)
        while chunk := stream.chunk():
            pending.look_up(at_source, chunk, latest)
    return pending.unexcused(0, latest, "read_uncommitted")


def rec(offset: int, key: str | None, value: str | None = "v") -> Rec:
    return Rec(offset, None if key is None else key.encode(), None if value is None else value.encode(), offset)


LOG = [rec(0, "a"), rec(1, "b"), rec(2, "a", "v2"), rec(3, "c"), rec(4, "b", "v2"), rec(5, "d")]


def compacted(log: list[Rec], keep_tombstones: bool = True, upto: int | None = None) -> list[Rec]:
    """What compaction of the records below upto leaves."""
    limit = len(log) if upto is None else upto
    last = {each.key: each.offset for each in log[:limit]}
    return [
        each
        for at, each in enumerate(log)
        if at >= limit or (last[each.key] == each.offset and (keep_tombstones or each.value is not None))
    ]


def test_compaction_on_either_side_is_excused():
    assert run(LOG, compacted(LOG)) is None
    assert run(compacted(LOG), LOG) is None
    assert run(compacted(LOG), compacted(LOG)) is None


@pytest.mark.parametrize("offset", [2, 3, 4, 5])
def test_a_lost_latest_record_is_a_difference(offset):
    lost = [each for each in LOG if each.offset != offset]
    assert run(LOG, lost).offset == offset
    assert run(lost, LOG).offset == offset


def test_copies_that_a_mirror_fills_holes_with_are_excused():
    """Of the next record, or of the one before at the end of a batch or log; not of a value that was replaced."""
    source = [rec(0, "a"), rec(3, "b"), rec(4, "a", "v2")]
    copies = [rec(0, "a"), rec(1, "b"), rec(2, "b"), *source[1:], rec(5, "a", "v2"), rec(6, "a", "v2")]
    assert run(source, copies) is None
    assert run(copies, source).offset == 6
    assert run(source, [*source, rec(5, "a")]).offset == 5


def test_a_record_on_both_sides_must_be_the_same():
    other = [rec(2, "a", "else") if each.offset == 2 else each for each in LOG]
    found = run(LOG, other)
    assert (found.offset, found.field) == (2, "value")
    found = run(compacted(LOG), other)
    assert (found.offset, found.field) == (2, "value")


def test_a_later_record_beyond_the_compared_range_excuses_too():
    assert run(compacted(LOG), LOG, end=2) is None
    assert run(LOG, compacted(LOG), end=2) is None


def test_a_vanished_tombstone_is_excused_only_with_its_key_gone():
    log = [rec(0, "a"), rec(1, "b"), rec(2, "a", None), rec(3, "c")]
    gone = compacted(log, keep_tombstones=False)
    assert run(log, gone) is None
    assert run(gone, log) is None
    revived = [rec(0, "a"), rec(1, "b"), rec(3, "c")]
    assert run(log, revived).offset == 2


def test_records_without_a_key_may_be_dropped():
    assert run([rec(0, None), rec(1, "a")], [rec(1, "a")]) is None


def test_filler_of_a_large_hole_is_excused_by_the_record_it_repeats():
    source = [rec(0, "a"), rec(9, "b", "live")]
    mirror = [rec(0, "a"), *(rec(at, "b", "live") for at in range(1, 9)), rec(9, "b", "live")]
    assert run(source, mirror) is None


def test_too_many_keys_are_walked_in_shares():
    log = [rec(at, f"k{at}") for at in range(40)]
    with pytest.raises(TooManyKeys):
        run(log, [], pending=Pending(most=10))
    found = [run(log, log[:30], pending=Pending(share, 8, most=10)) for share in range(8)]
    assert min(each.offset for each in found if each) == 30


steps = st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from(["x", "y", None])), max_size=30)


@given(steps=steps, cut=st.data(), size=st.integers(1, 8))
def test_any_compaction_passes_and_any_lost_latest_value_does_not(steps, cut, size):
    log = [rec(at, key, value) for at, (key, value) in enumerate(steps)]
    sides = [
        compacted(log, cut.draw(st.booleans()), cut.draw(st.integers(0, len(log)))) if cut.draw(st.booleans()) else log
        for _ in range(2)
    ]
    assert run(*sides, size=size) is None
    live = [each for each in compacted(log) if each.value is not None]
    if live:
        victim = cut.draw(st.sampled_from(live))
        found = run(sides[0], [each for each in sides[1] if each != victim], size=size)
        assert found is not None
        assert found.offset == victim.offset
