"""Where truncate-and-restore cuts, what it counts, and what its side topic is called (MIRROR-73, MIRROR-85)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.link.models import Mirror
from pipeline.link.restore import Restore, RestoreStage, cuts_of, side_topic_name, targets
from pipeline.link.states import MirrorStatus


@pytest.mark.parametrize(
    ("stopped_at", "ends", "cuts"),
    [
        ((100, 50), (130, 50), (100, 50)),
        ((100,), (90,), (90,)),  # an unclean end: the old source has less than its mirror had
        ((100,), (130, 20), (100, 0)),  # a partition that the mirror never had
        ((), (7,), (0,)),
    ],
)
def test_cuts(stopped_at: tuple[int, ...], ends: tuple[int, ...], cuts: tuple[int, ...]) -> None:
    assert cuts_of(stopped_at, ends) == cuts


def test_counts_leave_out_what_retention_has_taken() -> None:
    restore = Restore(cuts=(100, 50, 0), ends=(130, 50, 20), starts=(0, 0, 15), old_topic_id="id")
    assert restore.removed == (30, 0, 5) and restore.has_diverged
    assert restore.answer(False) == {"messages_truncated": 35, "partition_level_truncation_data": []}
    assert restore.answer(True)["partition_level_truncation_data"] == [
        {"partition_id": 0, "offset_truncated_to": 100, "messages_truncated": 30},
        {"partition_id": 1, "offset_truncated_to": None, "messages_truncated": 0},
        {"partition_id": 2, "offset_truncated_to": 0, "messages_truncated": 5},
    ]


def test_a_restore_is_stored_with_its_mirror_and_copies_only_in_its_last_stage() -> None:
    restore = Restore((1,), (2,), (0,), "id", side_topic="t.diverged.1", configs={"retention.ms": "5"})
    row = Mirror("l", "t", "t", status=MirrorStatus.PENDING_RESTORE, restore=restore)
    assert Mirror.from_json(row.to_json()) == row
    assert not row.is_copying
    assert replace(row, restore=replace(restore, stage=RestoreStage.COPYING)).is_copying
    assert Mirror.from_json({"link": "l", "mirror_topic": "t", "source_topic": "t"}).restore is None


def test_names_of_side_topics_are_legal() -> None:
    assert side_topic_name("orders", 1760000000000) == "orders.diverged.1760000000000"
    assert len(side_topic_name("x" * 249, 1760000000000)) == 249


def test_offsets_come_back_once_the_copy_has_come_as_far() -> None:
    restore = Restore((100, 40), (130, 40), (0, 0), "id")
    assert targets(restore, (0, 60, 5)) == (100, 60, 5)


def test_partitions_that_came_since_are_cut_to_nothing() -> None:
    restore = Restore(cuts=(5,), ends=(7,), starts=(1,), old_topic_id="id").with_ends((8, 3))
    assert (restore.cuts, restore.starts, restore.ends, restore.removed) == ((5, 0), (1, 0), (8, 3), (3, 3))
    assert restore.with_ends((9, 3)).removed == (4, 3)
