"""The figures as tables for people, as Markdown for docs/performance.md and as JSON for machines."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rich.table import Table
from rich.text import Text

from bench.cases import Case
from bench.measures import OURS, THEIRS, Goal, Measure, number
from bench.plot import svg
from bench.running import Outcome
from pipeline.local.kafka_home import VERSION

RESULTS = Path(__file__).with_name("results")


def typical(outcomes: Iterable[Outcome], case: Case, who: str, measure: Measure) -> float | None:
    """The median over the rounds. A copy that is not exact counts as zero: None, and no goal is met by it.

    MirrorMaker 2's copy is let off: other offsets than the source's are what it makes of transactions.
    """
    mine = [each for each in outcomes if each.case == case and each.who == who]
    if not mine or any(each.figures is None or (who != THEIRS and not each.is_exact) for each in mine):
        return None
    found = [each.figures[measure] for each in mine if each.figures and measure in each.figures]
    return median(found) if found else None


def reached(outcomes: Sequence[Outcome], case: Case, goal: Goal) -> float | None:
    """What the goal is about: a figure, or its ratio to that of another subject."""
    ours = typical(outcomes, case, goal.ours, goal.measure)
    if goal.against is None or ours is None:
        return ours
    theirs = typical(outcomes, case, goal.against, goal.measure)
    return ours / theirs if theirs else None


def judge(outcomes: Sequence[Outcome], case: Case) -> list[tuple[Goal, float | None, bool]]:
    """Each goal of the case with what was reached and whether that is enough."""
    found = [(goal, reached(outcomes, case, goal)) for goal in case.goals]
    return [(goal, value, value is not None and goal.is_met(value)) for goal, value in found]


def cases(outcomes: Iterable[Outcome]) -> list[Case]:
    """Those measured, in the order in which they were."""
    return list(dict.fromkeys(each.case for each in outcomes))


def tables(outcomes: Sequence[Outcome]) -> Iterator[Table]:
    """A table for each method, since each has figures of its own; one row a subject, then the ratios of copiers."""
    for method in dict.fromkeys(case.method for case in cases(outcomes)):
        mine = [each for each in outcomes if each.case.method is method]
        measures = [m for m in Measure if any(m in (each.figures or {}) for each in mine)]
        shown = Table(title=method.value, title_justify="left")
        for name in ("case", "who"):
            shown.add_column(name)
        for measure in measures:
            shown.add_column(measure.title, justify="right")
        shown.add_column("copy")
        for case in cases(mine):
            for who, cells, copy in _rows(mine, case, measures):
                shown.add_row(case.title, who, *cells, copy)
            shown.add_section()
        yield shown


def goals(outcomes: Sequence[Outcome]) -> Iterator[Text]:
    """A line for each goal: reached, missed, or not measured (a subject is missing, or its copy is wrong)."""
    for case in cases(outcomes):
        for goal, value, is_met in judge(outcomes, case):
            yield Text(f"Goal {case.title}: {goal}: {_state(goal, value)}", style="green" if is_met else "red")


def write(outcomes: Sequence[Outcome]) -> list[Path]:
    """Everything measured, in bench/results/: samples and all as JSON, tables as Markdown, a plot; the files."""
    RESULTS.mkdir(exist_ok=True)
    stem = time.strftime("bench-%Y%m%d-%H%M%S")
    contents = {
        "json": json.dumps(_document(outcomes), indent=1),
        "md": "\n".join(markdown(outcomes)) + "\n",
        "svg": svg(outcomes),
    }
    paths = [RESULTS / f"{stem}.{kind}" for kind in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        path.write_text(content, encoding="utf-8")
    return paths


def markdown(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The goals, then every figure, as tables of docs/performance.md."""
    yield "| measured | goal | reached | |"
    yield "|---|---|---|---|"
    for case in cases(outcomes):
        for goal, value, is_met in judge(outcomes, case):
            shown = "not measured" if value is None else goal.shown(value)
            yield f"| {case.title} | {goal} | {shown} | {'met' if is_met else '**missed**'} |"
    for table in tables(outcomes):
        columns = [list(column.cells) for column in table.columns]
        yield f"\n{table.title}:\n"
        yield "| " + " | ".join(str(column.header) for column in table.columns) + " |"
        yield "|---" * len(columns) + "|"
        for row in zip(*columns, strict=True):
            yield "| " + " | ".join(str(cell) for cell in row) + " |"


def _rows(outcomes: Sequence[Outcome], case: Case, measures: Sequence[Measure]) -> Iterator[tuple[str, list[str], str]]:
    """(who, cells, whether it is exact) of every subject, then ours by theirs where both were measured."""
    subjects = list(dict.fromkeys(each.who for each in outcomes if each.case == case))
    for who in subjects:
        remarks = [
            each.remark.splitlines()[0] for each in outcomes if each.case == case and each.who == who and each.remark
        ]
        found = [typical(outcomes, case, who, measure) for measure in measures]
        yield who, ["-" if value is None else number(value) for value in found], (remarks or ["exact"])[0]
    if {OURS, THEIRS} <= set(subjects):
        ratios = [reached(outcomes, case, Goal(measure, 1)) for measure in measures]
        yield "ratio", ["" if value is None else f"{value:.3g}x" for value in ratios], ""


def _state(goal: Goal, value: float | None) -> str:
    if value is None:
        return "not measured"
    return f"{goal.shown(value)}, {'reached' if goal.is_met(value) else 'missed'}"


def _document(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    return {
        "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "kafka": VERSION,
        "outcomes": [
            {
                "case": each.case.name,
                "title": each.case.title,
                "who": each.who,
                "is_exact": each.is_exact,
                "remark": each.remark,
                "figures": {measure.name.lower(): value for measure, value in (each.figures or {}).items()},
                "samples": [
                    [round(s.time_s, 3), s.offsets, s.cpu_s, s.rss_bytes, s.broker_cpu_s] for s in each.samples
                ],
            }
            for each in outcomes
        ],
        "goals": [
            {"case": case.name, "goal": str(goal), "reached": value, "is_met": is_met}
            for case in cases(outcomes)
            for goal, value, is_met in judge(outcomes, case)
        ],
    }
