"""What the offset sync remembers of each partition of a group, so that it can tell its own commits from the group's.

A commit carries no time that could be read back. So a mark keeps what both sides showed when the partition was last
looked at with a change, and whether what stood on the destination was ours (TASK-5, TASK-10). The mark of a commit is
written before the commit and says what it replaces, so that a worker that dies in between leaves no doubt. One row a
group, small: `{"link_id": ..., "marks": {topic: "partition:source:here:note:whose:before:note ..."}}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

LATER = 2
"""In a row: whose commit it is, 1 for ours, 0 for the group's, this for a later one of the group's."""
RESTORED = -1
"""Instead of the source's offset: a restore has committed what stands here, and the source was not looked at since."""
Place = tuple[str, int]
"""A partition of a mirror topic, by the mirror's name."""


@dataclass(frozen=True, slots=True)
class Mark:
    """`source` and `here`: the offsets committed on either side; `note`: the fingerprint of the metadata `here`.

    `before` and `before_note`: what stood here when a commit of ours was about to be made; -1 for nothing. `is_later`:
    a commit of the group's own, made after `source` had been seen (`two_sided`).
    """

    source: int
    here: int
    note: int = 0
    is_ours: bool = True
    before: int = -1
    before_note: int = 0
    is_later: bool = False


Marks = dict[Place, Mark]


def note_of(metadata: str) -> int:
    """A fingerprint of a commit's metadata string; 0 for an empty one."""
    return crc32(metadata.encode()) if metadata else 0


def write_row(cluster_link_id: str, marks: Mapping[Place, Mark]) -> dict[str, Any]:
    """The row of a group. It names the link's id: a later link of the same name starts from nothing."""
    topics: dict[str, list[str]] = {}
    for (topic, partition), mark in sorted(marks.items()):
        whose = LATER if mark.is_later else int(mark.is_ours)
        numbers = (partition, mark.source, mark.here, mark.note, whose, mark.before, mark.before_note)
        topics.setdefault(topic, []).append(":".join(map(str, numbers)))
    return {"link_id": cluster_link_id, "marks": {topic: " ".join(rows) for topic, rows in topics.items()}}


def read_row(row: Mapping[str, Any] | None, cluster_link_id: str) -> Marks:
    """The marks of a row that this link wrote; none for another's row, or for no row at all."""
    if row is None or row.get("link_id") != cluster_link_id:
        return {}
    marks: Marks = {}
    for topic, text in row["marks"].items():
        for part in text.split():
            partition, source, here, note, whose, before, before_note = map(int, part.split(":"))
            marks[topic, partition] = Mark(source, here, note, whose == 1, before, before_note, whose == LATER)
    return marks
