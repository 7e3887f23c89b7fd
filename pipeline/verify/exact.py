"""The strict comparison: what consumers see is the same, offset for offset and byte for byte (MIRROR-2, I1, I2).

Three views of one range are walked together: the source as read_committed sees it, and the mirror as read_uncommitted
and as read_committed see it. The third view is compared by offset alone: both views of the mirror read one log, so
that equal offsets are equal records; what they can disagree about is which records there are.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.verify.chunks import Chunk, Stream, Window
from pipeline.verify.report import Difference, describe

READ_UNCOMMITTED, READ_COMMITTED = "read_uncommitted", "read_committed"
Tally = Callable[[Chunk], None]


def compare(partition: int, source: Stream, mirror: Stream, committed: Stream, tally: Tally) -> Difference | None:
    """Walk the three streams to their ends, or to the first difference. tally is told of each chunk found equal."""
    left, right, stable = Window(source), Window(mirror), Window(committed)
    while True:
        ahead = left.ahead(), right.ahead(), stable.ahead()
        if not any(ahead):
            return None
        if not (ahead[0] and ahead[1]):
            return _one_ended(partition, left, right, READ_UNCOMMITTED)
        if not ahead[2]:
            return _one_ended(partition, left, stable, READ_COMMITTED)
        step = min(ahead)
        here, there = left.take(step), right.take(step)
        found = unequal(partition, here, there) or _hidden(partition, here, stable.take(step))
        if found:
            return found
        tally(here)


def unequal(partition: int, here: Chunk, there: Chunk) -> Difference | None:
    """The first difference between two chunks of the same length; offsets tell a missing record from an added one."""
    if (
        here.offsets == there.offsets
        and here.values == there.values
        and here.keys == there.keys
        and here.timestamps == there.timestamps
        and here.headers == there.headers
    ):
        return None
    for at, offset in enumerate(here.offsets):
        if offset != there.offsets[at]:
            return _one_sided(partition, offset, there.offsets[at], READ_UNCOMMITTED)
        found = unequal_record(partition, here, at, there, at)
        if found:
            return found
    raise AssertionError("chunks differ as a whole and in no record")


def unequal_record(partition: int, here: Chunk, at: int, there: Chunk, there_at: int) -> Difference | None:
    """The first field in which two records of the same offset differ."""
    fields: tuple[tuple[str, object, object], ...] = (
        ("key", here.keys[at], there.keys[there_at]),
        ("value", here.values[at], there.values[there_at]),
        ("headers", here.headers[at], there.headers[there_at]),
        ("timestamp", here.timestamps[at], there.timestamps[there_at]),
    )
    for name, source, mirror in fields:
        if source != mirror:
            return Difference(partition, here.offsets[at], name, describe(source), describe(mirror))
    return None


def _hidden(partition: int, here: Chunk, stable: Chunk) -> Difference | None:
    if here.offsets == stable.offsets:
        return None
    pair = next((a, b) for a, b in zip(here.offsets, stable.offsets, strict=True) if a != b)
    return _one_sided(partition, *pair, READ_COMMITTED)


def _one_sided(partition: int, source: int, mirror: int, view: str) -> Difference:
    """At one place the two sides go on with different offsets: the lower one is missing on the other side."""
    if source < mirror:
        return Difference(partition, source, "record", "has it", f"has none, goes on at {mirror}", view)
    return Difference(partition, mirror, "record", f"has none, goes on at {source}", "has one", view)


def _one_ended(partition: int, left: Window, right: Window, view: str) -> Difference:
    if left.ahead():
        return Difference(partition, left.take(1).offsets[0], "record", "has it", "has none, nor later ones", view)
    return Difference(partition, right.take(1).offsets[0], "record", "has none, nor later ones", "has one", view)
