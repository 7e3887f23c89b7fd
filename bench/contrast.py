"""What another kind of source costs: one worker, one link, a plain topic and then one of that kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from bench.cases import Case, Kind
from bench.measuring import figures
from bench.running import Bench, Outcome, Starter


def measure(bench: Bench, case: Case, records: int, _starters: Sequence[Starter]) -> Iterator[Outcome]:
    """MB/s are of payload that a consumer can read: markers and holes take their time and count for nothing."""
    with bench.ours() as worker:
        worker.link()
        for kind in (Kind.PLAIN, case.kind):
            with bench.loaded(replace(case, kind=kind), records) as loaded:
                begin = partial(worker.mirror, loaded.topic)
                samples = bench.watch(begin, worker, loaded.topic, case.partitions, loaded.offsets)
                found = figures(samples, loaded.records, loaded.offsets, case.record_bytes)
                yield bench.outcome(case, kind.value, found, loaded.topic, samples)
