"""How long ago the source last answered: an incremental session leaves out one without news (KIP-227, MET-42)."""

from __future__ import annotations

from pipeline.mirror.pieces import Piece, PieceStatus, now_ms


def status() -> PieceStatus:
    return PieceStatus(Piece("link", "t", "m", 0, "", "", 0), "worker")


def test_nothing_was_fetched_before_the_first_answer_that_tells_of_it() -> None:
    found = status()
    found.read_in(lambda: 5)
    assert found.last_fetch_ms == 0


def test_each_answer_of_the_session_counts() -> None:
    found, answered = status(), [0]
    found.read_in(lambda: answered[0])
    found.seen(10, 10, 10)
    first = found.last_fetch_ms
    assert 0 < first <= now_ms()
    answered[0] = first + 500
    assert found.last_fetch_ms == first + 500


def test_answers_count_no_more_once_it_is_left_out() -> None:
    """The source refused it, say, and goes on answering for others."""
    found, answered = status(), [0]
    found.read_in(lambda: answered[0])
    found.seen(10, 10, 10)
    answered[0] = found.last_fetch_ms + 500
    found.read_in(None)
    left = found.last_fetch_ms
    assert left == answered[0]
    answered[0] += 500
    assert found.last_fetch_ms == left
