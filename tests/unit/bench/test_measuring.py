"""Figures from samples, and what a process has used."""

from __future__ import annotations

import os

import pytest

from bench.cases import CASES, Goal, Measure
from bench.measuring import Figures, Sample, Stalled, cpu_seconds, family, figures, rss_bytes
from bench.report import goals, ratio, typical
from bench.running import Outcome


def samples(*points: tuple[float, int, float, int]) -> list[Sample]:
    return [Sample(*point) for point in points]


def test_rates_leave_the_warm_up_out():
    found = figures(
        samples((0, 0, 1.0, 5), (1, 0, 2.0, 9_000_000), (5, 25, 10.0, 7), (6, 60, 10.5, 7), (7, 100, 11.0, 7)),
        records=100,
        offsets=100,
        record_bytes=1_000_000,
    )
    assert found == Figures(
        mb_per_s=75 / 2,
        records_per_s=75 / 2,
        cpu_s_per_gb=1.0 / 0.075,
        rss_mb=9.0,
        whole_mb_per_s=100 / 6,
        whole_cpu_s=9.0,
        whole_s=6.0,
    )


def test_markers_are_not_counted_as_records():
    found = figures(samples((0, 0, 0, 0), (1, 50, 0, 0), (2, 200, 0, 0)), records=100, offsets=200, record_bytes=1000)
    assert found.records_per_s == 75


def test_a_copy_that_is_over_at_once_gives_no_rate():
    with pytest.raises(Stalled, match="too few"):
        figures(samples((0, 0, 0, 0), (1, 100, 0, 0)), records=100, offsets=100, record_bytes=1000)


def outcome(copier: str, mb_per_s: float, is_exact: bool = True) -> Outcome:
    return Outcome(
        CASES[0], copier, Figures(mb_per_s, mb_per_s, 2.0, 1, 1, 1, 1), is_exact, "" if is_exact else "wrong"
    )


def test_ratios_are_of_medians_and_a_wrong_copy_of_ours_counts_for_nothing():
    rounds = [outcome("clusterlink", each) for each in (90, 100, 200)] + [outcome("MirrorMaker 2", 20)]
    assert ratio(rounds, CASES[0], Measure.MB_PER_S) == 5
    wrong = [*rounds, outcome("clusterlink", 900, is_exact=False)]
    assert typical(wrong, CASES[0], "clusterlink", Measure.MB_PER_S) is None
    assert [line.plain.rpartition(": ")[2] for line in goals(wrong)] == ["not measured"] * len(CASES[0].goals)


def test_goals_have_a_direction():
    assert Goal(Measure.MB_PER_S, 4).is_met(4.0)
    assert not Goal(Measure.MB_PER_S, 4).is_met(3.9)
    assert Goal(Measure.CPU_S_PER_GB, 0.1).is_met(0.1)
    assert not Goal(Measure.CPU_S_PER_GB, 0.1).is_met(0.11)


def test_use_of_our_own_process_is_read_from_proc():
    assert 0 < cpu_seconds(os.getpid()) < 10_000
    assert rss_bytes(os.getpid()) > 1_000_000
    assert os.getpid() in family(os.getpid())
    with pytest.raises(FileNotFoundError):
        cpu_seconds(2**22 + 1)
