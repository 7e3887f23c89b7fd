"""`python -m pipeline.demo [--seconds N] [--keep]`. Exit code 0 when the mirror is equal to its source."""

from __future__ import annotations

import signal
import sys
from types import FrameType

import click
import httpx
from confluent_kafka import KafkaException
from rich.console import Console

from pipeline.demo.commanding import Refused
from pipeline.demo.running import run
from pipeline.demo.worker import WorkerFailed
from pipeline.local.errors import LocalError


@click.command()
@click.option("--seconds", type=click.FloatRange(min=0), default=20, show_default=True, help="How long to produce.")
@click.option("--keep", is_flag=True, help="Leave everything running until Ctrl-C.")
def main(seconds: float, keep: bool) -> None:
    """Mirror a topic between two real Kafka clusters on this machine, and verify the mirror."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    console = Console(width=None if sys.stdout.isatty() else 140)
    try:
        code = run(console, seconds, keep)
    except KeyboardInterrupt:
        console.print("\nEnded; nothing is left behind.")
        code = 0 if keep else 130
    except (LocalError, WorkerFailed, Refused, TimeoutError, KafkaException, httpx.HTTPError) as error:
        console.print(f"The demo cannot go on: {error}", style="red", markup=False, highlight=False)
        code = 1
    sys.exit(code)


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
