"""A piece of work: one partition of one mirror, and what is known of it while a worker copies it."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass, field
from uuid import UUID

from pipeline.link.models import Position
from pipeline.link.states import MirrorError


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
    last_fetch_ms: int = 0
    records: int = 0
    bytes: int = 0
    gap_offsets: int = 0
    lost: list[tuple[int, int]] = field(default_factory=list)
    error: MirrorError = MirrorError.NO_ERROR
    error_message: str = ""
    marker_path: str = ""
    is_seeded: bool = False
    is_changed: bool = True
    reported_ms: int = 0
    waits_for: str = ""
    """Why nothing moves just now, in words; empty while it moves or has nothing to do."""

    def seen(self, high_watermark: int, last_stable_offset: int, fetch_offset: int) -> None:
        """The source answered a fetch."""
        self.last_fetch_ms = now_ms()
        if (high_watermark, last_stable_offset) != (self.source_high_watermark, self.last_stable_offset):
            self.source_high_watermark, self.last_stable_offset = high_watermark, last_stable_offset
            self.is_changed = True
        self.last_source_fetch_offset = fetch_offset

    def reached(self, log_end: int) -> None:
        """The mirror's log ends here."""
        if log_end != self.log_end_offset:
            self.log_end_offset = log_end
            self.is_changed = True

    def failed(self, error: MirrorError, message: str) -> None:
        """The piece cannot go on (I4)."""
        self.error, self.error_message, self.is_changed = error, message, True

    def position(self) -> Position:
        """The record for the progress topic."""
        piece = self.piece
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
            marker_path=self.marker_path,
            worker=self.worker,
            time_ms=now_ms(),
        )


def now_ms() -> int:
    return int(time.time() * 1000)


def uuid_of(topic_id: str) -> UUID | None:
    """The id that Kafka prints with 22 characters; None for the zero id of brokers that have no ids."""
    if not topic_id:
        return None
    value = UUID(bytes=base64.urlsafe_b64decode(topic_id + "=="))
    return value if value.int else None
