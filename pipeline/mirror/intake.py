"""The way in from the fetchers: what was fetched for one piece and is not written yet, or what the source said instead.

Fetchers run ahead of the writing as far as memory allows (I5). Whatever ends a round of copying makes what was fetched
useless: a rewind forgets it, what is still on its way included, which may come late or never.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from pipeline.link.errors import MirrorFailure
from pipeline.mirror.epochs import UNKNOWN
from pipeline.mirror.memory import LEAST
from pipeline.mirror.pieces import Piece, PieceStatus, uuid_of
from pipeline.mirror.sessions import Key
from pipeline.mirror.slices import Slice
from pipeline.mirror.source_trouble import CUT, RESUME

log = logging.getLogger(__name__)
SILENCE_S = 2.0
"""Nothing came of a compacted log for so long although its last stable offset is ahead: maybe nothing is left of it."""
SLOW_AFTER_S = 0.25
"""Some round trips of an append. What comes for a partition that is slower is copied out of the response it came in."""


class Readers(Protocol):
    """Who fetches for it."""

    async def read(self, intake: Intake, offset: int) -> None: ...

    def hold_back(self, intake: Intake) -> None: ...

    def rest(self, intake: Intake) -> None: ...


class Intake:
    """The fetched slices of one piece, in order. Not to be used from several tasks."""

    def __init__(self, piece: Piece, readers: Readers, status: PieceStatus, may_hold: Callable[[], int]) -> None:
        """`may_hold`: bytes of fetched records for this piece before it is left out of fetches."""
        self.piece = piece
        self.key: Key = (piece.source_topic, piece.partition)
        self.status = status
        self.expected_offset = -1
        self.generation = 0
        self.epochs = status.epochs
        self.cut = (UNKNOWN, UNKNOWN)
        """A leader epoch, and where the source's log left it, when that was below where it was to be read."""
        self.is_troubled = False
        """Something was refused since it last wrote: batches are checked as they come, and few are held."""
        self._readers = readers
        self._source_topic_id = uuid_of(piece.source_topic_id)
        self._may_hold = may_hold
        self._held = 0
        self._is_held_back = False
        self._settled_at = 0.0
        self._is_copying = False
        self._gave_back = False
        self._slices: deque[Slice] = deque()
        self._coming: set[Slice] = set()
        """Offered, and not here yet."""
        self._wake = asyncio.Event()
        self._failure: MirrorFailure | None = None
        self._error: tuple[int, int] | None = None
        self._silence_s = SILENCE_S

    def source_topic_id(self) -> UUID | None:
        return self._source_topic_id

    def read_in(self, answered_ms: Callable[[], int] | None) -> None:
        self.status.read_in(answered_ms)

    def seen(self, high_watermark: int, last_stable_offset: int, log_start_offset: int) -> None:
        was_ahead = self._may_be_empty()
        self.status.seen(high_watermark, last_stable_offset, self.expected_offset)
        if self._may_be_empty() and not was_ahead:  # else it is waited for; some sources always tell
            self._wake.set()

    def offered(self, piece: Slice) -> bool:
        self.expected_offset = piece.next_offset
        if self._held == 0:
            self._settled_at = time.monotonic()  # there was nothing to be slow with
        self._held += piece.size
        self._coming.add(piece)
        self._is_held_back = self._held >= (LEAST if self.is_troubled else self._may_hold())
        return not self._is_held_back

    def is_slow(self) -> bool:
        return self._held > 0 and time.monotonic() - self._settled_at > SLOW_AFTER_S

    def give_back(self) -> None:
        """Memory is short: forget what was fetched and is not begun; it is read again when something is settled."""
        if self._is_copying and self._slices:
            self._rewind(self._slices[0].fetch_offset)
            self._gave_back = True
            self._readers.hold_back(self)

    def take(self, fetched: Slice) -> None:
        if fetched not in self._coming:
            return  # forgotten meanwhile
        self._coming.remove(fetched)
        self._slices.append(fetched)
        self._silence_s = SILENCE_S
        self._wake.set()

    def source_error(self, code: int, offset: int) -> None:
        self._error = (code, offset)
        self._wake.set()

    def diverged(self, epoch: int, end: int) -> None:
        self.cut = (epoch, end)
        self.source_error(CUT, self.expected_offset)

    def source_failure(self, failure: MirrorFailure) -> None:
        self._failure = failure
        self._wake.set()

    def settled(self, fetched: Slice, is_well: bool) -> None:
        """All of a slice is written, or in doubt: there is room for more. (With nothing held there always is.)"""
        size = fetched.size
        fetched.release()
        if is_well:
            self.is_troubled = False
            if self._gave_back:
                self._gave_back = False
                self._wake_reading()
        if fetched.generation == self.generation:
            self._held -= size
            self._settled_at = time.monotonic()
            if self._is_held_back and self._held * 2 <= self._may_hold():
                self._is_held_back = False
                self._wake_reading()
        if not is_well:
            self._wake.set()

    def _wake_reading(self) -> None:
        task = asyncio.ensure_future(self._readers.read(self, self.expected_offset))
        task.add_done_callback(self._reading_resumed)

    def _reading_resumed(self, task: asyncio.Future[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.info("%s: cannot go on reading: %s", self.piece, error)
            self._error = (RESUME, self.expected_offset)
            self._wake.set()

    def _rewind(self, offset: int) -> None:
        """Forget what was fetched; the next slice has to begin at `offset`."""
        self._drop_slices()
        self.generation += 1
        self.expected_offset = offset
        self._held, self._is_held_back, self._gave_back = 0, False, False
        self._error = self._failure = None

    def _rest(self) -> None:
        """Nothing is wanted before the next `_rewind`; the source would send the same again and again."""
        self._rewind(-1)
        self._readers.rest(self)

    def _may_be_empty(self) -> bool:
        return self.piece.is_compacted and 0 <= self.expected_offset < self.status.last_stable_offset

    def _drop_slices(self) -> None:
        for fetched in (*self._slices, *self._coming):
            fetched.release()
        self._slices.clear()
        self._coming.clear()
