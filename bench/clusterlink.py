"""clusterlink as a copier: one worker beside the destination, a link and a mirror made through REST."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from bench.cases import Case
from pipeline.demo.worker import WorkerProcess
from pipeline.local.cluster import LocalCluster

LINK = "bench"
ASSIGNMENT_TIMEOUT_S = 60.0


class Clusterlink:
    """A worker with its settings as they come, in an application of its own: each start is a first start."""

    name = "clusterlink"
    keeps_offsets = True

    def __init__(self, source: LocalCluster, destination: LocalCluster, folder: Path) -> None:
        self._clusters = source, destination
        settings = {"app_id": f"bench-{folder.name.rpartition('-')[2]}"}
        self._worker = WorkerProcess(folder, destination.bootstrap_servers, settings)

    def __enter__(self) -> Self:
        with ExitStack() as started:
            started.enter_context(self._worker)
            source, destination = self._clusters
            links = f"{self._worker.url}/kafka/v3/clusters/{destination.cluster_id}/links"
            self._rest = started.enter_context(httpx.Client(timeout=60, base_url=links))
            configs = [{"name": "bootstrap.servers", "value": source.bootstrap_servers}]
            body = {"source_cluster_id": source.cluster_id, "configs": configs}
            self._check(self._post("/", {"link_name": LINK}, body))
            self._started = started.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._started.close()

    def copy(self, topic: str, case: Case) -> int:
        """Create the mirror; everything else runs already."""
        self._check(self._post(f"/{LINK}/mirrors", {}, {"source_topic_name": topic}))
        return self._worker.pid

    def log(self) -> str:
        return self._worker.log_end()

    def _post(self, path: str, params: dict[str, str], body: Mapping[str, object]) -> httpx.Response:
        """Ask, and again while the worker has no assignment yet: it answers 503 then, and nothing is queued."""
        give_up_at = time.monotonic() + ASSIGNMENT_TIMEOUT_S
        while True:
            answer = self._rest.post(path, params=params, json=dict(body))
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > give_up_at:
                return answer
            time.sleep(0.2)

    @staticmethod
    def _check(answer: httpx.Response) -> None:
        if answer.is_error:
            raise RuntimeError(f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}")
