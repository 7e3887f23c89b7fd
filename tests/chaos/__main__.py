"""`python -m tests.chaos --seed 7 --rounds 40`: exits 1 when anything is lost, doubled, shifted or stuck.

Ctrl-C ends it after the round that it is at, with the report; a second one at once.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import click

from tests.chaos import report
from tests.chaos.running import run
from tests.chaos.soaking import soak


@click.command()
@click.option("--seed", default=1, show_default=True, help="Which clusters, which faults, where and for how long.")
@click.option("--rounds", default=20, show_default=True, help="How many faults.")
@click.option("--first", default=1, show_default=True, help="The number of the first fault, to replay one.")
@click.option("--only", default="", help="Only faults with this in their name: SIGKILL, rolling.")
@click.option("--workers", default=2, show_default=True, help="How many.")
@click.option("--minutes", type=float, help="No faults for so long, and a look at memory and file handles.")
@click.option("--folder", type=click.Path(path_type=Path), help="For the workers' logs and the report.")
def main(seed: int, minutes: float | None, folder: Path | None, **how: Any) -> None:
    """Real brokers, real workers, faults by seed."""
    folder = folder or Path(tempfile.mkdtemp(prefix="clusterlink-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    if minutes is not None:
        sys.exit(0 if _soak(seed, minutes, folder) else 1)
    is_over = _interrupted().is_set
    outcome = run(seed, folder=folder, say=_say, is_over=is_over, **how)
    for line in report.lines(outcome):
        _say(line)
    report.write_json(outcome, folder / "report.json")
    sys.exit(0 if outcome.is_good else 1)


def _soak(seed: int, minutes: float, folder: Path) -> bool:
    outcome, workers, behind_s = soak(seed, minutes, folder, say=_say)
    _say(f"{outcome.records} records acknowledged, {outcome.findings.compared} compared, {outcome.findings.counts}")
    _say(f"at most {behind_s:.1f} s behind; ended by themselves: {outcome.ended_by_themselves}")
    for each in (*workers, *outcome.findings.shown, *outcome.failures):
        _say(str(each))
    return outcome.is_good and not outcome.ended_by_themselves and all(each.is_flat for each in workers)


def _interrupted() -> threading.Event:
    """Set by the first Ctrl-C."""
    interrupted = threading.Event()

    def heard(*_: object) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    signal.signal(signal.SIGINT, heard)
    return interrupted


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
