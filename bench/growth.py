"""What more partitions, and more links, cost one worker: the same records each time, spread more widely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace

from bench.cases import Case
from bench.clusterlink import LINK
from bench.loading import delete_topic
from bench.measuring import Ends, figures, watch
from bench.running import Bench, Outcome, Starter

PARTITIONS = (8, 64, 512)
LINKS = 8


def measure(bench: Bench, case: Case, records: int, _starters: Sequence[Starter]) -> Iterator[Outcome]:
    """One link and a topic of ever more partitions; then several links, each with a topic of the case's own number."""
    for partitions in PARTITIONS:
        shape = replace(case, partitions=partitions)
        yield replace(_copied(bench, shape, records, 1, f"{partitions} partitions"), case=case)
    yield _copied(bench, case, records, LINKS, f"{LINKS} links of {case.partitions} partitions")


def _copied(bench: Bench, case: Case, records: int, links: int, who: str) -> Outcome:
    servers = bench.destination.bootstrap_servers
    with ExitStack() as stack:
        all_loaded = [stack.enter_context(bench.loaded(case, records // links)) for _ in range(links)]
        topics = {f"{LINK}-{number}": loaded.topic for number, loaded in enumerate(all_loaded)}
        ends = [Ends(servers, topic, case.partitions) for topic in topics.values()]
        offsets = sum(loaded.offsets for loaded in all_loaded)
        with bench.ours() as worker:
            for link in topics:
                worker.link(link)

            def begin() -> None:
                for link, topic in topics.items():
                    worker.mirror(topic, link)

            samples = watch(begin, lambda: sum(each.total() for each in ends), offsets, lambda: bench.watched(worker))
        found = figures(samples, sum(loaded.records for loaded in all_loaded), offsets, case.record_bytes)
        first, *others = topics.values()
        remarks = [bench.difference(topic) for topic in others]
        for topic in others:
            delete_topic(servers, topic)
        outcome = bench.outcome(case, who, found, first, samples)
        if remark := next(filter(None, remarks), ""):
            return Outcome(case, who, found, is_exact=False, remark=remark)
        return outcome
