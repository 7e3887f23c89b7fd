"""Two workers that a real Prometheus scrapes, beside clusters of their own: the last tests take them all away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from pipeline.local.cluster import LocalCluster
from pipeline.local.options import QUICK_FENCING, ClusterOptions
from tests.support.asking import Rest
from tests.support.prometheus import Prometheus
from tests.support.workers import WorkerProcess, wait_until


@dataclass(frozen=True)
class Watched:
    """What the tests of this folder share, in the order of the file: nobody uses what an earlier one has ended."""

    source: LocalCluster
    destination: LocalCluster
    workers: tuple[WorkerProcess, WorkerProcess]
    rest: Rest
    prometheus: Prometheus
    began: float


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("observing")
    two_brokers = ClusterOptions(brokers=2, heap_mb=256, properties=QUICK_FENCING)
    with LocalCluster(two_brokers) as source, LocalCluster() as destination:
        first = WorkerProcess(destination.bootstrap_servers, folder)
        second = WorkerProcess(destination.bootstrap_servers, folder, first.app_id)
        with first, second:
            wait_until(
                lambda: first.owned and second.owned and not first.owned & second.owned, "both have a share", 120
            )
            urls = [first.url, second.url]
            with Prometheus(folder, urls) as prometheus, Rest(first, destination) as rest:
                yield Watched(source, destination, (first, second), rest, prometheus, time.time())
