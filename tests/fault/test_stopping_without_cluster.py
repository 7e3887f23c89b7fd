"""A worker whose own cluster has gone still ends when it is told to (issue 3: within 10 s)."""

from __future__ import annotations

from pathlib import Path

from pipeline.local.cluster import LocalCluster
from tests.support.workers import WorkerProcess


def test_sigterm_ends_a_worker_whose_own_cluster_is_dead(tmp_path: Path) -> None:
    with LocalCluster() as cluster, WorkerProcess(cluster.bootstrap_servers, tmp_path) as worker:
        cluster.stop_broker(next(iter(cluster.node_ids)), hard=True)
        worker.terminate()  # asserts that it ends in time
        assert not worker.is_running()
