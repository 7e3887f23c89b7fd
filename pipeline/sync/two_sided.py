"""Committed offsets over a two-sided link, without ping-pong (TASK-16, TASK-17). Pure.

Each side carries offsets to itself: those on the source topics of its mirrors, and those on the other side's mirrors of
its own topics, which DR consumers read (TASK-17). So a topic's offsets are carried in both directions, and a value that
one side's sync has written must never come back as if a group had committed it: it may be older by then than what the
group has committed here.

What a sync has written, its side remembers before it writes (`marks`). The other side reads those marks:

    the other side's mark of the partition               what stands there is
    changed between the looks before and after           not known; the next cycle tells
    its own commit, and that stands, or stood before it  the link's: nobody's news
    anything else, or no mark                            a commit of the group

Both sides may have commits of the group that the other has not seen: then each stays. But where the other side had seen
what stands here before the group committed there, its commit is the later one, and is taken: the group has moved there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from pipeline.cluster.administration.group_offsets import CommittedOffset, Offsets
from pipeline.link.models import Mirror
from pipeline.link.states import MirrorStatus
from pipeline.sync.marks import Mark, Marks, Place
from pipeline.sync.offset_plan import stands_of

MarksOf = Callable[[str], Marks]
"""A group's name -> what the other side remembers of it, by the other side's topics."""


def counterparts(theirs: Iterable[Mirror]) -> list[Mirror]:
    """The other side's mirrors of topics here, turned around: as if the topics here were mirrors of those (TASK-17)."""
    return [
        replace(mirror, mirror_topic=mirror.source_topic, source_topic=mirror.mirror_topic)
        for mirror in theirs
        if mirror.status is MirrorStatus.ACTIVE
    ]


@dataclass(frozen=True)
class Theirs:
    """What stands on the other side, as far as it can be told whose it is; by the partitions' names of one side.

    `of_link`: where the link has written it. `seen`: of commits of the group, what it had seen of this side's before.
    """

    offsets: Offsets
    of_link: Collection[Place] = ()
    seen: Mapping[Place, int] = field(default_factory=dict)


def judged(found: Offsets, before: Mapping[Place, Mark], after: Mapping[Place, Mark]) -> Theirs:
    """Tell the group's commits from the link's. `before` and `after`: the marks there, read before and after the
    offsets were.
    """
    known = {place: each for place, each in found.items() if before.get(place) == after.get(place)}
    of_link = {place for place, each in known.items() if is_of_link(after.get(place), each)}
    seen = {
        place: mark.source
        for place, each in known.items()
        if place not in of_link and (mark := after.get(place)) is not None and _is_after(mark, each)
    }
    return Theirs(known, of_link, seen)


def is_of_link(mark: Mark | None, committed: CommittedOffset) -> bool:
    """Whether the sync on that side has written what stands there, or is about to write over it."""
    if mark is None or not mark.is_ours:
        return False
    return stands_of(committed) in ((mark.here, mark.note), (mark.before, mark.before_note))


def _is_after(mark: Mark, committed: CommittedOffset) -> bool:
    """Whether a commit of the group's was made after its side had seen `mark.source`: since the mark, or so it says."""
    return mark.is_later or stands_of(committed) != (mark.here, mark.note)
