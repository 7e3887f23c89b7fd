"""What a copier knows of its piece, and the position that is made of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from pipeline.link.states import MirrorError
from pipeline.mirror.epochs import UNKNOWN
from pipeline.mirror.pieces import Piece, PieceStatus, uuid_of

PIECE = Piece("link", "orders", "eu.orders", 3, "source-id", "mirror-id", 100)


def test_a_piece_is_named_by_its_mirror_partition() -> None:
    assert str(PIECE) == "eu.orders-3"


def test_a_new_piece_is_reported_even_before_anything_was_seen() -> None:
    status = PieceStatus(PIECE, "w:1")
    position = status.position()
    assert status.is_changed
    assert (position.link, position.mirror_topic, position.partition, position.worker) == (
        "link",
        "eu.orders",
        3,
        "w:1",
    )
    assert (position.log_end_offset, position.source_high_watermark, position.lag) == (-1, -1, 0)


def test_the_log_end_is_kept_back_until_the_piece_is_seeded() -> None:
    """MIRROR-25: filler below the start is not progress; a mirror is ACTIVE only when every partition has its start."""
    status = PieceStatus(PIECE, "w:1")
    status.reached(70)
    assert status.position().log_end_offset == -1
    status.is_seeded = True
    assert status.position().log_end_offset == 70


def test_what_the_source_says_becomes_lag() -> None:
    status = PieceStatus(PIECE, "w:1", is_seeded=True, is_changed=False)
    status.reached(120)
    status.seen(high_watermark=150, last_stable_offset=130, fetch_offset=120)
    position = status.position()
    assert status.is_changed
    assert (position.lag, position.last_source_fetch_offset) == (30, 120)
    assert position.time_ms >= position.last_fetch_ms > 0


def test_answers_without_news_are_no_change() -> None:
    status = PieceStatus(PIECE, "w:1")
    status.seen(150, 130, 120)
    status.reached(120)
    status.is_changed = False
    status.seen(150, 130, 120)
    status.reached(120)
    assert not status.is_changed
    status.seen(150, 140, 120)
    assert status.is_changed


def test_a_failure_is_reported_with_its_words() -> None:
    """I4: loud, with a code and a way out."""
    status = PieceStatus(PIECE, "w:1", is_changed=False)
    status.failed(MirrorError.UNEXPECTED_TRUNCATION, "the source lost records; fail over")
    position = status.position()
    assert status.is_changed
    assert (position.error, position.error_message) == (
        MirrorError.UNEXPECTED_TRUNCATION,
        "the source lost records; fail over",
    )


def test_lost_ranges_are_a_copy() -> None:
    status = PieceStatus(PIECE, "w:1")
    status.lost.append((10, 19))
    position = status.position()
    status.lost.append((30, 39))
    assert position.lost == ((10, 19),)


def test_topic_ids_as_kafka_prints_them() -> None:
    assert uuid_of("") is None
    assert uuid_of("AAAAAAAAAAAAAAAAAAAAAA") is None
    assert uuid_of("AAAAAAAAAAAAAAAAAAAAAQ") == UUID(int=1)


def test_a_successor_begins_with_the_epoch_of_what_was_mirrored_last() -> None:
    """Read ahead to 150, written to 120: the epoch in front of 120 goes to whoever copies next (MIRROR-18)."""
    status = PieceStatus(PIECE, "w:1", is_seeded=True)
    status.epochs.remember(150, 7)
    status.reached(120)
    reported = status.position()
    assert (reported.source_epoch, reported.source_epoch_end) == (7, 120)
    successor = PieceStatus(PIECE, "w:2")
    successor.recall(reported)
    assert (successor.epochs.before(130), successor.epochs.reached) == (7, 120)


@pytest.mark.parametrize(
    "change", [{"source_topic_id": "another"}, {"mirror_topic_id": "another"}, {"mirror_created_ms": 9}]
)
def test_the_epoch_of_another_mirror_or_source_means_nothing(change: dict[str, Any]) -> None:
    status = PieceStatus(PIECE, "w:1", is_seeded=True)
    status.epochs.remember(150, 7)
    status.reached(150)
    successor = PieceStatus(PIECE, "w:2")
    successor.recall(replace(status.position(), **change))
    assert successor.epochs.before(150) == UNKNOWN


def test_nothing_read_is_reported_as_unknown() -> None:
    status = PieceStatus(PIECE, "w:1", is_seeded=True)
    status.reached(150)
    assert (status.position().source_epoch, status.position().source_epoch_end) == (UNKNOWN, UNKNOWN)
