"""`python -m bench`: everything that bench/cases.py has a row for, in one run. Exits 1 when a goal is missed."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click
from rich.console import Console

from bench import copying, data_folder, report
from bench.ballast import Ballast
from bench.cases import CASES, Case
from bench.clusterlink import Clusterlink
from bench.copiers import MirrorMaker
from bench.methods import measure
from bench.running import Bench, Outcome, Starter, two_clusters

COPIERS: dict[str, Starter] = {"mm2": MirrorMaker, "clusterlink": Clusterlink}


@click.command()
@click.option("--quick", is_flag=True, help="Less of it, and some cases only; under five minutes.")
@click.option("--tiny", is_flag=True, help="Only to see it run to its end; the figures mean nothing.")
@click.option("--case", "names", multiple=True, type=click.Choice([each.name for each in CASES]), help="Only these.")
@click.option("--copier", "copiers", multiple=True, type=click.Choice(list(COPIERS)), help="Only these.")
@click.option("--rounds", default=1, show_default=True, help="Rounds of each case; copiers take turns at going first.")
@click.option(
    "--size",
    "--records",
    "size",
    type=int,
    help="Records of each case, or what its method counts, instead of its own number.",
)
@click.option("--warm-up/--no-warm-up", default=True, help="Copy something first that does not count.")
@click.option("--ballast/--no-ballast", default=True, help="Touch the machine's memory first (see bench/ballast.py).")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder for the brokers' logs; unless given, in memory where it has room (see bench/data_folder.py).",
)
def main(
    *,
    quick: bool,
    tiny: bool,
    names: tuple[str, ...],
    copiers: tuple[str, ...],
    rounds: int,
    size: int | None,
    warm_up: bool,
    ballast: bool,
    data: Path | None,
) -> None:
    """Measure on two real brokers of this machine."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    cases = {each: size or _size(each, quick, tiny) for each in CASES if not names or each.name in names}
    starters = [COPIERS[name] for name in copiers or COPIERS]
    outcomes: list[Outcome] = []
    began = time.monotonic()

    def say(text: str) -> None:
        console.print(f"{time.monotonic() - began:6.0f} s  {text}", markup=False, highlight=False)

    say(f"the brokers' logs are in {data_folder.use(data)}")
    with ExitStack() as stack:
        if ballast:
            say("touching the machine's memory")
            stack.enter_context(Ballast())
        say("starting two clusters")
        bench = Bench(*stack.enter_context(two_clusters()), say)
        if warm_up:
            copying.warm_up(bench, CASES[0], starters, quick=quick)
        for case, count in cases.items():
            for round_number in range(rounds if count else 0):
                outcomes += measure(bench, case, count or 0, starters[:: -1 if round_number % 2 else 1])
    _show(console, outcomes)
    met = [is_met for case in report.cases(outcomes) for _, _, is_met in report.judge(outcomes, case)]
    sys.exit(0 if all(met) or len(starters) < len(COPIERS) else 1)


def _size(case: Case, quick: bool, tiny: bool) -> int | None:
    if tiny:
        return case.size.tiny
    return case.size.quick if quick else case.size.full


def _show(console: Console, outcomes: Sequence[Outcome]) -> None:
    for table in report.tables(outcomes):
        console.print(table)
    for line in report.goals(outcomes):
        console.print(line)
    for each in outcomes:
        if each.figures is None:
            console.print(f"{each.case.name}, {each.who} failed: {each.remark}", style="red", markup=False)
    for path in report.write(outcomes):
        console.print(f"Written: {path}", markup=False)


if __name__ == "__main__":
    main()
