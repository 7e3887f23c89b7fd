"""What is kept about links, mirrors, their progress and their tasks, and what is asked and answered.

All are frozen; a change makes a new one (`dataclasses.replace`). Times are epoch milliseconds, 0 where not yet known.
Offsets are Kafka offsets, -1 where not yet known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from pipeline.link.jsonable import Jsonable
from pipeline.link.restore import Restore, RestoreStage
from pipeline.link.states import (
    ConnectionMode,
    LinkErrorCode,
    LinkMode,
    LinkState,
    MirrorError,
    MirrorStatus,
    PendingOperation,
    TaskErrorCode,
    TaskName,
    TaskState,
)

REVERSES = frozenset({PendingOperation.REVERSE_AND_START, PendingOperation.REVERSE_AND_PAUSE})
MOST_TASK_ERRORS = 10
"""A task lists at most this many distinct errors (STATE-29)."""


@dataclass(frozen=True)
class Link(Jsonable):
    """One link object of this cluster (TERM-13). `configs` holds what was set; its secrets are encrypted (LINK-11).

    `link_id` is the deprecated UUID, `cluster_link_id` the 22-character id (TERM-14). `remote_cluster_id` is the
    expected id of the cluster at the other end, whatever the mode calls it (MODE-14). `is_paired`: the other side of a
    two-sided link was there once, so that its absence means that it was deleted (MODE-24).
    """

    name: str
    link_id: str
    cluster_link_id: str
    mode: LinkMode = LinkMode.DESTINATION
    connection_mode: ConnectionMode = ConnectionMode.OUTBOUND
    remote_cluster_id: str | None = None
    configs: Mapping[str, str] = field(default_factory=dict)
    state: LinkState = LinkState.UNKNOWN
    error: LinkErrorCode = LinkErrorCode.NO_ERROR
    error_message: str = ""
    state_time_ms: int = 0
    created_ms: int = 0
    is_paired: bool = False

    @property
    def can_mirror(self) -> bool:
        """Mirrors live on the receiving side: not on a SOURCE link (MODE-18)."""
        return self.mode is not LinkMode.SOURCE

    @property
    def prefix(self) -> str:
        """What is put before source topic names (TERM-23); empty without a prefix."""
        return self.configs.get("cluster.link.prefix", "")


@dataclass(frozen=True)
class TaskError(Jsonable):
    """One error of a task or of a state transition, in the shape REST-56 and REST-62 show it."""

    error_code: TaskErrorCode
    error_message: str


@dataclass(frozen=True)
class FinalPosition(Jsonable):
    """Where one partition of a mirror stood when it stopped; kept until the link is deleted (MIRROR-79)."""

    partition: int
    log_end_offset: int = -1
    lag: int = 0
    last_source_fetch_offset: int = -1


@dataclass(frozen=True)
class Mirror(Jsonable):
    """One mirror topic (TERM-6). `start_offsets[p]` is the first mirrored offset of partition p, empty until
    resolved.

    `resume_status` is the state to go back to when the link's pause or failure ends (MIRROR-37), `pending` the
    operation that a PENDING state serves. `cleanup_policy` is the source's: gaps are filled otherwise in compacted
    topics. `source_configs` are the source's values of the configs that have to differ while the topic is a mirror, so
    that they can be set when it stops, the source reachable or not (MIRROR-90). `is_drained`: a promotion has all that
    the source has; from then on nothing is copied any more (MIRROR-67). `is_handed_over`: the counterpart of a reverse
    is a mirror of this topic from now on, so that this one may stop. `is_adopted`: the topic was there, with records,
    before it became a mirror; its `start_offsets` are the log ends of that moment (MIRROR-71).
    `restore` is there while a truncate-and-restore makes a mirror of a regular topic (MIRROR-73), and while one that
    has made the topic anew is given up.
    """

    link: str
    mirror_topic: str
    source_topic: str
    partitions: int = 0
    status: MirrorStatus = MirrorStatus.PENDING_MIRROR
    error: MirrorError = MirrorError.NO_ERROR
    error_message: str = ""
    status_time_ms: int = 0
    source_topic_id: str = ""
    mirror_topic_id: str = ""
    resume_status: MirrorStatus | None = None
    pending: PendingOperation | None = None
    start_offsets: tuple[int, ...] = ()
    transition_errors: tuple[TaskError, ...] = ()
    replication_factor: int | None = None
    configs: Mapping[str, str] = field(default_factory=dict)
    cleanup_policy: str = ""
    source_configs: Mapping[str, str] = field(default_factory=dict)
    is_drained: bool = False
    is_handed_over: bool = False
    is_adopted: bool = False
    final: tuple[FinalPosition, ...] = ()
    created_ms: int = 0
    restore: Restore | None = None

    @property
    def is_copying(self) -> bool:
        """Whether records may be appended now: a failover copies no more (MIRROR-68), a promote drains (MIRROR-67)."""
        if self.status is MirrorStatus.PENDING_RESTORE:
            return self.has_been_remade
        return self.status.is_copying and not self.is_drained and self.pending is not PendingOperation.FAILOVER

    @property
    def is_reversing(self) -> bool:
        """Whether a reverse of it is under way (MIRROR-71, MIRROR-72)."""
        return self.status is MirrorStatus.PENDING_STOPPED and self.pending in REVERSES

    @property
    def is_restoring(self) -> bool:
        """Whether a truncate-and-restore of it is under way, not given up by a failover."""
        return self.restore is not None and self.pending is PendingOperation.TRUNCATE_AND_RESTORE

    @property
    def has_been_remade(self) -> bool:
        """Whether a restore has made the topic anew, so that groups wait for their offsets on it (MIRROR-85)."""
        return self.restore is not None and self.restore.stage is RestoreStage.COPYING

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        """As every model, but a state of a newer version reads as FAILED / UNSUPPORTED_MIRROR_STATE (MIRROR-46).

        Nothing is copied for such a mirror here; a worker of the newer version carries it on.
        """
        if isinstance(raw, Mapping):
            for name, words in (
                ("status", MirrorStatus),
                ("resume_status", MirrorStatus),
                ("pending", PendingOperation),
            ):
                word = raw.get(name)
                if isinstance(word, str) and word.upper() not in words.__members__:
                    return super().from_json(
                        {
                            **raw,
                            "status": MirrorStatus.FAILED,
                            "resume_status": None,
                            "pending": None,
                            "error": MirrorError.UNSUPPORTED_MIRROR_STATE,
                            "error_message": f"{name} '{word}' was written by a newer version of clusterlink; "
                            "upgrade this worker",
                        }
                    )
        return super().from_json(raw)


@dataclass(frozen=True)
class Position(Jsonable):
    """How far one partition of a mirror has come, as the worker that copies it last reported.

    `records` and `bytes` were mirrored, `gap_offsets` filled because the source shows nothing there, `lost` are
    ranges (first, last) of source offsets deleted at the source before they could be read. `marker_path` says how
    gaps are filled: `direct`, `coordinator`, or empty before the first gap. `denied` are permissions that are missing
    just now (STATE-35, STATE-36); what they are needed for is tried again until they are there.
    """

    link: str
    mirror_topic: str
    partition: int
    log_end_offset: int = -1
    source_high_watermark: int = -1
    last_source_fetch_offset: int = -1
    last_fetch_ms: int = 0
    records: int = 0
    bytes: int = 0
    gap_offsets: int = 0
    lost: tuple[tuple[int, int], ...] = ()
    error: MirrorError = MirrorError.NO_ERROR
    error_message: str = ""
    marker_path: str = ""
    worker: str = ""
    time_ms: int = 0
    mirror_topic_id: str = ""
    mirror_created_ms: int = 0
    """Of which mirror of this name: its `created_ms`; 0 where an older version reported it."""
    source_topic_id: str = ""
    source_epoch: int = -1
    """Leader epoch of the source's batch in front of `source_epoch_end`; -1 where it is not known (MIRROR-18)."""
    source_epoch_end: int = -1
    denied: tuple[TaskError, ...] = ()

    def is_of(self, mirror: Mirror) -> bool:
        """Whether this is of that mirror, and not of an earlier one of its name. Clocks of workers may differ."""
        if self.mirror_created_ms:
            return self.mirror_created_ms == mirror.created_ms
        return self.time_ms >= mirror.created_ms

    @property
    def lag(self) -> int:
        """Records on the source that are not yet on the mirror; never negative (MIRROR-95)."""
        return max(0, self.source_high_watermark - max(self.log_end_offset, 0))

    def final(self) -> FinalPosition:
        """What is kept of this position when the mirror stops (MIRROR-79)."""
        return FinalPosition(self.partition, self.log_end_offset, self.lag, self.last_source_fetch_offset)


