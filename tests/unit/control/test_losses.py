"""Lost ranges outlive the worker that has seen them (MIRROR-14)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.control.losses import joined, with_losses
from pipeline.link.models import Position

SPANS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)).map(lambda at: (at[0], at[0] + at[1])), max_size=8)


@given(SPANS)
def test_joined_ranges_are_the_same_offsets(spans: list[tuple[int, int]]) -> None:
    found = joined(spans)
    assert {n for a, b in found for n in range(a, b + 1)} == {n for a, b in spans for n in range(a, b + 1)}
    assert all(first[1] + 1 < second[0] for first, second in pairwise(found))


def row(*lost: tuple[int, int], topic_id: str = "id") -> Any:
    return Position("l", "t", 0, lost=lost, mirror_topic_id=topic_id).to_json()


def test_a_successor_keeps_what_its_predecessor_has_lost() -> None:
    kept = with_losses(row((30, 39)), row((10, 19), (38, 45)))
    assert Position.from_json(kept).lost == ((10, 19), (30, 45))
    assert Position.from_json(with_losses(row(), kept)).lost == ((10, 19), (30, 45))


def test_another_topic_of_the_name_begins_anew() -> None:
    assert Position.from_json(with_losses(row(), row((1, 2), topic_id="other"))).lost == ()


@pytest.mark.parametrize("odd", [None, 3, [], "x", {}, {"lost": "xy", "mirror_topic_id": "id"}, {"lost": [[1]]}])
def test_what_is_no_position_stays(odd: Any) -> None:
    assert with_losses(odd, row((1, 2))) == odd
    assert with_losses(row(), odd) == row()
