"""Goals judged, and what is written of a run."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from bench.cases import CASES, Method
from bench.measures import OURS, THEIRS, Goal, Measure
from bench.measuring import Sample
from bench.methods import METHODS
from bench.plot import svg
from bench.report import goals, markdown, reached, tables, typical
from bench.running import Outcome

ROW = CASES[0]
SPEED = ROW.goals[0]


def outcome(who: str, mb_per_s: float, is_exact: bool = True) -> Outcome:
    samples = tuple(Sample(at, at * 10, 1.0, 50_000_000) for at in range(10))
    found = {Measure.MB_PER_S: mb_per_s, Measure.CPU_S_PER_GB: 2.0, Measure.RSS_MB: 1.0}
    return Outcome(ROW, who, found, is_exact, "" if is_exact else "wrong", samples)


def test_ratios_are_of_medians_and_a_wrong_copy_of_ours_counts_for_nothing():
    rounds = [outcome(OURS, each) for each in (90, 100, 200)] + [outcome(THEIRS, 20)]
    assert reached(rounds, ROW, SPEED) == 5
    wrong = [*rounds, outcome(OURS, 900, is_exact=False)]
    assert typical(wrong, ROW, OURS, Measure.MB_PER_S) is None
    assert [line.plain.rpartition(": ")[2] for line in goals(wrong)] == ["not measured"] * len(ROW.goals)


def test_goals_have_a_direction():
    assert Goal(Measure.MB_PER_S, 4).is_met(4.0)
    assert not Goal(Measure.MB_PER_S, 4).is_met(3.9)
    assert Goal(Measure.CPU_S_PER_GB, 0.1).is_met(0.1)
    assert not Goal(Measure.CPU_S_PER_GB, 0.1).is_met(0.11)


def test_a_goal_says_what_it_compares():
    assert str(Goal(Measure.MB_PER_S, 5)) == "MB/s ≥ 5x MirrorMaker 2"
    assert str(Goal(Measure.P99_MS, 20, against=None)) == "p99 ms ≤ 20.0"
    assert Goal(Measure.P99_MS, 20, against=None).shown(3.0) == "3.00"


def test_a_goal_without_a_rival_is_about_the_figure_itself():
    assert reached([outcome(OURS, 100)], ROW, Goal(Measure.MB_PER_S, 20, against=None)) == 100
    assert reached([outcome(OURS, 100)], ROW, SPEED) is None


def test_every_row_has_a_method_a_goal_and_a_name_of_its_own():
    assert set(METHODS) == set(Method)
    assert {row.method for row in CASES} == set(Method)
    assert len({row.name for row in CASES}) == len(CASES)
    assert all(row.goals for row in CASES)


def test_a_run_is_shown_as_tables_markdown_and_a_plot():
    run = [outcome(OURS, 100), outcome(THEIRS, 20), Outcome(ROW, "x<y", None, is_exact=False, remark="failed\nlong")]
    (table,) = tables(run)
    assert [str(cell) for cell in table.columns[1].cells] == [OURS, THEIRS, "x<y", "ratio"]
    lines = list(markdown(run))
    assert "| 1 KB lz4, 8 partitions, plain | MB/s ≥ 5x MirrorMaker 2 | 5x | met |" in lines
    assert sum("failed" in line for line in lines) == 1
    drawn = ET.fromstring(svg(run))
    assert len(drawn.findall(".//{http://www.w3.org/2000/svg}polyline")) == 3 - 1
