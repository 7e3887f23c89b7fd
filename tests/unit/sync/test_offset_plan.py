"""What is committed for a group on the destination, and what never is (TASK-5..11)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.cluster.administration.group_offsets import CommittedOffset
from pipeline.sync.marks import Mark, Marks, note_of, read_row, write_row
from pipeline.sync.offset_plan import Bounds, GroupPlan, plan_group

PLACE = ("mirror", 0)
WIDE = Bounds(0, 1_000)


def plan(source: int, here: int | None, mark: Mark | None, bounds: Bounds = WIDE, metadata: str = "") -> GroupPlan:
    return plan_group(
        {PLACE: CommittedOffset(source, metadata)},
        {} if here is None else {PLACE: CommittedOffset(here)},
        {} if mark is None else {PLACE: mark},
        {PLACE: bounds},
    )


def written(found: GroupPlan) -> int | None:
    return found.writes[PLACE].offset if found.writes else None


def test_a_group_that_is_not_there_yet_gets_the_sources_offset_and_metadata() -> None:
    """TASK-1, TASK-4, TASK-8."""
    assert plan(5, None, None, metadata="note").writes == {PLACE: CommittedOffset(5, "note")}


def test_what_is_there_already_is_not_written_again() -> None:
    """TASK-5."""
    found = plan(5, 5, Mark(5, 5))
    assert (found.writes, found.known) == ({}, {})
    assert plan(5, 5, None).known == {PLACE: Mark(5, 5)}


def test_offsets_stay_between_start_and_end_of_the_mirror() -> None:
    """TASK-6, TASK-7, MIRROR-70: 105 with a mirror that ends at 100 becomes 100, and is raised when the mirror has
    more."""
    assert written(plan(105, None, None, Bounds(0, 100))) == 100
    assert written(plan(105, 100, Mark(105, 100), Bounds(0, 103))) == 103
    assert written(plan(3, None, None, Bounds(10, 100))) == 10


def test_a_source_that_moves_is_followed_backwards_too() -> None:
    """TASK-11."""
    assert written(plan(9, 5, Mark(5, 5))) == 9
    assert written(plan(2, 5, Mark(5, 5))) == 2


def test_what_the_group_committed_here_wins_until_the_source_moves_again() -> None:
    """TASK-10, RUN-2."""
    first = plan(5, 10, Mark(5, 5))
    assert (first.writes, first.known) == ({}, {PLACE: Mark(5, 10, 0, is_ours=False, is_later=True)})
    own = first.known[PLACE]
    assert written(plan(5, 10, own)) is None
    assert written(plan(7, 10, own)) == 7
    both_moved = plan(7, 12, own)
    assert (both_moved.writes, both_moved.known) == ({}, {PLACE: Mark(7, 12, 0, is_ours=False)})


def test_a_commit_that_never_came_about_is_made_and_one_that_did_is_ours() -> None:
    """The mark of a commit is written first; the worker may die before the commit or after it."""
    intended = plan(9, 5, Mark(5, 5)).after[PLACE]
    assert intended == Mark(9, 9, before=5)
    assert written(plan(12, 5, intended)) == 12
    assert written(plan(12, 9, intended)) == 12
    own = plan(12, 7, intended)
    assert (own.writes, own.known) == ({}, {PLACE: Mark(12, 7, 0, is_ours=False)})
    over_own = plan(9, 7, Mark(5, 7, 0, is_ours=False)).after[PLACE]
    assert written(plan(9, 7, over_own)) == 9
    seen = plan(9, 9, intended).known[PLACE]
    assert plan(9, 5, seen).known == {PLACE: Mark(9, 5, 0, is_ours=False, is_later=True)}, (
        "set back here by hand, later"
    )


def test_an_offset_that_was_here_before_the_link_is_the_groups_own() -> None:
    found = plan(5, 10, None)
    assert (found.writes, found.known) == ({}, {PLACE: Mark(5, 10, 0, is_ours=False)})


def test_another_metadata_string_is_a_commit_of_the_group_as_well() -> None:
    found = plan_group(
        {PLACE: CommittedOffset(5, "a")},
        {PLACE: CommittedOffset(5, "b")},
        {PLACE: Mark(5, 5, note_of("a"))},
        {PLACE: WIDE},
    )
    assert (found.writes, found.known) == ({}, {PLACE: Mark(5, 5, note_of("b"), is_ours=False, is_later=True)})


def test_partitions_without_bounds_and_without_a_source_offset_are_left_alone() -> None:
    """TASK-2, TASK-12."""
    found = plan_group({("other", 0): CommittedOffset(1)}, {PLACE: CommittedOffset(4)}, {PLACE: Mark(4, 4)}, {})
    assert (found.writes, found.known) == ({}, {})


offsets = st.integers(0, 50)
notes = st.sampled_from([0, note_of("x")])
marks = st.builds(Mark, offsets, offsets, notes, st.booleans(), st.integers(-1, 50), notes)
places = st.tuples(st.sampled_from(["a", "b.c", "d:e"]), st.integers(0, 3))
commits = st.dictionaries(places, st.builds(CommittedOffset, offsets, st.sampled_from(["", "x"])))


@given(commits, commits, st.dictionaries(places, marks), offsets, offsets)
def test_every_write_is_within_the_log_and_a_second_look_finds_nothing_to_do(
    source: dict[tuple[str, int], CommittedOffset],
    here: dict[tuple[str, int], CommittedOffset],
    known: Marks,
    one: int,
    other: int,
) -> None:
    room = Bounds(min(one, other), max(one, other))
    bounds = dict.fromkeys(source, room)
    found = plan_group(source, here, known, bounds)
    assert all(room.start <= offset.offset <= room.end for offset in found.writes.values())
    marks_then = {**known, **found.known, **found.after}
    second = plan_group(source, {**here, **found.writes}, marks_then, bounds)
    assert second.writes == {} and set(second.known) <= set(found.writes), "it sees that its commits have come about"
    third = plan_group(source, {**here, **found.writes}, {**marks_then, **second.known}, bounds)
    assert (third.writes, third.known) == ({}, {})


@given(st.dictionaries(places, marks))
def test_rows_keep_marks(known: Marks) -> None:
    row = write_row("id", known)
    assert read_row(row, "id") == known
    assert read_row(row, "another link of the same name") == {}
