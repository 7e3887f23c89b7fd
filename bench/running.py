"""What every measurement needs: two clusters, a loaded topic, a verified copy, samples of all processes concerned."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.cases import Case
from bench.clusterlink import Clusterlink
from bench.copiers import Copier
from bench.loading import Loaded, delete_topic, load
from bench.measures import Figures, number
from bench.measuring import Ends, Sample, Watched, watch
from pipeline.local.cluster import LocalCluster, start_together
from pipeline.local.options import ClusterOptions, Jit
from pipeline.local.process import scratch_folder
from pipeline.verify import verify

BROKER_HEAP_MB = 1024
PROPERTIES = {"log.segment.delete.delay.ms": "1000", "log.cleaner.backoff.ms": "1000"}
"""Deleted copies make room at once, and the cleaner looks for work as soon as it is done."""
Starter = Callable[[LocalCluster, LocalCluster, Path], Copier]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One subject of a case, mostly a copier. figures is None where it failed; is_exact says whether what it copied
    is the source's log; remark, why not.
    """

    case: Case
    who: str
    figures: Figures | None
    is_exact: bool = True
    remark: str = ""
    samples: tuple[Sample, ...] = ()


@contextmanager
def two_clusters() -> Iterator[tuple[LocalCluster, LocalCluster]]:
    """Source and destination, a broker each, Java's compiler set for speed."""
    options = ClusterOptions(heap_mb=BROKER_HEAP_MB, jit=Jit.SPEED, properties=PROPERTIES)
    clusters = LocalCluster(options), LocalCluster(options)
    start_together(clusters)
    try:
        yield clusters
    finally:
        for each in clusters:
            each.stop()


class Bench:
    """One pair of clusters and what is done on them again and again. say is told what goes on."""

    def __init__(self, source: LocalCluster, destination: LocalCluster, say: Say) -> None:
        self.source, self.destination, self.say = source, destination, say

    @contextmanager
    def loaded(self, case: Case, records: int) -> Iterator[Loaded]:
        """A topic at the source for the length of the block."""
        topic = f"bench-{case.name}-{time.time_ns() // 1_000_000}"
        began = time.monotonic()
        found = load(self.source, topic, case, records)
        megabytes = records * case.record_bytes / 1e6
        took = time.monotonic() - began
        self.say(f"{case.title}: {records:,} records, {megabytes:,.0f} MB loaded in {took:.1f} s ({case.kind.value})")
        try:
            yield found
        finally:
            delete_topic(self.source.bootstrap_servers, topic)

    @contextmanager
    def ours(self, workers: int = 1) -> Iterator[Clusterlink]:
        """Workers that know no link yet."""
        with (
            scratch_folder("clusterlink-bench-") as folder,
            Clusterlink(self.source, self.destination, folder, workers=workers) as started,
        ):
            yield started

    def watched(self, copier: Copier) -> Watched:
        """The processes to sample: the copier's and both sides' brokers."""
        return Watched(copier.pids, self.source.process_ids + self.destination.process_ids)

    def watch(
        self, begin: Callable[[], object], copier: Copier, topic: str, partitions: int, offsets: int
    ) -> list[Sample]:
        """Sample, begin, and sample until the copy has so many offsets. Raises Stalled."""
        ends = Ends(self.destination.bootstrap_servers, topic, partitions)
        return watch(begin, ends.total, offsets, lambda: self.watched(copier))

    def difference(self, topic: str) -> str:
        """What the copy differs in; empty where it is the source's log."""
        sides = ({"bootstrap.servers": each.bootstrap_servers} for each in (self.source, self.destination))
        report = asyncio.run(verify(*sides, topic, topic))
        return "" if report.is_equal else str(report.difference)

    def outcome(self, case: Case, who: str, figures: Figures, topic: str, samples: Sequence[Sample] = ()) -> Outcome:
        """The figures with the verdict on the copy, which is deleted then."""
        remark = self.difference(topic)
        delete_topic(self.destination.bootstrap_servers, topic)
        shown = ", ".join(f"{number(value)} {measure.title}" for measure, value in figures.items())
        self.say(f"  {who}: {shown}; verified: {remark or 'equal'}")
        return Outcome(case, who, figures, not remark, remark, tuple(samples))
