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
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

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


def judged(found: Offsets, before: Mapping[Place, Mark], after: Mapping[Place, Mark]) -> tuple[Offsets, set[Place]]:
    """What stands on the other side, as far as it can be told whose it is, and where of that it is the link's.

    `before` and `after`: the marks there, read before and after the offsets were.
    """
    known = {place: each for place, each in found.items() if before.get(place) == after.get(place)}
    return known, {place for place, each in known.items() if is_of_link(after.get(place), each)}


def is_of_link(mark: Mark | None, committed: CommittedOffset) -> bool:
    """Whether the sync on that side has written what stands there, or is about to write over it."""
    if mark is None or not mark.is_ours:
        return False
    return stands_of(committed) in ((mark.here, mark.note), (mark.before, mark.before_note))
