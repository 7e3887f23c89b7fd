"""What truncate-and-restore means for one topic (MIRROR-73, MIRROR-85): where it is cut, how much is removed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.link.jsonable import Jsonable
from pipeline.link.names import LONGEST_NAME
from pipeline.link.states import Word


class RestoreStage(Word):
    """How far a restore has come. Each is done again from its beginning by whoever leads the link next."""

    COMPARING = "COMPARING"
    """Nothing has happened to the topic yet (PENDING_SETUP_FOR_RESTORE)."""
    SAVING = "SAVING"
    """What is cut off goes to the side topic, group offsets into a table."""
    REMAKING = "REMAKING"
    """The topic is deleted and made again."""
    COPYING = "COPYING"
    """The topic is filled from the remote; then the group offsets come back."""


@dataclass(frozen=True)
class Restore(Jsonable):
    """A restore under way, kept in the mirror's row. Offsets are by partition of the topic as it was.

    `cuts[p]` is the first offset that may differ from the remote's, `ends[p]` where the log ended when last looked,
    `starts[p]` where it began. `side_topic` is empty where nothing is to be saved. `replicas` and `configs` are the
    topic's own; it gets them again.
    """

    cuts: tuple[int, ...]
    ends: tuple[int, ...]
    starts: tuple[int, ...]
    old_topic_id: str
    stage: RestoreStage = RestoreStage.COMPARING
    side_topic: str = ""
    replicas: int = -1
    configs: Mapping[str, str] = field(default_factory=dict)

    @property
    def removed(self) -> tuple[int, ...]:
        """Offsets that are cut off each partition."""
        return tuple(
            max(0, end - max(cut, start)) for cut, end, start in zip(self.cuts, self.ends, self.starts, strict=True)
        )

    @property
    def has_diverged(self) -> bool:
        return any(self.removed)

    def with_ends(self, ends: Sequence[int]) -> Restore:
        """The same where the log ends there now. Partitions that the topic has got since are cut to nothing: the
        remote's mirror has stopped without them.
        """
        more = (0,) * (len(ends) - len(self.cuts))
        return replace(self, cuts=self.cuts + more, starts=self.starts + more, ends=tuple(ends))

    def answer(self, by_partition: bool) -> dict[str, Any]:
        """The fields of REST-63 that are this operation's own. A partition of which nothing is cut has no offset."""
        rows = [
            {
                "partition_id": partition,
                "offset_truncated_to": cut if count else None,
                "messages_truncated": count,
            }
            for partition, (cut, count) in enumerate(zip(self.cuts, self.removed, strict=True))
        ]
        return {
            "messages_truncated": sum(self.removed),
            "partition_level_truncation_data": rows if by_partition else [],
        }


def cuts_of(stopped_at: Sequence[int], ends: Sequence[int]) -> tuple[int, ...]:
    """Where to cut each partition of a log that ends at `ends`, so that it is no longer than what the remote's mirror
    had when it stopped. Partitions that the mirror did not have yet are cut to nothing.
    """
    return tuple(min(stopped_at[p], end) if p < len(stopped_at) else 0 for p, end in enumerate(ends))


def side_topic_name(topic: str, now_ms: int) -> str:
    """Where what is cut off is saved (MIRROR-85); a long name is shortened to what Kafka allows."""
    tail = f".diverged.{now_ms}"
    return topic[: LONGEST_NAME - len(tail)] + tail


def targets(restore: Restore, start_offsets: Sequence[int]) -> tuple[int, ...]:
    """How far each partition has to be filled again before consumers may have their offsets back."""
    cuts = restore.cuts
    return tuple(max(start, cuts[p] if p < len(cuts) else 0) for p, start in enumerate(start_offsets))
