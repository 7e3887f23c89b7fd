"""A worker on an empty cluster always gets its partitions; one that would spread the work otherwise does not start."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.local.cluster import LocalCluster
from pipeline.local.ports import HOST
from tests.support.workers import WorkerProcess, wait_until


@pytest.mark.timeout(900)
def test_the_first_worker_of_an_app_always_gets_its_partitions(destination: LocalCluster, tmp_path: Path) -> None:
    """Five apps that the cluster has never heard of (design: Faust ignores topics that it has just made)."""
    for _ in range(5):
        with WorkerProcess(destination.bootstrap_servers, tmp_path) as worker:
            assert worker.owned == {0, 1, 2, 3}
            assert "Ignoring missing topic" not in worker.log()


@pytest.mark.timeout(400)
def test_two_workers_started_at_the_same_moment_share_an_app_that_is_new(
    destination: LocalCluster, tmp_path: Path
) -> None:
    one = WorkerProcess(destination.bootstrap_servers, tmp_path)
    two = WorkerProcess(destination.bootstrap_servers, tmp_path, one.app_id)
    with one.ended_with_us(), two.ended_with_us():
        one.launch()
        two.launch()
        wait_until(
            lambda: (len(one.owned), len(two.owned), one.owned | two.owned) == (2, 2, {0, 1, 2, 3}),
            "each has its half",
        )


@pytest.mark.timeout(400)
def test_another_partition_count_than_the_topics_have_is_refused(destination: LocalCluster, tmp_path: Path) -> None:
    with WorkerProcess(destination.bootstrap_servers, tmp_path) as worker:
        pass
    other = WorkerProcess(destination.bootstrap_servers, tmp_path, worker.app_id, partitions="6")
    with other.ended_with_us():
        other.launch()
        assert other.wait_for_end() != 0
        assert f"{worker.app_id}.commands has 4 partitions, CLUSTERLINK_PARTITIONS says 6" in other.log_end(5)
        assert "Traceback" not in other.log()


@pytest.mark.timeout(300)
def test_a_cluster_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    with closing(socket.socket()) as nobody:
        nobody.bind((HOST, 0))  # bound and not listening: refuses
        server = "{}:{}".format(*nobody.getsockname())
        worker = WorkerProcess(server, tmp_path)
        with worker.ended_with_us():
            worker.launch()
            assert worker.wait_for_end() != 0
            assert server in worker.log_end(5)
            assert "Traceback" not in worker.log()


@pytest.mark.timeout(400)
def test_a_start_is_a_page_and_says_where_to_look(destination: LocalCluster, tmp_path: Path) -> None:
    with WorkerProcess(destination.bootstrap_servers, tmp_path) as worker:
        wait_until(lambda: f"console {worker.url}/console/" in worker.log(), "it says where its console is", 120)
        # not what a busy machine makes Faust warn of
        assert len([line for line in worker.log().splitlines() if "[INFO]" in line]) < 25, worker.log()
        # its folder is its own
        again = WorkerProcess(destination.bootstrap_servers, tmp_path, data_dir=str(worker.folder / "data"))
        with again.ended_with_us():
            again.launch()
            assert again.wait_for_end() != 0
            assert "CLUSTERLINK_DATA_DIR" in again.log_end(5) and "in use by another worker" in again.log_end(5)
            assert "Traceback" not in again.log()


@pytest.mark.timeout(300)
def test_settings_that_cannot_be_used_are_all_named(tmp_path: Path) -> None:
    worker = WorkerProcess("", tmp_path, web_port="0", partitions="many", session_timeout_ms="1")
    with worker.ended_with_us():
        worker.launch()
        assert worker.wait_for_end() != 0
        for name in ("BOOTSTRAP_SERVERS", "PARTITIONS", "SESSION_TIMEOUT_MS"):
            assert f"CLUSTERLINK_{name}" in worker.log_end(5)
