"""Figures from samples, and what a process has used."""

from __future__ import annotations

import os

import pytest

from bench.measures import Measure
from bench.measuring import Sample, Stalled, Watched, cpu_seconds, family, figures, memory_figures, rss_bytes, watch


def samples(*points: tuple[float, int, float, int]) -> list[Sample]:
    return [Sample(*point, broker_cpu_s=2 * point[2]) for point in points]


def test_rates_leave_the_warm_up_out():
    found = figures(
        samples((0, 0, 1.0, 5), (1, 0, 2.0, 9_000_000), (5, 25, 10.0, 7), (6, 60, 10.5, 7), (7, 100, 11.0, 7)),
        records=100,
        offsets=100,
        record_bytes=1_000_000,
    )
    assert found == {
        Measure.MB_PER_S: 75 / 2,
        Measure.RECORDS_PER_S: 75 / 2,
        Measure.CPU_S_PER_GB: 1.0 / 0.075,
        Measure.BROKER_CPU_S_PER_GB: 2.0 / 0.075,
        Measure.RSS_MB: 9.0,
    }


def test_markers_are_not_counted_as_records():
    found = figures(samples((0, 0, 0, 0), (1, 50, 0, 0), (2, 200, 0, 0)), records=100, offsets=200, record_bytes=1000)
    assert found[Measure.RECORDS_PER_S] == 75


def test_a_copy_too_short_for_a_warm_up_is_measured_as_a_whole():
    found = figures(samples((0, 0, 0, 0), (2, 100, 0, 0)), records=100, offsets=100, record_bytes=1000)
    assert found[Measure.RECORDS_PER_S] == 50


def test_a_copy_that_is_over_at_once_is_timed_from_before_it_began():
    sizes, begun = iter((100,)), []
    us = Watched((os.getpid(),), ())
    found = watch(lambda: begun.append(True), lambda: next(sizes), 100, lambda: us, every_s=0)
    assert [each.offsets for each in found] == [0, 100] and begun == [True]
    assert figures(found, records=100, offsets=100, record_bytes=1000)[Measure.RECORDS_PER_S] > 0


def test_memory_is_compared_with_its_start_and_between_quarters():
    curve = samples((0, 0, 0, 50_000_000), *((n, n, 0, 80_000_000 + n * 1_000_000) for n in range(1, 101)))
    found = memory_figures(curve, 100)
    assert found[Measure.ADDED_MB] == 130
    assert found[Measure.RSS_GROWTH] == pytest.approx(168 / 117, rel=0.01)


def test_a_copy_is_watched_until_it_has_its_size():
    sizes = iter((0, 10, 50, 100, 120))
    found = watch(lambda: None, lambda: next(sizes), 100, lambda: Watched((os.getpid(),), ()), every_s=0)
    assert [each.offsets for each in found] == [0, 0, 10, 50, 100]
    with pytest.raises(Stalled, match="has ended"):
        watch(lambda: None, lambda: 0, 100, lambda: Watched((2**22 + 1,), ()))


def test_use_of_our_own_process_is_read_from_proc():
    assert 0 < cpu_seconds(os.getpid()) < 10_000
    assert rss_bytes(os.getpid()) > 1_000_000
    assert os.getpid() in family(os.getpid())
    with pytest.raises(FileNotFoundError):
        cpu_seconds(2**22 + 1)
