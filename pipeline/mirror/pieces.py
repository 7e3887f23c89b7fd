"""A piece of work: one partition of one mirror, and what is known of it while a worker copies it."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from pipeline.link.models import Position, TaskError
from pipeline.link.states import MirrorError
from pipeline.mirror.epochs import Epochs
from pipeline.mirror.verdicts import Api


@dataclass(frozen=True, slots=True)
class Piece:
    """One mirror partition to copy, as the mirror's row describes it. A changed row is another piece."""

    link: str
    source_topic: str
    mirror_topic: str
    partition: int
    source_topic_id: str
    mirror_topic_id: str
    start_offset: int
    is_compacted: bool = False
    is_adopted: bool = False
    """What lies below the start offset was there before, and stays: nothing is seeded."""
    mirror_created_ms: int = 0
    """Tells mirrors of the same name apart."""

    def __str__(self) -> str:
        return f"{self.mirror_topic}-{self.partition}"


@dataclass(eq=False, slots=True)
class PieceStatus:
    """What the copier of a piece sees and does; read by the reporter, which makes `Position` records of it."""

    piece: Piece
    worker: str
    log_end_offset: int = -1
    source_high_watermark: int = -1
    last_stable_offset: int = -1
    last_source_fetch_offset: int = -1
    seen_ms: int = 0
    """When an answer last told something of the partition; 0 before the first."""
    answered_ms: Callable[[], int] | None = None
    """When the broker last answered a session that has the partition; it leaves out those without news (KIP-227)."""
    records: int = 0
    bytes: int = 0
    gap_offsets: int = 0
    lost: list[tuple[int, int]] = field(default_factory=list)
    epochs: Epochs = field(default_factory=Epochs)
    error: MirrorError = MirrorError.NO_ERROR
    error_message: str = ""
    marker_path: str = ""
    is_seeded: bool = False
    is_changed: bool = True
    reported_ms: int = 0
    waits_for: str = ""
    """Why nothing moves just now, in words; empty while it moves or has nothing to do."""
    denied: dict[Api, TaskError] = field(default_factory=dict)
    """Permissions that were missing when last needed, by what they were needed for."""
    last_timestamp_ms: int = 0
    """The latest timestamp of the batch that was mirrored last; 0 before the first."""
    behind_since_ms: int = 0
    """When the source was first seen ahead of the mirror; 0 while it is not."""
    was_behind: bool = False
    """It was already ahead at the first look: since when, only timestamps can tell."""

    @property
    def last_fetch_ms(self) -> int:
        """When the source last answered a fetch of it; 0 before that (MET-42)."""
        return max(self.seen_ms, self.answered_ms()) if self.answered_ms is not None and self.seen_ms else self.seen_ms

    def read_in(self, answered_ms: Callable[[], int] | None) -> None:
        """It is part of a fetch session, or of none any more."""
        self.seen_ms = self.last_fetch_ms
        self.answered_ms = answered_ms

    def seen(self, high_watermark: int, last_stable_offset: int, fetch_offset: int) -> None:
        """The source answered a fetch."""
        self.allowed(Api.FETCH)
        self.seen_ms = now_ms()
        if high_watermark <= self.log_end_offset:
            self.behind_since_ms, self.was_behind = 0, False
        elif not self.behind_since_ms:
            self.behind_since_ms = self.seen_ms
            self.was_behind = self.source_high_watermark < 0
        if (high_watermark, last_stable_offset) != (self.source_high_watermark, self.last_stable_offset):
            self.source_high_watermark, self.last_stable_offset = high_watermark, last_stable_offset
            self.is_changed = True
        self.last_source_fetch_offset = fetch_offset

    def reached(self, log_end: int) -> None:
        """The mirror's log ends here."""
        if log_end != self.log_end_offset:
            self.log_end_offset = log_end
            self.is_changed = True
            if log_end >= self.source_high_watermark:
                self.behind_since_ms, self.was_behind = 0, False

    def lag_seconds(self, now: int) -> float:
        """About how old the oldest record is that is not mirrored yet, 0 when caught up (MET-41).

        It is at most as old as the last mirrored one, and unless the mirror was behind from the start, it came after
        the source was first seen ahead.
        """
        if not self.behind_since_ms:
            return 0.0
        by_clock = now - self.behind_since_ms
        by_record = now - self.last_timestamp_ms if self.last_timestamp_ms > 0 else by_clock
        return max(0, by_record if self.was_behind else min(by_clock, by_record)) / 1000

    def counted(self) -> dict[str, int]:
        """What has been counted since this copier began, by metric (MET-6, MET-40, MET-51)."""
        return {
            "clusterlink_mirror_records_total": self.records,
            "clusterlink_mirror_bytes_total": self.bytes,
            "clusterlink_gap_offsets_total": self.gap_offsets,
        }

    def refused(self, api: Api, error: TaskError | None) -> None:
        """A request was answered with an error, for want of a permission (`error`) or of something else."""
        if error is not None and self.denied.get(api) != error:
            self.denied[api], self.is_changed = error, True

    def allowed(self, api: Api) -> None:
        """A request was carried out."""
        if self.denied and self.denied.pop(api, None) is not None:
            self.is_changed = True

    def failed(self, error: MirrorError, message: str) -> None:
        """The piece cannot go on (I4)."""
        self.error, self.error_message, self.is_changed = error, message, True

    def position(self) -> Position:
        """The record for the progress topic."""
        piece = self.piece
        written = min(self.epochs.reached, self.log_end_offset)
        return Position(
            link=piece.link,
            mirror_topic=piece.mirror_topic,
            partition=piece.partition,
            log_end_offset=self.log_end_offset if self.is_seeded else -1,
            source_high_watermark=self.source_high_watermark,
            last_source_fetch_offset=self.last_source_fetch_offset,
            last_fetch_ms=self.last_fetch_ms,
            records=self.records,
            bytes=self.bytes,
            gap_offsets=self.gap_offsets,
            lost=tuple(self.lost),
            error=self.error,
            error_message=self.error_message,
            denied=tuple(self.denied.values()),
            marker_path=self.marker_path,
            worker=self.worker,
            time_ms=now_ms(),
            mirror_topic_id=piece.mirror_topic_id,
            mirror_created_ms=piece.mirror_created_ms,
            source_topic_id=piece.source_topic_id,
            source_epoch=self.epochs.before(written),
            source_epoch_end=written,
        )

    def recall(self, reported: Position) -> None:
        """What another worker has reported of this partition, if it is of the same mirror and source."""
        piece = self.piece
        theirs = (reported.source_topic_id, reported.mirror_topic_id, reported.mirror_created_ms)
        if reported.source_epoch >= 0 and theirs == (
            piece.source_topic_id,
            piece.mirror_topic_id,
            piece.mirror_created_ms,
        ):
            self.epochs.remember(reported.source_epoch_end, reported.source_epoch)


def now_ms() -> int:
    return int(time.time() * 1000)


def uuid_of(topic_id: str) -> UUID | None:
    """The id that Kafka prints with 22 characters; None for the zero id of brokers that have no ids."""
    if not topic_id:
        return None
    value = UUID(bytes=base64.urlsafe_b64decode(topic_id + "=="))
    return value if value.int else None
