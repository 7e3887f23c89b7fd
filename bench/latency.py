"""How long a record is on its way, for each copier, and for a consumer that reads the source itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial

from bench.cases import Case
from bench.loading import create_topic, delete_topic
from bench.measures import OURS
from bench.measuring import Stalled
from bench.running import Bench, Outcome, Starter
from bench.streaming import Reader, Stream, after_warm_up, percentiles
from pipeline.local.process import scratch_folder

DIRECT = "the source itself, beside"


def measure(bench: Bench, case: Case, records: int, starters: Sequence[Starter]) -> Iterator[Outcome]:
    """A topic and a stream for each copier; the first record has arrived before the stream begins."""
    for number, start in enumerate(starters):
        topic = f"bench-{case.name}-{number}"
        create_topic(bench.source.bootstrap_servers, topic, case.partitions)
        yield from _outcomes(bench, case, topic, records, start)
        delete_topic(bench.source.bootstrap_servers, topic)


def _outcomes(bench: Bench, case: Case, topic: str, records: int, start: Starter) -> Iterator[Outcome]:
    servers, warm_up = bench.source.bootstrap_servers, range(case.partitions)
    stream = Stream(servers, topic, case.partitions, case.record_bytes)
    stream.send(warm_up)
    numbers = range(len(warm_up), len(warm_up) + records)
    with scratch_folder("clusterlink-bench-") as folder, ExitStack() as running:
        copier = start(bench.source, bench.destination, folder)
        try:
            running.enter_context(copier)
            bench.watch(partial(copier.copy, topic, case), copier, topic, case.partitions, len(warm_up))
            here = running.enter_context(Reader(bench.destination.bootstrap_servers, topic, case.partitions))
            there = running.enter_context(Reader(servers, topic, case.partitions))
            here.wait_for(len(warm_up))
            there.wait_for(len(warm_up))
            stream.send(numbers)
            here.wait_for(numbers.stop)
            there.wait_for(numbers.stop)
        except Stalled as error:
            yield Outcome(case, copier.name, None, is_exact=False, remark=f"{error}\n{copier.log()[-3000:]}")
            return
        yield Outcome(case, f"{DIRECT} {copier.name}", percentiles(after_warm_up(there, numbers)))
    found = bench.outcome(case, copier.name, percentiles(after_warm_up(here, numbers)), topic)
    yield found if not here.remark or copier.name != OURS else Outcome(case, OURS, found.figures, False, here.remark)
