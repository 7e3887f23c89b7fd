"""One copier after the other copies the same topic; the copy is verified, then deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from bench.cases import Case
from bench.loading import Loaded, delete_topic
from bench.measuring import Stalled, figures
from bench.running import Bench, Outcome, Starter
from pipeline.local.process import scratch_folder

WARM_UP_RECORDS, QUICK_WARM_UP_RECORDS = 1_000_000, 300_000
WARM_UP_ROUNDS = 2


def warm_up(bench: Bench, case: Case, starters: Sequence[Starter], *, quick: bool) -> None:
    """Let the brokers see the work of every copier; nothing of it counts.

    A broker's compiler is done with what an append needs only after some gigabytes: until then the broker spends
    up to three times the CPU on each of them.
    """
    records = QUICK_WARM_UP_RECORDS if quick else WARM_UP_RECORDS
    for _ in measure(bench, replace(case, name="warm-up"), records, [*starters] * (1 if quick else WARM_UP_ROUNDS)):
        pass


def measure(bench: Bench, case: Case, records: int, starters: Sequence[Starter]) -> Iterator[Outcome]:
    """Load the source once, then let each copier have it."""
    with bench.loaded(case, records) as loaded:
        for start in starters:
            yield copied(bench, case, loaded, start)


def copied(bench: Bench, case: Case, loaded: Loaded, start: Starter) -> Outcome:
    """One copier's figures; where it fails, what it logged."""
    with scratch_folder("clusterlink-bench-") as folder:
        copier = start(bench.source, bench.destination, folder)
        offsets = loaded.offsets if copier.keeps_offsets else loaded.records
        try:
            with copier:
                begin = partial(copier.copy, loaded.topic, case)
                samples = bench.watch(begin, copier, loaded.topic, case.partitions, offsets)
            found = figures(samples, loaded.records, offsets, case.record_bytes)
        except Stalled as error:
            delete_topic(bench.destination.bootstrap_servers, loaded.topic)
            return Outcome(case, copier.name, None, is_exact=False, remark=f"{error}\n{copier.log()[-3000:]}")
    return bench.outcome(case, copier.name, found, loaded.topic, samples)
