"""Catching up with a large backlog: what copying adds to a worker's memory, and whether that goes on growing (I5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from bench.cases import Case
from bench.measures import OURS
from bench.measuring import figures, memory_figures
from bench.running import Bench, Outcome, Starter


def measure(bench: Bench, case: Case, records: int, _starters: Sequence[Starter]) -> Iterator[Outcome]:
    """The first sample is of a worker that has its link and no mirror yet."""
    with bench.loaded(case, records) as loaded:
        with bench.ours() as worker:
            worker.link()
            begin = partial(worker.mirror, loaded.topic)
            samples = bench.watch(begin, worker, loaded.topic, case.partitions, loaded.offsets)
        found = figures(samples, loaded.records, loaded.offsets, case.record_bytes)
        found = {**found, **memory_figures(samples, loaded.offsets)}
        yield bench.outcome(case, OURS, found, loaded.topic, samples)
