"""clusterlink as a copier: workers beside the destination; links and mirrors are made through REST."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from bench.cases import Case
from bench.measures import OURS
from pipeline.demo.worker import WorkerProcess
from pipeline.local.cluster import LocalCluster

LINK = "bench"
ASSIGNMENT_TIMEOUT_S = 60.0
ACTIVE_TIMEOUT_S = 300.0
_OWNS = re.compile(r"owns partitions \[([\d, ]*)\]")


class Clusterlink:
    """Workers with their settings as they come, in an application of its own: each start is a first start."""

    name = OURS
    keeps_offsets = True

    def __init__(self, source: LocalCluster, destination: LocalCluster, folder: Path, *, workers: int = 1) -> None:
        self._clusters = source, destination
        settings = {"app_id": f"bench-{folder.name.rpartition('-')[2]}"}
        folders = [folder / f"worker-{number}" for number in range(workers)]
        for each in folders:
            each.mkdir()
        self._workers = [WorkerProcess(each, destination.bootstrap_servers, settings) for each in folders]

    def __enter__(self) -> Self:
        with ExitStack() as started:
            for worker in self._workers:
                started.enter_context(worker)
            links = f"{self._workers[0].url}/kafka/v3/clusters/{self._clusters[1].cluster_id}/links"
            self._rest = started.enter_context(httpx.Client(timeout=60, base_url=links))
            self._wait_for_shares()
            self._started = started.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._started.close()

    @property
    def pids(self) -> tuple[int, ...]:
        return tuple(worker.pid for worker in self._workers)

    def copy(self, topic: str, case: Case) -> None:
        """A link and its mirror."""
        self.link()
        self.mirror(topic)

    def link(self, name: str = LINK, **configs: str) -> None:
        """Make a link to the source; configs with underscores for dots."""
        given = {"bootstrap.servers": self._clusters[0].bootstrap_servers}
        given |= {key.replace("_", "."): value for key, value in configs.items()}
        rows = [{"name": key, "value": value} for key, value in given.items()]
        body = {"source_cluster_id": self._clusters[0].cluster_id, "configs": rows}
        self._check(self._post("/", {"link_name": name}, body))

    def mirror(self, topic: str, link: str = LINK) -> None:
        """Make a mirror of the same name."""
        self._check(self._post(f"/{link}/mirrors", {}, {"source_topic_name": topic}))

    def wait_until_active(self, mirrors: int, link: str = LINK) -> None:
        """Return when so many mirrors of the link are ACTIVE."""
        give_up_at = time.monotonic() + ACTIVE_TIMEOUT_S
        while (found := self._active(link)) < mirrors:
            if time.monotonic() > give_up_at:
                raise RuntimeError(f"{found} of {mirrors} mirrors are ACTIVE after {ACTIVE_TIMEOUT_S:.0f} s")
            time.sleep(0.5)

    def log(self) -> str:
        return "\n".join(worker.log_end() for worker in self._workers)

    def _active(self, link: str) -> int:
        rows: list[dict[str, Any]] = self._check(self._rest.get(f"/{link}/mirrors")).json()["data"]
        return sum(row["mirror_status"] == "ACTIVE" for row in rows)

    def _wait_for_shares(self) -> None:
        """Return when every worker has partitions of the control topics: the second to start is given half of them."""
        give_up_at = time.monotonic() + ASSIGNMENT_TIMEOUT_S
        while len(self._workers) > 1 and not all(map(_has_share, self._workers)):
            if time.monotonic() > give_up_at:
                raise RuntimeError(f"a worker is without work after {ASSIGNMENT_TIMEOUT_S:.0f} s")
            time.sleep(0.2)

    def _post(self, path: str, params: dict[str, str], body: Mapping[str, object]) -> httpx.Response:
        """Ask, and again while the worker has no assignment yet: it answers 503 then, and nothing is queued."""
        give_up_at = time.monotonic() + ASSIGNMENT_TIMEOUT_S
        while True:
            answer = self._rest.post(path, params=params, json=dict(body))
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > give_up_at:
                return answer
            time.sleep(0.2)

    @staticmethod
    def _check(answer: httpx.Response) -> httpx.Response:
        if answer.is_error:
            raise RuntimeError(f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}")
        return answer


def _has_share(worker: WorkerProcess) -> bool:
    found = _OWNS.findall(worker.log())
    return bool(found and found[-1].strip())
