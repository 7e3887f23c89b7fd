"""What the offset sync remembers of each partition of a group, so that it can tell its own commits from the group's.

A commit carries no time that could be read back. So a mark keeps what both sides showed when the partition was last
looked at with a change, and whether what stood on the destination was ours (TASK-5, TASK-10). One row a group, small:
`{"link_id": ..., "marks": {topic: "partition:source:here:note:ours ..."}}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

Place = tuple[str, int]
"""A partition of a mirror topic, by the mirror's name."""


@dataclass(frozen=True, slots=True)
class Mark:
    """`source` and `here`: the offsets committed on either side; `note`: the fingerprint of the metadata `here`."""

    source: int
    here: int
    note: int = 0
    is_ours: bool = True


Marks = dict[Place, Mark]


def note_of(metadata: str) -> int:
    """A fingerprint of a commit's metadata string; 0 for an empty one."""
    return crc32(metadata.encode()) if metadata else 0


def write_row(cluster_link_id: str, marks: Mapping[Place, Mark]) -> dict[str, Any]:
    """The row of a group. It names the link's id: a later link of the same name starts from nothing."""
    topics: dict[str, list[str]] = {}
    for (topic, partition), mark in sorted(marks.items()):
        numbers = (partition, mark.source, mark.here, mark.note, int(mark.is_ours))
        topics.setdefault(topic, []).append(":".join(map(str, numbers)))
    return {"link_id": cluster_link_id, "marks": {topic: " ".join(rows) for topic, rows in topics.items()}}


def read_row(row: Mapping[str, Any] | None, cluster_link_id: str) -> Marks:
    """The marks of a row that this link wrote; none for another's row, or for no row at all."""
    if row is None or row.get("link_id") != cluster_link_id:
        return {}
    marks: Marks = {}
    for topic, text in row["marks"].items():
        for part in text.split():
            partition, source, here, note, ours = map(int, part.split(":"))
            marks[topic, partition] = Mark(source, here, note, bool(ours))
    return marks
