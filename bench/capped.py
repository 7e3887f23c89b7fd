"""Links with a bandwidth cap (LINK-44): does it hold, and what does a second worker add where the source is the limit?

The cap is of a link on one worker, and counts what comes over the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from bench.cases import Case
from bench.measures import OURS, Figures, Measure
from bench.measuring import figures
from bench.running import Bench, Outcome, Starter

CAP = 20_000_000


def measure_cap(bench: Bench, case: Case, records: int, _starters: Sequence[Starter]) -> Iterator[Outcome]:
    """How far from the cap the log's bytes came, to either side."""
    yield _copied(bench, case, records, OURS, workers=1)


def measure_scaling(bench: Bench, case: Case, records: int, _starters: Sequence[Starter]) -> Iterator[Outcome]:
    """One worker, then two."""
    for count, who in ((1, "one worker"), (2, "two workers")):
        yield _copied(bench, case, records, who, workers=count)


def _copied(bench: Bench, case: Case, records: int, who: str, workers: int) -> Outcome:
    with bench.loaded(case, records) as loaded:
        with bench.ours(workers) as worker:
            worker.link(link_max_bytes_per_second=str(CAP))
            begin = partial(worker.mirror, loaded.topic)
            samples = bench.watch(begin, worker, loaded.topic, case.partitions, loaded.offsets)
        found = figures(samples, loaded.records, loaded.offsets, case.record_bytes)
        on_the_wire = loaded.log_bytes / (loaded.records * case.record_bytes)
        return bench.outcome(case, who, {**found, **_deviation(found, on_the_wire, workers)}, loaded.topic, samples)


def _deviation(found: Figures, on_the_wire: float, workers: int) -> Figures:
    """on_the_wire: bytes of log for a byte of payload."""
    reached = found[Measure.MB_PER_S] * 1e6 * on_the_wire
    return {Measure.DEVIATION: 100 * abs(reached / (CAP * workers) - 1)}
