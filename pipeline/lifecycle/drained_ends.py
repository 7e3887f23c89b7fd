"""Where the logs of a draining mirror and of its source end, and what that says (MIRROR-55, MIRROR-67). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.cluster.administration.offsets import FoundOffset
from pipeline.cluster.errors import ClusterError
from pipeline.lifecycle.remote_errors import task_error
from pipeline.link.models import Mirror, TaskError
from pipeline.link.states import TaskErrorCode

HELD_UP_S = 10.0
"""A mirror that is behind and has not come further for so long is held up by something."""


@dataclass(frozen=True)
class Ends:
    """Where logs end, by (topic, partition), at the source and on the mirror."""

    source: Mapping[tuple[str, int], int | TaskError] = field(default_factory=dict)
    mirror: Mapping[tuple[str, int], int | TaskError] = field(default_factory=dict)

    def mirror_of(self, mirror: Mirror) -> tuple[int | TaskError, ...]:
        """Ends of a mirror, by partition."""
        return tuple(self.mirror[mirror.mirror_topic, partition] for partition in range(mirror.partitions))

    def source_of(self, mirror: Mirror) -> tuple[int | TaskError, ...]:
        """Ends of a mirror's source, by partition."""
        return tuple(self.source[mirror.source_topic, partition] for partition in range(mirror.partitions))


def compare(mirror: Mirror, ends: Ends) -> bool | TaskError:
    """Whether a mirror has all of its source; an error that forbids to tell, or says that it never will."""
    is_equal = True
    for partition in range(mirror.partitions):
        there, here = ends.source[mirror.source_topic, partition], ends.mirror[mirror.mirror_topic, partition]
        for answer in (there, here):
            if isinstance(answer, TaskError):
                return answer
        if here > there:  # type: ignore[operator]
            return TaskError(
                TaskErrorCode.INVALID_REQUEST_ERROR,
                f"{mirror.mirror_topic}-{partition} ends at {here}, its source at {there}: the source has lost records "
                "that the mirror has. Fail the mirror over to keep them.",
            )
        is_equal = is_equal and there == here
    return is_equal


def held_up_by(
    behind: Sequence[tuple[str, int]],
    stable: Mapping[tuple[str, int], int],
    here: Sequence[int | TaskError],
) -> tuple[TaskError, ...]:
    """What to say of source partitions whose mirrors come no further. `stable`: their last stable offsets."""
    still = {place for place in behind if stable[place] <= here[place[1]]}  # type: ignore[operator]
    names = {
        is_open: ", ".join(f"{t}-{p}" for t, p in behind if ((t, p) in still) is is_open) for is_open in (True, False)
    }
    found = []
    if names[True]:
        found.append(
            f"source: a transaction is open on {names[True]}; what comes after its first record is not mirrored before "
            "it ends. If its producer has gone, end it there (kafka-transactions.sh --abort), or fail the mirror over"
        )
    if names[False]:
        found.append(f"{names[False]}: there are records at the source that have not come for {HELD_UP_S:.0f} s")
    return tuple(TaskError(TaskErrorCode.UNKNOWN, text) for text in found)


def offset_or_error(answer: FoundOffset | ClusterError, side: str) -> int | TaskError:
    return task_error(answer, side) if isinstance(answer, ClusterError) else answer.offset
