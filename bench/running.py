"""One run: two clusters, a warm-up, then every case with every copier, each copy verified before its figures count."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.cases import Case
from bench.copiers import Copier
from bench.loading import create_topic, delete_topic, load
from bench.measuring import Figures, Sample, Stalled, figures, watch
from pipeline.local.cluster import LocalCluster, start_together
from pipeline.local.options import ClusterOptions, Jit
from pipeline.verify import verify

WARM_UP_RECORDS, QUICK_WARM_UP_RECORDS = 1_000_000, 300_000
WARM_UP_ROUNDS = 2
BROKER_HEAP_MB = 1024
Starter = Callable[[LocalCluster, LocalCluster, Path], Copier]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One copier in one case. figures is None where the copy failed; is_exact says whether it is the source's log."""

    case: Case
    copier: str
    figures: Figures | None
    is_exact: bool
    remark: str
    samples: tuple[Sample, ...] = ()


@contextmanager
def two_clusters() -> Iterator[tuple[LocalCluster, LocalCluster]]:
    """Source and destination, a broker each, Java's compiler set for speed; deleted copies make room at once."""
    properties = {"log.segment.delete.delay.ms": "1000"}
    options = ClusterOptions(heap_mb=BROKER_HEAP_MB, jit=Jit.SPEED, properties=properties)
    clusters = LocalCluster(options), LocalCluster(options)
    start_together(clusters)
    try:
        yield clusters
    finally:
        for each in clusters:
            each.stop()


class Bench:
    """Cases on one pair of clusters. say is told what goes on."""

    def __init__(self, source: LocalCluster, destination: LocalCluster, say: Say) -> None:
        self._source, self._destination, self._say = source, destination, say

    def warm_up(self, case: Case, starters: Sequence[Starter], *, quick: bool) -> None:
        """Let the brokers see the work of every copier; nothing of it counts.

        A broker's compiler is done with what an append needs only after some gigabytes: until then the broker spends
        up to three times the CPU on each of them.
        """
        records = QUICK_WARM_UP_RECORDS if quick else WARM_UP_RECORDS
        for _ in self.run(replace(case, name="warm-up"), records, [*starters] * (1 if quick else WARM_UP_ROUNDS)):
            pass

    def run(self, case: Case, records: int, starters: Sequence[Starter]) -> Iterator[Outcome]:
        """Load the source once, then copy it with one copier after the other, the copy deleted in between."""
        topic = f"bench-{case.name}-{time.time_ns() // 1_000_000}"
        create_topic(self._source.bootstrap_servers, topic, case.partitions)
        began = time.monotonic()
        offsets = load(self._source.bootstrap_servers, topic, case, records)
        megabytes = records * case.record_bytes / 1e6
        self._say(f"{case.title}: {records:,} records, {megabytes:,.0f} MB loaded in {time.monotonic() - began:.1f} s")
        for start in starters:
            with tempfile.TemporaryDirectory(prefix="clusterlink-bench-") as folder:
                copier = start(self._source, self._destination, Path(folder))
                yield self._copy(copier, case, topic, records, offsets)
            delete_topic(self._destination.bootstrap_servers, topic)
        delete_topic(self._source.bootstrap_servers, topic)

    def _copy(self, copier: Copier, case: Case, topic: str, records: int, offsets: int) -> Outcome:
        self._say(f"{copier.name} copies")
        wanted = offsets if copier.keeps_offsets else records
        servers = self._destination.bootstrap_servers
        try:
            with copier:
                pid = copier.copy(topic, case)
                samples = watch(servers, topic, case.partitions, offsets=wanted, pid=pid)
            found = figures(samples, records, wanted, case.record_bytes)
        except Stalled as error:
            return Outcome(case, copier.name, None, False, f"{error}\n{copier.log()[-3000:]}")
        report = asyncio.run(
            verify({"bootstrap.servers": self._source.bootstrap_servers}, {"bootstrap.servers": servers}, topic, topic)
        )
        remark = "" if report.is_equal else str(report.difference)
        self._say(f"{copier.name}: {found.mb_per_s:.1f} MB/s; verified: {remark or 'equal'}")
        return Outcome(case, copier.name, found, report.is_equal, remark, tuple(samples))
