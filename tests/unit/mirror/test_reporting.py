"""What moves is reported at once; what rests, now and then, and never all of it together."""

from __future__ import annotations

from collections import Counter
from typing import cast

import pytest

from pipeline.link.models import Position
from pipeline.link.states import MirrorError
from pipeline.mirror import engine
from pipeline.mirror.engine import Engine, Reporter
from pipeline.mirror.pieces import Piece, PieceStatus

INTERVAL_MS = 1_000


class Reports:
    """A reporter of so many pieces, on a clock of its own; `reported` counts each partition's."""

    def __init__(self, pieces: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_ms, self.reported, self.most_at_once = 1_000_000, Counter[int](), 0
        monkeypatch.setattr(engine, "now_ms", lambda: self.now_ms)
        self.statuses = [PieceStatus(Piece("link", "t", "t", at, "", "id", 0), "w") for at in range(pieces)]
        self._reporter = Reporter(cast(Engine, self), self._send, INTERVAL_MS)

    async def _send(self, position: Position) -> None:
        self.reported[position.partition] += 1

    async def goes_by(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now_ms += INTERVAL_MS
            before = self.reported.total()
            await self._reporter.report()
            self.most_at_once = max(self.most_at_once, self.reported.total() - before)


@pytest.mark.parametrize(("pieces", "rest_s"), [(1, 30), (100, 30), (5_000, 300)])
async def test_those_that_rest(pieces: int, rest_s: int, monkeypatch: pytest.MonkeyPatch) -> None:
    reports = Reports(pieces, monkeypatch)
    await reports.goes_by(1)
    assert reports.reported == Counter(range(pieces)), "new ones at once"
    reports.reported.clear()
    reports.most_at_once = 0
    await reports.goes_by(2 * rest_s + 30)
    assert set(reports.reported) == set(range(pieces))
    assert max(reports.reported.values()) <= 3
    assert reports.most_at_once <= 1 + pieces // rest_s


async def test_one_that_moves_does_not_wait_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    reports = Reports(1_000, monkeypatch)
    await reports.goes_by(1)
    for turn in range(100):
        reports.statuses[999].reached(turn + 1)
        await reports.goes_by(1)
    assert reports.reported[999] == 101


async def test_what_could_not_be_reported_does_not_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of very many it would take minutes until anybody heard that it has failed (I4)."""
    reports = Reports(5_000, monkeypatch)
    await reports.goes_by(1)
    send = reports._reporter._send

    async def refuse(_: Position) -> None:
        raise ConnectionError("the control topic has no leader")

    reports._reporter._send = refuse
    reports.statuses[7].failed(MirrorError.UNKNOWN, "it cannot go on")
    await reports.goes_by(1)
    reports._reporter._send = send
    reports.reported.clear()
    await reports.goes_by(1)
    assert reports.reported[7] == 1
