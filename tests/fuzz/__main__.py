"""`python -m tests.fuzz --first 1 --seeds 200`: exits 1 when a seed finds something, and says how to repeat it."""

from __future__ import annotations

import asyncio
import logging
import sys
import time

import click

import pipeline.cluster  # noqa: F401  # first: it loads kafka-python without its warnings
from tests.fuzz.running import run

SAID_EVERY_S = 30.0


@click.command()
@click.option("--seeds", default=200, show_default=True, help="How many.")
@click.option("--first", default=1, show_default=True, help="The first one.")
@click.option("--times", default=1, show_default=True, help="How often each: turns of tasks are not the seed's.")
@click.option("--minutes", type=float, help="Begin no further seed after so long.")
@click.option("--log", is_flag=True, help="Show what the copier says.")
def main(seeds: int, first: int, times: int, minutes: float | None, log: bool) -> None:
    """The real copier, brokers made of scripts, trouble by seed."""
    if log:
        logging.basicConfig(level=logging.INFO, format="%(relativeCreated)d %(name)s: %(message)s")
    else:
        logging.disable(logging.CRITICAL)
    sys.exit(0 if asyncio.run(_run(seeds, first, times, minutes)) else 1)


async def _run(seeds: int, first: int, times: int, minutes: float | None) -> bool:
    began = said = time.monotonic()
    ran = compared = 0
    bad = set[int]()
    for seed in (seed for seed in range(first, first + seeds) for _ in range(times)):
        if minutes is not None and time.monotonic() > began + 60 * minutes:
            break
        outcome = await run(seed)
        ran, compared = ran + 1, compared + outcome.compared
        for each in outcome.found:
            _say(f"seed {seed}: {each}")
        if outcome.found:
            bad.add(seed)
            _say(f"seed {seed} again: .venv/bin/python -m tests.fuzz --first {seed} --seeds 1 --times 20 --log")
        if time.monotonic() > said + SAID_EVERY_S:
            said = time.monotonic()
            _say(f"at seed {seed}: {ran} runs, {compared} records compared, bad: {sorted(bad) or 'none'}")
    _say(f"{ran} runs in {time.monotonic() - began:.0f} s, {compared} records compared, bad: {sorted(bad) or 'none'}")
    return not bad


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
