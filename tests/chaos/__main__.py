"""`python -m tests.chaos --seed 7 --rounds 40`: exits 1 when anything is lost, doubled, shifted or stuck."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from tests.chaos import report
from tests.chaos.running import run


@click.command()
@click.option("--seed", default=1, show_default=True, help="Which clusters, which faults, where and for how long.")
@click.option("--rounds", default=20, show_default=True, help="How many faults.")
@click.option("--first", default=1, show_default=True, help="The number of the first fault, to replay one.")
@click.option("--folder", type=click.Path(path_type=Path), help="For the workers' logs and the report.")
def main(seed: int, rounds: int, first: int, folder: Path | None) -> None:
    """Real brokers, real workers, faults by seed."""
    folder = folder or Path(tempfile.mkdtemp(prefix="clusterlink-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    outcome = run(seed, rounds, folder, first=first, say=_say)
    for line in report.lines(outcome):
        _say(line)
    report.write_json(outcome, folder / "report.json")
    sys.exit(0 if outcome.is_good else 1)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
