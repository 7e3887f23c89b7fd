"""The figures as a table for people and as JSON for machines."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from rich.table import Table
from rich.text import Text

from bench.cases import Case, Goal, Measure
from bench.measuring import Figures
from bench.running import Outcome
from pipeline.local.kafka_home import VERSION

OURS, THEIRS = "clusterlink", "MirrorMaker 2"
RESULTS = Path(__file__).with_name("results")


def value(found: Figures, measure: Measure) -> float:
    """One figure by its measure."""
    return {
        Measure.MB_PER_S: found.mb_per_s,
        Measure.RECORDS_PER_S: found.records_per_s,
        Measure.CPU_S_PER_GB: found.cpu_s_per_gb,
        Measure.RSS_MB: found.rss_mb,
    }[measure]


def typical(outcomes: Iterable[Outcome], case: Case, copier: str, measure: Measure) -> float | None:
    """The median over the rounds. A copy of ours that is not exact counts as zero: None, and no goal is met by it."""
    mine = [each for each in outcomes if each.case == case and each.copier == copier]
    if not mine or any(each.figures is None or (copier == OURS and not each.is_exact) for each in mine):
        return None
    return median(value(each.figures, measure) for each in mine if each.figures)


def ratio(outcomes: Sequence[Outcome], case: Case, measure: Measure) -> float | None:
    """Ours by theirs."""
    ours, theirs = (typical(outcomes, case, name, measure) for name in (OURS, THEIRS))
    return None if ours is None or not theirs else ours / theirs


def judge(outcomes: Sequence[Outcome], case: Case) -> list[tuple[Goal, float | None, bool]]:
    """Each goal of the case with the ratio reached and whether that is enough."""
    found = [(goal, ratio(outcomes, case, goal.measure)) for goal in case.goals]
    return [(goal, reached, reached is not None and goal.is_met(reached)) for goal, reached in found]


def table(outcomes: Sequence[Outcome]) -> Table:
    """Figures, one row a copier and case, then the ratios."""
    shown = Table(title="Copying between two brokers on this machine", title_justify="left")
    shown.add_column("case")
    shown.add_column("copier")
    for measure in Measure:
        shown.add_column(measure.value[0], justify="right")
    shown.add_column("copy")
    for case in dict.fromkeys(each.case for each in outcomes):
        for copier in dict.fromkeys(each.copier for each in outcomes if each.case == case):
            mine = [each for each in outcomes if each.case == case and each.copier == copier]
            cells = [_number(typical(outcomes, case, copier, measure)) for measure in Measure]
            wrong = next((each.remark.splitlines()[0] for each in mine if each.remark), "")
            shown.add_row(case.title, copier, *cells, wrong or "exact")
        ratios = [ratio(outcomes, case, measure) for measure in Measure]
        shown.add_row("", "ratio", *("" if each is None else f"{each:.2f}x" for each in ratios), "", style="bold")
        shown.add_section()
    return shown


def goals(outcomes: Sequence[Outcome]) -> Iterator[Text]:
    """A line for each goal: reached, missed, or not measured (a copier did not run, or its copy is wrong)."""
    for case in dict.fromkeys(each.case for each in outcomes):
        for goal, reached, is_met in judge(outcomes, case):
            state = "not measured" if reached is None else f"{reached:.3g}x, {'reached' if is_met else 'missed'}"
            yield Text(f"Goal {case.title}: {goal}: {state}", style="green" if is_met else "red")


def write_json(outcomes: Sequence[Outcome]) -> Path:
    """Everything measured, samples included, in bench/results/; returns the file."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / time.strftime("bench-%Y%m%d-%H%M%S.json")
    path.write_text(json.dumps(_document(outcomes), indent=1))
    return path


def _document(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    return {
        "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "kafka": VERSION,
        "outcomes": [
            {
                "case": each.case.name,
                "title": each.case.title,
                "copier": each.copier,
                "is_exact": each.is_exact,
                "remark": each.remark,
                "figures": None if each.figures is None else asdict(each.figures),
                "samples": [[round(s.time_s, 3), s.offsets, s.cpu_s, s.rss_bytes] for s in each.samples],
            }
            for each in outcomes
        ],
        "goals": [
            {"case": case.name, "goal": str(goal), "ratio": reached, "is_met": is_met}
            for case in dict.fromkeys(each.case for each in outcomes)
            for goal, reached, is_met in judge(outcomes, case)
        ],
    }


def _number(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:,.1f}" if figure < 1000 else f"{figure:,.0f}"
