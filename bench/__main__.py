"""`python -m bench`: clusterlink and MirrorMaker 2 on the same brokers, in one run. Exits 1 when a goal is missed."""

from __future__ import annotations

import sys
from contextlib import ExitStack

import click
from rich.console import Console

from bench import report
from bench.ballast import Ballast
from bench.cases import CASES
from bench.clusterlink import Clusterlink
from bench.copiers import MirrorMaker
from bench.running import Bench, Outcome, Starter, two_clusters

COPIERS: dict[str, Starter] = {"mm2": MirrorMaker, "clusterlink": Clusterlink}


@click.command()
@click.option("--quick", is_flag=True, help="Fewer records; under five minutes.")
@click.option("--case", "names", multiple=True, type=click.Choice([each.name for each in CASES]), help="Only these.")
@click.option("--copier", "copiers", multiple=True, type=click.Choice(list(COPIERS)), help="Only these.")
@click.option("--rounds", default=1, show_default=True, help="Rounds of each case; copiers take turns at going first.")
@click.option("--records", type=int, help="Records of each case, instead of the case's own number.")
@click.option("--warm-up/--no-warm-up", default=True, help="Copy something first that does not count.")
@click.option("--ballast/--no-ballast", default=True, help="Touch the machine's memory first (see bench/ballast.py).")
def main(
    *,
    quick: bool,
    names: tuple[str, ...],
    copiers: tuple[str, ...],
    rounds: int,
    records: int | None,
    warm_up: bool,
    ballast: bool,
) -> None:
    """Measure copying on two real brokers of this machine."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    cases = [each for each in CASES if not names or each.name in names]
    starters = [COPIERS[name] for name in copiers or COPIERS]
    outcomes: list[Outcome] = []
    with ExitStack() as stack:
        if ballast:
            console.print("Touching the machine's memory")
            stack.enter_context(Ballast())
        console.print("Starting two clusters")
        source, destination = stack.enter_context(two_clusters())
        bench = Bench(source, destination, console.print)
        if warm_up:
            bench.warm_up(cases[0], starters, quick=quick)
        for case in cases:
            for round_number in range(rounds):
                turn = starters[:: -1 if round_number % 2 else 1]
                count = records or (case.quick_records if quick else case.records)
                outcomes += bench.run(case, count, turn)
    console.print(report.table(outcomes))
    for line in report.goals(outcomes):
        console.print(line)
    for each in outcomes:
        if each.figures is None:
            console.print(f"{each.copier} failed: {each.remark}", style="red", markup=False)
    console.print(f"Written to {report.write_json(outcomes)}")
    met = [is_met for case in cases for _, _, is_met in report.judge(outcomes, case)]
    sys.exit(0 if all(met) or len(starters) < len(COPIERS) else 1)


if __name__ == "__main__":
    main()
