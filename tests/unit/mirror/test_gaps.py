"""How gaps are filled, and opened batches divided at their holes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.mirror.gaps import Filler, Hole, alive, close_gaps, divide, filler, is_compacted, nearest, repeat, unseen
from pipeline.mirror.plan import Fill
from pipeline.wire.records import Record


def record(offset: int) -> Record:
    return Record(offset, 10 * offset, b"key", b"value %d" % offset, (("name", None),))


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("delete", False), ("compact", True), ("compact,delete", True), ("delete, compact", True), ("", False)],
)
def test_a_topic_is_compacted_if_its_policy_says_so_among_others(policy: str, expected: bool) -> None:
    assert is_compacted(policy) is expected


@pytest.mark.parametrize("gap", [Fill(0, 0), Fill(0, 10**6), Hole(0, 10**6)])
def test_a_topic_has_one_kind_of_filling(gap: Fill | Hole) -> None:
    """I3: whether a marker or a record belongs at an offset must not depend on when one looks."""
    assert filler(gap, fills_with_records=False, lost_markers_max=5) is Filler.MARKERS
    assert filler(gap, fills_with_records=True, lost_markers_max=5) is Filler.RECORDS


def test_a_long_lost_range_is_discarded() -> None:
    for fills_with_records in (False, True):
        short = filler(Fill(0, 4, lost=True), fills_with_records=fills_with_records, lost_markers_max=5)
        long = filler(Fill(0, 5, lost=True), fills_with_records=fills_with_records, lost_markers_max=5)
        assert short is (Filler.RECORDS if fills_with_records else Filler.MARKERS)
        assert long is Filler.DISCARDED


def test_a_log_without_a_live_record_takes_a_tombstone_of_an_aborted_one() -> None:
    """Of its key alone: neither value nor headers were ever to be seen."""
    assert unseen([record(3)._replace(key=None), record(4)]) == Record(4, 40, b"key", None)
    assert unseen([record(3)._replace(key=None)]) is None
    assert unseen([]) is None


def test_what_the_source_has_deleted_is_not_brought_back() -> None:
    assert alive(record(5), log_start=5) == record(5)
    assert alive(record(5), log_start=6) == record(5)._replace(value=None)


def test_batches_are_divided_at_holes_and_at_the_limit() -> None:
    records = [record(n) for n in (3, 4, 7, 8, 9, 12)]
    assert list(divide(records, 4, 14, 2)) == [
        [record(4)],
        Hole(5, 6),
        [record(7), record(8)],
        [record(9)],
        Hole(10, 11),
        [record(12)],
        Hole(13, 14),
    ]


def test_holes_take_the_next_record_and_the_last_hole_the_one_before() -> None:
    found = [copy for run in close_gaps([record(4), record(7)], 3, 9, 100) for copy in run]
    assert [copy.offset for copy in found] == [3, 4, 5, 6, 7, 8, 9]
    assert [copy.value for copy in found] == [record(n).value for n in (4, 4, 7, 7, 7, 7, 7)]
    assert {(copy.key, copy.headers) for copy in found} == {(b"key", (("name", None),))}


def test_a_batch_resumed_behind_its_last_record_repeats_that() -> None:
    found = [copy for run in close_gaps([record(4)], 6, 8, 2) for copy in run]
    assert [(copy.offset, copy.value) for copy in found] == [(n, record(4).value) for n in (6, 7, 8)]


def test_a_deleted_record_is_not_brought_back() -> None:
    """The source's log begins behind the batch's last record: its copies are tombstones, as the source has no value."""
    found = [copy for run in close_gaps([record(4)], 6, 8, 5, log_start=6) for copy in run]
    assert {(copy.key, copy.value) for copy in found} == {(b"key", None)}
    assert nearest([record(4)], Fill(6, 8), log_start=6).value is None
    assert nearest([record(4), record(9)], Fill(6, 8), log_start=6) == record(9)


def test_copies_of_large_records_come_in_small_runs() -> None:
    """I5: a hole of a million offsets before a record of a megabyte is not a terabyte in memory."""
    large = record(10**6)._replace(value=bytes(2**20))
    assert len(next(repeat(large, 0, 10**6 - 1, 10_000))) == 1
    assert len(next(close_gaps([large], 0, 10**6, 10_000))) == 1
    assert len(next(close_gaps([large], 0, 10**6, 10_000, 5 * 2**20))) == 4
    parts = divide([record(n) for n in range(9)], 0, 8, 10, 200)
    assert [len(part) for part in parts if isinstance(part, list)] == [5, 4]


def test_nothing_can_be_repeated_where_nothing_is() -> None:
    with pytest.raises(ValueError, match="no record"):
        list(close_gaps([], 0, 3, 10))


@pytest.mark.parametrize("offsets", [(4, 4), (5, 4), (4, 11)], ids=["twice", "backwards", "beyond"])
@pytest.mark.parametrize("way", [divide, close_gaps])
def test_records_that_do_not_fit_are_refused(way: object, offsets: tuple[int, ...]) -> None:
    assert callable(way)
    with pytest.raises(ValueError, match="record at offset"):
        list(way([record(n) for n in offsets], 4, 10, 100))


@given(
    st.sets(st.integers(0, 40), min_size=1).map(sorted),
    st.integers(0, 40),
    st.integers(0, 10),
    st.integers(1, 7),
)
def test_both_ways_cover_every_offset_once(offsets: list[int], first: int, behind: int, most: int) -> None:
    records = [record(n) for n in offsets]
    last = max(offsets[-1], first) + behind
    at = first
    for part in divide(records, first, last, most):
        if isinstance(part, Hole):
            assert part.first_offset == at
            assert not set(range(part.first_offset, part.last_offset + 1)) & set(offsets)
            at = part.last_offset + 1
        else:
            assert part == [record(n) for n in range(at, at + len(part))]
            assert len(part) <= most
            at += len(part)
    assert at == last + 1
    runs = list(close_gaps(records, first, last, most))
    assert [copy.offset for run in runs for copy in run] == list(range(first, last + 1))
    assert all(0 < len(run) <= most for run in runs)
    assert all(copy == record(copy.offset) for run in runs for copy in run if copy.offset in offsets)


def test_a_gap_is_filled_in_runs() -> None:
    runs = list(repeat(record(9), 2, 8, 3))
    assert [[copy.offset for copy in run] for run in runs] == [[2, 3, 4], [5, 6, 7], [8]]
    assert {copy.value for run in runs for copy in run} == {record(9).value}


def test_the_nearest_record_is_the_next_one_or_else_the_one_before() -> None:
    records = [record(3), record(8), record(9)]
    assert nearest(records, Fill(5, 6)) == record(8)
    assert nearest(records, Fill(10, 12)) == record(9)
    assert nearest(records, Fill(0, 1)) == record(3)
