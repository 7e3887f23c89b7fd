"""The checker of `make chaos` finds what it is for: a checker that cannot fail shows nothing."""

from __future__ import annotations

from unittest.mock import MagicMock

import pytest

from pipeline.local.cluster import LocalCluster
from tests.chaos.checking import Checker

PLACE, COMPACTED = ("plain", 0), ("compacted", 0)


@pytest.fixture
def checker() -> Checker:
    return Checker(MagicMock(LocalCluster), MagicMock(LocalCluster))


def shown(checker: Checker, source: str, mirror: str, first: int = 0) -> None:
    """Records named by letters, "." for an offset without one."""
    lane = checker._lanes[PLACE]
    for side, letters in ((lane.source, source), (lane.mirror, mirror)):
        side.extend((first + n, x.encode(), b"whole " + x.encode()) for n, x in enumerate(letters) if x != ".")
    checker._compare(PLACE, lane)
    checker.settle()


@pytest.mark.parametrize(
    ("source", "mirror", "found"),
    [
        ("abcd", "abcd", {}),
        ("ab.d", "ab.d", {}),
        ("abcd", "ab", {}),  # behind, for now
        ("abcd", "ab.d", {"lost": 1}),
        ("ab.d", "abbd", {"doubled": 1}),
        ("abcd", "abdd", {"shifted": 1}),
        ("abcd", "aabc", {"shifted": 3}),
    ],
)
def test_both_logs(checker: Checker, source: str, mirror: str, found: dict[str, int]) -> None:
    shown(checker, source, mirror)
    assert checker.findings.counts == found


@pytest.mark.parametrize(("told", "found"), [(b"b", {}), (b"x", {"shifted": 1})])
def test_what_a_producer_was_told(checker: Checker, told: bytes, found: dict[str, int]) -> None:
    checker.acknowledged(PLACE, 1, told)
    shown(checker, "abc", "abc")
    assert checker.findings.counts == found


def test_an_acknowledged_record_that_neither_side_shows(checker: Checker) -> None:
    checker.acknowledged(PLACE, 1, b"b")
    shown(checker, "a.c", "a.c")
    assert checker.findings.counts == {"lost": 1}


def test_an_acknowledgement_may_come_after_the_record(checker: Checker) -> None:
    shown(checker, "abc", "abc")
    checker.acknowledged(PLACE, 1, b"b")
    checker.settle()
    assert not checker.findings.counts
    checker.acknowledged(PLACE, 2, b"x")
    checker.settle()
    assert checker.findings.counts == {"shifted": 1}


def test_what_one_side_has_alone_is_waiting(checker: Checker) -> None:
    shown(checker, "abcd", "ab")
    assert checker.waiting() == {PLACE: 2}


def test_a_compacted_mirror_may_repeat_what_the_source_has_shown_and_nothing_else(checker: Checker) -> None:
    lane = checker._lanes[COMPACTED]
    lane.source.extend([(0, b"a", b"a"), (3, b"b", b"b")])
    lane.mirror.extend([(0, b"a", b"a"), (1, b"b", b"b"), (2, b"b", b"b"), (3, b"b", b"b"), (4, b"z", b"z")])
    checker._compare_compacted(COMPACTED, lane)
    assert [offset for offset, _, _ in lane.mirror] == [4]
