"""Which offsets a sample covers."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pipeline.verify.ranges import BLOCK_OFFSETS, blocks


def test_everything_is_one_range_and_nothing_is_none():
    assert list(blocks(3, 900_000, 1.0)) == [(3, 900_000)]
    assert list(blocks(3, 3, 1.0)) == []
    assert list(blocks(3, 3, 0.1)) == []


@given(first=st.integers(0, 10**9), length=st.integers(1, 5_000_000), sample=st.floats(0.0001, 0.9999))
def test_a_sample_covers_its_share_and_both_ends(first, length, sample):
    found = list(blocks(first, first + length, sample))
    assert found[0][0] == first
    assert found[-1][1] == first + length
    assert all(a < b for a, b in found)
    assert all(left[1] <= right[0] for left, right in pairwise(found))
    covered = sum(b - a for a, b in found)
    assert covered <= length * sample + 2 * BLOCK_OFFSETS
    assert covered >= min(length, length * sample - 2 * BLOCK_OFFSETS)
