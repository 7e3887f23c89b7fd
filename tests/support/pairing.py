"""Two clusters with a worker each, and a bidirectional link between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, checked
from tests.support.workers import WorkerProcess, wait_until


@dataclass(frozen=True)
class Side:
    """One cluster of a pair, the worker beside it, and what it says over REST."""

    cluster: LocalCluster
    worker: WorkerProcess
    rest: Rest

    def start_again(self) -> None:
        """Start the worker again that has been killed, on the data that it had."""
        self.worker.launch()
        self.worker.wait_until_ready()

    def link_state(self, link: str) -> str:
        return str(checked(self.rest.ask("GET", f"/{link}")).json()["link_state"])

    def wait_for_link(self, link: str, state: str = "ACTIVE", within_s: float = 90) -> None:
        wait_until(lambda: self.link_state(link) == state, f"link {link} is {state}", within_s, 0.2)


@contextmanager
def paired(one: LocalCluster, other: LocalCluster, folder: Path, **settings: str) -> Iterator[tuple[Side, Side]]:
    """A worker beside each cluster, with the same app id and settings."""
    with ExitStack() as stack:
        first = WorkerProcess(one.bootstrap_servers, folder, **settings)
        workers = [first, WorkerProcess(other.bootstrap_servers, folder, first.app_id, **settings)]
        for worker in workers:
            stack.enter_context(worker.ended_with_us())
            worker.launch()  # both at once: most of a start is waiting
        for worker in workers:
            worker.wait_until_ready()
        clusters = (one, other)
        rests = [stack.enter_context(Rest(w, c)) for w, c in zip(workers, clusters, strict=True)]
        sides = [Side(c, w, r) for c, w, r in zip(clusters, workers, rests, strict=True)]
        yield sides[0], sides[1]


def link_both(one: Side, other: Side, link: str, **configs: str) -> None:
    """Create both link objects; config names with underscores for dots."""
    checked(one.rest.create_side(link, other.cluster, **configs))
    checked(other.rest.create_side(link, one.cluster, **configs))
