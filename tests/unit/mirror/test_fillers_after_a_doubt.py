"""A gap of a compacted topic is filled with the record in front of it, even where that was another worker's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.link.errors import MirrorFailure
from pipeline.link.states import MirrorError
from pipeline.mirror import copying
from pipeline.mirror.append import Doubt
from pipeline.mirror.copying import Copier
from pipeline.mirror.memory import MemoryBudget
from pipeline.mirror.pieces import Piece, PieceStatus
from pipeline.mirror.plan import Policy
from pipeline.mirror.slices import Slice
from pipeline.wire.batch import TRANSACTIONAL, Stamp, scan
from pipeline.wire.records import Record, close_batch, open_batch

PIECE = Piece("l", "s", "m", 0, "00000000000000000000AA", "00000000000000000000AQ", 0, True, True)
NOBODY, ABORTED_PRODUCER = Stamp(-1, -1, -1), 7
OLD, NEWER = (Record(offset, 1_000, b"key", value, ()) for offset, value in ((0, b"old"), (99, b"newer")))


class Appender:
    """Takes one batch; then another worker has written up to offset 100, and whoever writes has to look first."""

    def __init__(self) -> None:
        self.next_offset = 0
        self.written: list[Record] = []
        self.has_doubt = False
        self.found_at_end = None
        self.resumed = 0

    async def resume(self) -> int:
        self.resumed += 1
        if self.resumed == 2:
            self.next_offset = 100
        elif self.resumed > 2:
            raise MirrorFailure(MirrorError.UNKNOWN, "the end of the test")
        return self.next_offset

    async def choose_lane(self, _: int) -> None: ...

    async def data(self, first: int, count: int, batch: Callable[[Stamp], bytes], done: Callable[[], None]) -> None:
        made = batch(NOBODY)
        whole = made if isinstance(made, bytes) else b"".join(made)
        self.written += [each._replace(offset=first + each.offset) for each in open_batch(whole, scan(whole)[0])]
        self.next_offset = first + count
        done()

    async def last_record(self) -> tuple[Record, int]:
        return NEWER, 0

    async def delete_below(self, offset: int) -> None: ...

    async def log_start(self) -> int:
        return 0

    def abandon(self) -> None: ...

    def ended_by(self, reason: Exception) -> None: ...


class Source:
    """Has a live record at 0, and at 100 one of an aborted transaction."""

    async def read(self, copier: Copier, offset: int) -> None:
        if offset == 0:
            self._give(copier, offset, close_batch([OLD], 0, NOBODY), ())
        else:
            aborted = close_batch([Record(0, 1_000, b"key", b"never seen", ())], 0, Stamp(ABORTED_PRODUCER, 0, 0))
            self._give(copier, offset, aborted, ((ABORTED_PRODUCER, offset),))

    def _give(self, copier: Copier, offset: int, batch: bytes, aborted: tuple[tuple[int, int], ...]) -> None:
        header = scan(batch)[0]._replace(base_offset=offset)
        if aborted:
            header = header._replace(attributes=header.attributes | TRANSACTIONAL)
        share = MemoryBudget(1 << 20).add(len(batch))
        piece = Slice(copier, copier.generation, offset, [header], memoryview(batch), aborted, 200, 200, 0, share)
        copier.offered(piece)
        copier.take(piece)

    def rest(self, copier: Copier) -> None: ...

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} is not asked for")


async def test_what_this_worker_wrote_before_is_not_put_behind_what_another_wrote_since(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The table made of the mirror would have the old value of the key again (MIRROR-13)."""
    monkeypatch.setattr(copying, "SHORTEST_PAUSE_S", 0.001)
    appender = Appender()
    copier = Copier(
        PIECE,
        appender,  # type: ignore[arg-type]
        Source(),
        PieceStatus(PIECE, "worker"),
        policy=lambda: Policy(fills_with_records=True),
        may_hold=lambda: 1 << 20,
        retry_timeout_s=lambda: 1.0,
    )
    check = copier._check

    def check_or_doubt() -> None:
        if (appender.written and appender.resumed == 1) or len(appender.written) == 2:
            raise Doubt("another worker has written")
        check()

    monkeypatch.setattr(copier, "_check", check_or_doubt)
    await copier.run()
    assert [(each.offset, each.value) for each in appender.written] == [(0, b"old"), (100, b"newer")]
