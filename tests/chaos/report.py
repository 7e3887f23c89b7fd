"""What a run came to, in lines and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tests.chaos.running import Outcome


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of them do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def lines(outcome: Outcome) -> Iterator[str]:
    """The report."""
    yield ""
    yield f"{'fault':<42} {'times':>5} {'behind, worst':>14} {'caught up, worst':>17}"
    for name in dict.fromkeys(each.fault.name for each in outcome.rounds):
        mine = [each for each in outcome.rounds if each.fault.name == name]
        caught = [each.caught_up_s for each in mine if each.caught_up_s is not None]
        behind = max(each.most_behind_s for each in mine)
        yield f"{name:<42} {len(mine):>5} {behind:>12.1f} s {max(caught, default=0):>15.1f} s"
    counts = outcome.findings.counts
    yield ""
    yield f"seed {outcome.seed}: {len(outcome.rounds)} faults"
    yield f"{outcome.records} records acknowledged, {outcome.findings.compared} compared"
    yield (
        ", ".join(
            f"{counts.get(kind, 0)} {kind}"
            for kind in ("lost", "doubled", "shifted", "past the end", "unequal at the end")
        )
        + f", {outcome.stuck} stuck"
    )
    for name, figure in figures(outcome).items():
        yield f"{name}: {figure:.1f}"
    yield from outcome.findings.shown
    yield from outcome.failures


def figures(outcome: Outcome) -> dict[str, float]:
    """Seconds and numbers of a run."""
    kills, ends = _taken_over(outcome, "worker: SIGKILL"), _taken_over(outcome, "worker: SIGTERM")
    return {
        "take-over after SIGKILL, p50, s": percentile(kills, 0.5),
        "take-over after SIGKILL, p95, s": percentile(kills, 0.95),
        "take-over after SIGKILL, worst, s": max(kills, default=0.0),
        "hand-over after SIGTERM, p50, s": percentile(ends, 0.5),
        "hand-over after SIGTERM, p95, s": percentile(ends, 0.95),
        "hand-over after SIGTERM, worst, s": max(ends, default=0.0),
        "rolling restart, most behind, s": max(_behind(outcome, "workers: rolling restart"), default=0.0),
        "slowest end after SIGTERM, s": outcome.slowest_end_s,
        "ends after SIGTERM that took more than 10 s": float(outcome.late_ends),
        "workers that ended by themselves": float(outcome.ended_by_themselves),
    }


def _behind(outcome: Outcome, name: str) -> list[float]:
    return [each.most_behind_s for each in outcome.rounds if each.fault.name == name]


def _taken_over(outcome: Outcome, name: str) -> list[float]:
    return [each.taken_over_s for each in outcome.rounds if each.fault.name == name and each.taken_over_s is not None]


def write_json(outcome: Outcome, file: Path) -> None:
    """The same for programs."""
    rounds = [
        {
            "number": each.number,
            "fault": each.fault.name,
            "side": each.hand.side,
            "took_s": each.took_s,
            "caught_up_s": each.caught_up_s,
            "most_behind_s": each.most_behind_s,
            "taken_over_s": each.taken_over_s,
        }
        for each in outcome.rounds
    ]
    found = {"seed": outcome.seed, "findings": outcome.findings.counts, "figures": figures(outcome), "rounds": rounds}
    file.write_text(json.dumps(found, indent=1) + "\n")
