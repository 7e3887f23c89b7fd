"""Put a mirror topic's configs right when its broker refuses what the source's log holds (MIRROR-88, MIRROR-90).

A mirror gets the configs that exactness needs when it is made, and the sync of configs keeps them. In between, someone
may change them, and a batch of the source may be larger than the `max.message.bytes` that either topic has: it was
written under a higher one, or is larger once it had to be written anew. The broker says so by refusing an append (10,
18, 32), so nothing wrong has landed: the configs are set again, and the append is tried again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from pipeline.cluster.admin import Admin
from pipeline.cluster.errors import ClusterError
from pipeline.link.errors import MirrorFailure
from pipeline.link.states import MirrorError
from pipeline.link.topic_configs import differences, exact

log = logging.getLogger(__name__)
MARKER_BYTES = 128
"""More than a marker's batch takes."""
MOST_IN_A_ROW = 20
"""Refusals of one append until its mirror fails: a changed config takes effect after a moment, or never."""


@dataclass(slots=True)
class Repair:
    """What a broker would not take, and why; `times` in a row."""

    batch_bytes: int
    reason: str
    times: int = 1


async def repair(admin: Admin, topic: str, needed: Repair) -> None:
    """Set what the mirror needs for its next append.

    Raises MirrorFailure where that may not be done or does not help, and a retriable ClusterError when asking failed.
    """
    try:
        found = await admin.topic_configs(topic)
        current = {name: each.value for name, each in found.items() if each.value is not None}
        size = max(needed.batch_bytes, MARKER_BYTES)
        wanted: dict[str, str | None] = {name: value for name, value in exact(current, size).items() if name in current}
        if int(current.get("segment.bytes", size)) < size:
            wanted["segment.bytes"] = str(size)
        changes = {name: value for name, value in differences(wanted, current).items() if value is not None}
        if needed.times > MOST_IN_A_ROW:
            raise _failure(topic, needed, f"its configs are as they should be, and {needed.times} tries were refused")
        if changes:
            log.warning("Mirror topic %s: %s; setting %s", topic, needed.reason, changes)
            await admin.alter_topic_configs(topic, changes)
    except ClusterError as error:
        if error.retriable:
            raise
        raise _failure(topic, needed, f"its configs may not be changed: {error}") from error


def _failure(topic: str, needed: Repair, why: str) -> MirrorFailure:
    size = f" of {needed.batch_bytes} bytes" if needed.batch_bytes else ""
    return MirrorFailure(
        MirrorError.ILLEGAL_STATE,
        f"{topic} does not take an append{size} ({needed.reason}), and {why}. Give the worker ALTER_CONFIGS on the "
        "mirror topic, or set max.message.bytes and segment.bytes on it large enough and message.timestamp.*.max.ms to "
        "their maximum; then delete the mirror and create it again.",
    )
