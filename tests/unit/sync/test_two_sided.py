"""Offsets over a two-sided link: none travels back, none gives way to an older one, all comes to rest (TASK-16).

The model has one partition of a topic that is regular on one side and a mirror on the other, one group, and the two
syncs, which run in steps that interleave in any order with each other and with the group's commits. Commits of the
group are numbered in the order in which they were made: the number is what "older" means. Each has an offset of its
own, forwards or backwards: that somebody has committed what stood there already cannot be seen, and changes nothing.

One thing is taken for granted: a group that moves to the other cluster commits there later than a cycle takes from
reading the source to reading the destination. A commit carries no time by which more could be told.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.cluster.administration.group_offsets import CommittedOffset
from pipeline.link.models import Mirror
from pipeline.link.states import MirrorStatus
from pipeline.sync.marks import Mark, Marks
from pipeline.sync.offset_plan import Bounds, plan_group
from pipeline.sync.two_sided import counterparts, judged

PLACE = ("t", 0)
ROOM = {PLACE: Bounds(0, 1_000)}


@dataclass
class Standing:
    """What is committed on a side, and by which of the group's commits it came about."""

    committed: CommittedOffset
    number: int


@dataclass
class Side:
    """One cluster and its sync; `seen` is what a cycle that is under way has read of the other side."""

    standing: Standing | None = None
    marks: Marks = field(default_factory=dict)
    seen: tuple[dict[tuple[str, int], CommittedOffset], Marks, int] | None = None

    @property
    def offsets(self) -> dict[tuple[str, int], CommittedOffset]:
        return {} if self.standing is None else {PLACE: self.standing.committed}

    def read(self, other: Side) -> None:
        """The first half of a cycle: the other side's marks and offsets."""
        self.seen = other.offsets, dict(other.marks), other.standing.number if other.standing else -1

    def write(self, other: Side, *, dies: bool = False) -> bool:
        """The second half; whether something was committed. `dies`: between what is remembered and what is written."""
        assert self.seen is not None
        (offsets, before, number), self.seen = self.seen, None
        theirs = judged(offsets, before, other.marks)
        plan = plan_group(theirs.offsets, self.offsets, self.marks, ROOM, of_link=theirs.of_link, seen=theirs.seen)
        self.marks |= plan.known | plan.after
        if not plan.writes or dies:
            return False
        if self.standing is not None:
            assert number > self.standing.number, "an older commit has overwritten a newer one"
        self.standing = Standing(plan.writes[PLACE], number)
        return True

    def cycle(self, other: Side) -> bool:
        self.read(other)
        return self.write(other)


STEPS = st.lists(
    st.tuples(st.sampled_from(["commit", "read", "write", "die", "cycle"]), st.integers(0, 1)),
    max_size=60,
)


@settings(max_examples=2_000)
@given(STEPS)
def test_random_commits_on_both_sides_come_to_rest_and_never_go_back(steps: list[tuple[str, int]]) -> None:
    sides, last = (Side(), Side()), 0
    for number, (step, at) in enumerate(steps):
        here, there = sides[at], sides[1 - at]
        if step == "commit":
            if last != at and here.seen is not None:
                here.write(there)
            last = at
            here.standing = Standing(CommittedOffset(number * 37 % 101, ""), number)
        elif step == "cycle" and here.seen is None:
            here.cycle(there)
        elif step == "read" and here.seen is None:
            here.read(there)
        elif step in ("write", "die") and here.seen is not None:
            here.write(there, dies=step == "die")
    for side in sides:
        side.seen = None
    rounds = 0
    while any([sides[0].cycle(sides[1]), sides[1].cycle(sides[0])]):
        rounds += 1
        assert rounds < 4, "it does not come to rest"


@given(st.lists(st.tuples(st.integers(0, 1), st.lists(st.integers(0, 1), max_size=6)), max_size=12))
def test_a_group_that_moves_is_followed_in_both_directions(moves: list[tuple[int, list[int]]]) -> None:
    """TASK-17: a group that goes where its offsets have arrived already is followed, however the cycles run."""
    sides, last = (Side(), Side()), 0
    for number, (at, cycles) in enumerate(moves):
        if at != last and sides[last].standing is not None:
            for _ in range(3):
                sides[at].cycle(sides[last])
            assert sides[at].standing == sides[last].standing, "its offsets have not arrived"
        sides[at].standing, last = Standing(CommittedOffset(number * 37 % 101, ""), number), at
        for each in cycles:
            sides[each].cycle(sides[1 - each])
    for _ in range(3):
        for each in (0, 1):
            sides[each].cycle(sides[1 - each])
    assert sides[0].standing == sides[1].standing


@pytest.mark.parametrize(
    ("before", "after", "whose"),
    [
        (None, None, "the group's"),
        (Mark(5, 7), Mark(5, 7), "the link's"),
        (Mark(5, 7, is_ours=False), Mark(5, 7, is_ours=False), "the group's"),
        (Mark(5, 9), Mark(5, 9), "the group's"),
        (Mark(9, 9, before=7), Mark(9, 9, before=7), "the link's"),
        (Mark(5, 6), Mark(5, 7), "not known"),
        (Mark(5, 6), Mark(5, 9), "not known"),
        (None, Mark(5, 9), "not known"),
    ],
)
def test_whose_commit_it_is(before: Mark | None, after: Mark | None, whose: str) -> None:
    stands = {PLACE: CommittedOffset(7, "")}
    marks = [{} if mark is None else {PLACE: mark} for mark in (before, after)]
    found = judged(stands, *marks)
    assert found.offsets == ({} if whose == "not known" else stands)
    assert found.of_link == ({PLACE} if whose == "the link's" else set())


def test_the_other_sides_mirrors_of_topics_here() -> None:
    mirrors = [
        Mirror("l", "east.orders", "orders", 3, MirrorStatus.ACTIVE),
        Mirror("l", "east.old", "old", 3, MirrorStatus.STOPPED),
    ]
    (turned,) = counterparts(mirrors)
    assert (turned.mirror_topic, turned.source_topic, turned.partitions) == ("orders", "east.orders", 3)
