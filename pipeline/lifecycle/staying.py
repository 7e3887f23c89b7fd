"""Whether a mirror still is what it was when something slow about it began.

Topics are altered, and offsets committed, by name. What was begun for a mirror must not reach it when another operation
has taken its place, nor a topic of its name that is not that mirror: deleted, stopped, made again.
"""

from __future__ import annotations

from pipeline.control.keys import mirror_key
from pipeline.lifecycle.context import Context
from pipeline.link.models import Mirror


def is_same(one: Mirror, other: Mirror) -> bool:
    """The same operation on the same mirror: not one that was deleted and created again, nor one failed over since."""
    return (one.mirror_topic_id, one.status_time_ms, one.pending, one.status, one.is_drained, one.partitions) == (
        other.mirror_topic_id,
        other.status_time_ms,
        other.pending,
        other.status,
        other.is_drained,
        other.partitions,
    )


def stays(context: Context, mirror: Mirror) -> bool:
    """Whether the mirror's row says the same now."""
    row = context.model.mirrors.get(mirror_key(mirror.link, mirror.mirror_topic))
    return row is not None and is_same(row, mirror)
