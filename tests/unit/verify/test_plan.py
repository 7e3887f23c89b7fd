"""What the bounds of both logs alone decide: the range to compare, and differences that need no record."""

from __future__ import annotations

import pytest

from pipeline.verify.report import Bounds, PartitionReport
from pipeline.verify.sides import TopicSettings
from pipeline.verify.verifying import judged_as_compacted, plan


def planned(
    source: tuple[int, int], mirror: tuple[int, int, int], later: int | None = None, from_offset: int = 0
) -> PartitionReport:
    """source: start and last stable offset; mirror: start, high watermark, last stable offset."""
    bounds = Bounds(source[0], source[1] + 5, source[1])
    return plan(3, bounds, Bounds(*mirror), source[1] if later is None else later, from_offset)


COMPACTED, KEPT = TopicSettings(True, "CreateTime"), TopicSettings(False, "CreateTime")


@pytest.mark.parametrize(
    ("source", "mirror", "judged"),
    [
        (COMPACTED, COMPACTED, True),
        (COMPACTED, KEPT, True),
        (KEPT, COMPACTED, False),  # somebody has set it on the mirror: what the cleaner takes there is missing
        (KEPT, KEPT, False),
        (None, COMPACTED, True),
        (None, KEPT, False),
        (KEPT, None, False),
        (None, None, False),
    ],
)
def test_records_may_be_missing_where_the_source_is_compacted(source, mirror, judged):
    assert judged_as_compacted(source, mirror) is judged


def test_equal_bounds_are_compared_whole():
    found = planned((0, 100), (0, 100, 100))
    assert (found.first, found.end, found.difference, found.notes) == (0, 100, None, ())


def test_a_source_that_has_grown_since_allows_the_mirror_to_be_further():
    found = planned((0, 100), (0, 130, 130), later=140)
    assert (found.end, found.difference) == (100, None)


@pytest.mark.parametrize(
    ("mirror", "field", "end"),
    [
        ((0, 90, 90), "log end offset", 90),
        ((0, 100, 60), "last stable offset", 60),
        ((0, 130, 130), "log end offset", 100),
        ((20, 100, 100), "log start offset", 100),
    ],
)
def test_bounds_that_differ_are_a_difference_but_what_both_have_is_compared(mirror, field, end):
    found = planned((0, 100), mirror)
    assert found.difference is not None
    assert (found.difference.partition, found.difference.field, found.end) == (3, field, end)
    assert found.first == mirror[0]


def test_a_range_asked_for_excuses_a_later_start():
    found = planned((0, 100), (20, 100, 100), from_offset=20)
    assert (found.first, found.difference) == (20, None)


def test_an_older_start_of_the_mirror_is_noted():
    found = planned((50, 100), (10, 100, 100))
    assert (found.first, found.difference) == (50, None)
    assert found.notes == ("offsets 10..50 are gone at the source and were not compared",)


def test_a_source_without_records_has_nothing_to_miss():
    found = planned((100, 100), (100, 100, 100))
    assert (found.first, found.end, found.difference) == (100, 100, None)
