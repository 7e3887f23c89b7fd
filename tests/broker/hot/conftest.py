"""A running link whose way to the source is tapped: what a changed property changes shows on the wire (LINK-10).

Nothing here restarts a worker or makes a link again. Every change goes through `configs:alter`, as an operator's does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from pipeline.local.cluster import LocalCluster
from tests.acceptance.tasks import configure
from tests.support.asking import Rest, checked, wait_for_ends
from tests.support.clients import create_topic
from tests.support.networks import Network
from tests.support.producing import numbered, produce
from tests.support.tapping import Tap
from tests.support.workers import WorkerProcess

PARTITIONS = 8
LINK, TOPIC = "hot", "hot-topic"
NEVER_MS = "86400000"


@dataclass(frozen=True)
class Running:
    """A worker, its link, a mirror that is ACTIVE, and the tap."""

    worker: WorkerProcess
    rest: Rest
    source: LocalCluster
    destination: LocalCluster
    network: Network
    tap: Tap
    port: int
    """Of the source."""

    def alter(self, **configs: str) -> float:
        """Change properties of the link, names with underscores; when the change was accepted, in monotonic seconds."""
        configure(self.rest, LINK, **configs)
        return time.monotonic()

    def row(self) -> dict[str, str]:
        return dict(checked(self.rest.ask("GET", f"/{LINK}")).json())

    def metric(self, name: str) -> float:
        """The sum of a metric of the link on the worker."""
        lines = httpx.get(f"{self.worker.url}/metrics", timeout=30).text.splitlines()
        mine = (line for line in lines if line.startswith(name) and f'"{LINK}"' in line)
        return sum(float(line.rpartition(" ")[2]) for line in mine)

    def still_copies(self) -> None:
        """Whatever was changed: what comes at the source comes to the mirror."""
        produce(self.source, TOPIC, [each for p in range(PARTITIONS) for each in numbered(3, partition=p)])
        wait_for_ends(self.source, self.destination, TOPIC, PARTITIONS)


@pytest.fixture(scope="package")
def running(
    source: LocalCluster, destination: LocalCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    here, there = (int(cluster.bootstrap_servers.rpartition(":")[2]) for cluster in (destination, source))
    with Network() as network:
        network.opens(here)
        tap = network.leads(there, Tap)
        folder = tmp_path_factory.mktemp("hot")
        with (
            WorkerProcess(destination.bootstrap_servers, folder, network=network) as worker,
            Rest(worker, destination) as rest,
        ):
            create_topic(source, TOPIC, PARTITIONS)
            checked(rest.create_link(LINK, source))
            checked(rest.create_mirror(LINK, TOPIC))
            rest.wait_for_status(LINK, TOPIC)
            made = Running(worker, rest, source, destination, network, tap, there)
            made.still_copies()  # offsets of groups go no further than a mirror's end
            yield made
        tap.close()
