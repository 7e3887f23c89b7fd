"""How old the oldest record is that is not mirrored yet (MET-41), told from what a copier sees anyway."""

from __future__ import annotations

import pytest

from pipeline.mirror import pieces
from pipeline.mirror.pieces import Piece, PieceStatus


class Clock:
    now = 1_000_000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(pieces, "now_ms", lambda: made.now)
    return made


def piece() -> PieceStatus:
    return PieceStatus(Piece("l", "s", "m", 0, "", "", 0), "w")


def caught_up(clock: Clock) -> PieceStatus:
    at = piece()
    at.reached(100)
    at.seen(100, 100, 100)
    assert at.lag_seconds(clock.now) == 0
    return at


def test_a_backlog_is_as_old_as_its_records(clock: Clock) -> None:
    """A mirror that begins with ten minutes of records to copy: the clock knows nothing of them, timestamps do."""
    at = piece()
    at.reached(0)
    at.seen(1000, 1000, 0)
    at.reached(10)
    at.last_timestamp_ms = clock.now - 600_000
    assert at.lag_seconds(clock.now) == 600


def test_one_record_after_a_quiet_hour_is_new(clock: Clock) -> None:
    at = caught_up(clock)
    at.last_timestamp_ms = clock.now
    clock.now += 3_600_000
    at.seen(101, 101, 100)
    clock.now += 2_000
    assert at.lag_seconds(clock.now) == 2


def test_a_steady_stream_is_as_late_as_its_last_record(clock: Clock) -> None:
    """Its end is never seen: behind for minutes by the clock, but by a tenth of a second only."""
    at = caught_up(clock)
    for offset in range(100, 1000, 100):
        at.seen(offset + 100, offset + 100, offset)
        clock.now += 60_000
        at.reached(offset + 50)
        at.last_timestamp_ms = clock.now - 100
    assert at.lag_seconds(clock.now) == pytest.approx(0.1)


def test_whoever_catches_up_is_not_behind(clock: Clock) -> None:
    at = piece()
    at.seen(100, 100, 0)
    clock.now += 5_000
    assert at.lag_seconds(clock.now) == 5
    at.reached(100)
    assert at.lag_seconds(clock.now) == 0


def test_records_of_the_future_are_not_younger_than_now(clock: Clock) -> None:
    at = piece()
    at.seen(100, 100, 0)
    at.last_timestamp_ms = clock.now + 10**9
    assert at.lag_seconds(clock.now) == 0
