"""The leader epoch that a fetch names is the one of the batch in front of it (MIRROR-18)."""

from __future__ import annotations

import pytest

from pipeline.mirror.epochs import MOST_RUNS, UNKNOWN, Epochs
from pipeline.wire.batch import BatchHeader, scan
from pipeline.wire.records import Record, close_batch
from tests.unit.wire.batches import STAMP


def header(first: int, epoch: int) -> BatchHeader:
    (found,) = scan(close_batch([Record(first, 0, None, b"", ())], 0, STAMP))
    return found._replace(base_offset=first, leader_epoch=epoch)


@pytest.fixture
def epochs() -> Epochs:
    found = Epochs()
    found.saw([header(0, 3), header(10, 3), header(20, 5), header(30, 5)])
    return found


@pytest.mark.parametrize(("offset", "epoch"), [(0, UNKNOWN), (1, 3), (20, 3), (21, 5), (1_000, 5)])
def test_the_epoch_in_front_of_an_offset(epochs: Epochs, offset: int, epoch: int) -> None:
    assert epochs.before(offset) == epoch


def test_what_is_read_again_replaces_what_was_read(epochs: Epochs) -> None:
    """After a rewind: the runs from there on are those of the second time."""
    epochs.saw([header(10, 3), header(20, 7)])
    assert [epochs.before(offset) for offset in (10, 20, 21, 31)] == [3, 3, 7, 7]


def test_nothing_is_known_after_forgetting(epochs: Epochs) -> None:
    epochs.forget()
    assert epochs.before(31) == UNKNOWN


def test_only_so_many_leaders_are_remembered() -> None:
    epochs = Epochs()
    epochs.saw([header(n, n) for n in range(10 * MOST_RUNS)])
    assert epochs.before(10 * MOST_RUNS) == 10 * MOST_RUNS - 1
    assert epochs.before(9 * MOST_RUNS) == UNKNOWN


def test_what_another_worker_has_read_is_known_up_to_its_position() -> None:
    epochs = Epochs()
    epochs.remember(50, 3)
    assert [epochs.before(offset) for offset in (1, 50, 70)] == [3, 3, 3]
    assert [epochs.is_proof(end) for end in (49, 50, 60)] == [True, False, False]
    epochs.saw([header(70, 5), header(80, 5)])
    assert [epochs.before(offset) for offset in (70, 71, 81)] == [3, 5, 5]
    assert epochs.reached == 81
    assert epochs.is_proof(80)


def test_nothing_proves_anything_where_nothing_was_read() -> None:
    assert not Epochs().is_proof(0)
