"""The same load without faults: are memory and file handles of workers flat, and how far is the mirror behind?"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.running import Outcome, finish
from tests.chaos.watching import handles, resident_mb
from tests.chaos.world import world

SAMPLE_EVERY_S = 5.0
MOST_GROWTH_MB, MOST_GROWTH_HANDLES = 16.0, 6.0
"""Between the middle third of a soak and its last; the first is for warming up."""


@dataclass(frozen=True)
class Flatness:
    """One worker: medians of the middle and of the last third."""

    worker: str
    memory_mb: tuple[float, float]
    handles: tuple[float, float]

    @property
    def is_flat(self) -> bool:
        memory, handles = self.memory_mb[1] - self.memory_mb[0], self.handles[1] - self.handles[0]
        return memory <= MOST_GROWTH_MB and handles <= MOST_GROWTH_HANDLES

    def __str__(self) -> str:
        memory = "{:.0f} MB, then {:.0f} MB".format(*self.memory_mb)
        return f"{self.worker}: {memory}; {self.handles[0]:.0f} handles, then {self.handles[1]:.0f}"


def soak(
    seed: int, minutes: float, folder: Path, rest_s: float = 0.3, say: Callable[[str], None] = print
) -> tuple[Outcome, list[Flatness], float]:
    """Returns what was compared, how flat each worker was, and the most seconds that the mirror was behind."""
    with world(seed, folder, rest_s, say) as made:
        outcome = Outcome(seed, made.checker.findings)
        samples: dict[str, list[tuple[float, float]]] = {worker.name: [] for worker in made.workers}
        end_at, made.watch.most_behind_s = time.monotonic() + 60 * minutes, 0.0
        while time.monotonic() < end_at and not outcome.findings.counts and not outcome.failures:
            time.sleep(SAMPLE_EVERY_S)
            made.supervise()
            made.checker.settle()
            for worker in made.workers:
                samples[worker.name].append((resident_mb(worker.pid), float(handles(worker.pid))))
            if len(samples[made.workers[0].name]) % 12 == 0:
                say(f"{time.strftime('%H:%M:%S')} {_line(samples)}, {outcome.findings.compared} records compared")
            outcome.failures = [repr(each) for each in (*made.load.failures, *made.checker.failures)]
        behind_s = made.watch.most_behind_s
        made.load.stop()
        finish(made, outcome)
    return outcome, [_flatness(name, found) for name, found in samples.items()], behind_s


def _line(samples: dict[str, list[tuple[float, float]]]) -> str:
    return ", ".join("{:.0f} MB {:.0f} handles".format(*found[-1]) for found in samples.values())


def _flatness(worker: str, samples: list[tuple[float, float]]) -> Flatness:
    third = max(1, len(samples) // 3)
    middle, last = samples[third : 2 * third] or samples, samples[-third:]
    memory, open_files = (
        (statistics.median(each[at] for each in middle), statistics.median(each[at] for each in last)) for at in (0, 1)
    )
    return Flatness(worker, memory, open_files)
