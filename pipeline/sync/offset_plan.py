"""Decide what to commit for a group on the destination (TASK-5..11). Pure.

    destination has     remembered of it     then
    nothing             -                    commit
    what it should      -                    nothing, and it is ours
    something else      not this             the group committed here by itself: its own value stays (TASK-10), unless
                                             its commit at the source was made when this one had been seen (TASK-17)
    something else      this, ours           commit: the source has moved, or the mirror has come further (TASK-6)
    something else      this, the group's    commit only if the source has moved since (TASK-10)
    something else      this, by a restore   commit only if the source is further, or moves from then on: its group may
                                             have gone on at the other side, and rest there
    what stood before   a commit of ours     commit: it never came about
    anything            -                    nothing where the source's is itself the other side's copy of ours: it is
                                             remembered that both sides have seen each other's (`two_sided`)

What it should have is the source's offset, kept between the mirror's log start and log end (TASK-6, TASK-7), with the
source's metadata string (TASK-8). A source offset that went backwards is one that moved (TASK-11); partitions without
an offset at the source are left as they are (TASK-12).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pipeline.cluster.administration.group_offsets import CommittedOffset
from pipeline.sync.marks import RESTORED, Mark, Marks, Place, note_of


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a mirror partition's log starts and ends, as consumers see it."""

    start: int
    end: int

    def clamp(self, offset: int) -> int:
        """The nearest offset that a consumer can go on from."""
        return max(self.start, min(offset, self.end))


@dataclass
class GroupPlan:
    """`writes`: what to commit; `after`: their marks, to be remembered first; `known`: marks of what stands already."""

    writes: dict[Place, CommittedOffset] = field(default_factory=dict)
    after: Marks = field(default_factory=dict)
    known: Marks = field(default_factory=dict)
    clamped: int = 0


def plan_group(
    source: Mapping[Place, CommittedOffset],
    here: Mapping[Place, CommittedOffset],
    marks: Mapping[Place, Mark],
    bounds: Mapping[Place, Bounds],
    *,
    of_link: Collection[Place] = (),
    seen: Mapping[Place, int] | None = None,
) -> GroupPlan:
    """Compare both sides of one group, by the mirror's partitions; those without `bounds` are not ours to touch.

    `of_link`: where the source's offset was written by the other side of the link (TASK-16). `seen`: what the group had
    seen of this side's when it committed there.
    """
    plan = GroupPlan()
    for place, theirs in source.items():
        room = bounds.get(place)
        if room is None:
            continue
        if place in of_link:
            back = here.get(place)
            if back is not None and not _is_seen(marks.get(place), theirs, back):
                plan.known[place] = Mark(theirs.offset, *stands_of(back), is_ours=False, is_later=True)
            continue
        target = CommittedOffset(room.clamp(theirs.offset), theirs.metadata)
        plan.clamped += target.offset != theirs.offset
        now, mark = here.get(place), marks.get(place)
        stands = None if now is None else stands_of(now)
        is_seen = stands is not None and seen is not None and seen.get(place) == stands[0]
        if now is not None and (now.offset, now.metadata) == (target.offset, target.metadata):
            if mark != (equal := Mark(theirs.offset, *stands_of(now))):
                plan.known[place] = equal  # also: the commit has come about, and what it replaced is of no interest
        elif stands is not None and not _is_expected(mark, stands) and not is_seen:
            is_later = mark is not None and mark.source == theirs.offset
            plan.known[place] = Mark(theirs.offset, *stands, is_ours=False, is_later=is_later)
        elif is_seen or _is_due(mark, stands, theirs.offset):
            plan.writes[place] = target
            plan.after[place] = Mark(theirs.offset, *stands_of(target), True, *(stands or (-1, 0)))
        elif stands is not None and mark is not None and mark.source == RESTORED:
            plan.known[place] = Mark(theirs.offset, *stands, is_ours=False)
    return plan


def stands_of(committed: CommittedOffset) -> tuple[int, int]:
    """What a mark remembers of a commit: its offset and the fingerprint of its metadata."""
    return committed.offset, note_of(committed.metadata)


def _is_seen(mark: Mark | None, theirs: CommittedOffset, here: CommittedOffset) -> bool:
    return mark is not None and (mark.source, mark.here, mark.note) == (theirs.offset, *stands_of(here))


def _is_expected(mark: Mark | None, stands: tuple[int, int]) -> bool:
    """Whether the group has committed nothing here by itself since the mark was made."""
    return mark is not None and stands in ((mark.here, mark.note), (mark.before, mark.before_note))


def _is_due(mark: Mark | None, stands: tuple[int, int] | None, source: int) -> bool:
    """Whether what stands here, and is no news, gives way to the source's."""
    if stands is None or mark is None or mark.is_ours:
        return True
    return source > stands[0] if mark.source == RESTORED else mark.source != source