@dataclass(frozen=True)
class TaskStatus(Jsonable):
    """What one of the four tasks of a link last reported (STATE-20..29, TASK-54)."""

    link: str
    task: TaskName
    state: TaskState = TaskState.UNKNOWN
    errors: tuple[TaskError, ...] = ()
    last_run_ms: int = 0
    duration_ms: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)


def at_most_ten(errors: Iterable[TaskError]) -> tuple[TaskError, ...]:
    """Drop repetitions and put all errors past the tenth into one SUPPRESSED_ERRORS with a count (STATE-29)."""
    distinct = tuple(dict.fromkeys(errors))
    rest = len(distinct) - MOST_TASK_ERRORS
    if rest <= 0:
        return distinct
    return (*distinct[:MOST_TASK_ERRORS], TaskError(TaskErrorCode.SUPPRESSED_ERRORS, f"{rest} further errors"))


@dataclass(frozen=True)
class Command(Jsonable):
    """What was asked for, by whoever (`principal`); `arguments` by the names of `commands.KINDS` (CLI-65)."""

    id: str
    link: str
    kind: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    validate_only: bool = False
    principal: str = ""
    time_ms: int = 0


@dataclass(frozen=True)
class Result(Jsonable):
    """The answer to the command of the same id: HTTP status, and if refused the error_code and message of spec 8.4."""

    id: str
    link: str
    kind: str
    status: int = 200
    error_code: int | None = None
    message: str | None = None
    data: Any = None
    time_ms: int = 0
    worker: str = ""
