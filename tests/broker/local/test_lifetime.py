"""Brokers live as long as they should: through stops and starts with their data, and never longer than their owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.local.cluster import LocalCluster, start_together
from pipeline.local.errors import BrokerFailed
from pipeline.local.options import QUICK_FENCING, ClusterOptions
from tests.conftest import ROOT
from tests.support.clients import TIMEOUT_S, admin, answered, create_topic, log_ends
from tests.support.consuming import consume
from tests.support.producing import numbered, produce

OWNER = """
import sys, time
from pipeline.local.cluster import LocalCluster
cluster = LocalCluster()
cluster.start()
print(cluster._folder, *(broker.describe().split()[-1] for broker in cluster._brokers.values()), flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def three() -> Iterator[LocalCluster]:
    with LocalCluster(ClusterOptions(brokers=3, heap_mb=384, properties=QUICK_FENCING)) as cluster:
        yield cluster


def test_three_brokers_share_a_topic_and_one_may_be_killed(three: LocalCluster, topic: str) -> None:
    create_topic(three, topic, partitions=3, replicas=3, min_insync_replicas="2")
    produce(three, topic, numbered(10))
    three.stop_broker(2, hard=True)
    produce(three, topic, numbered(10, start=10))
    three.start_broker(2)

    assert len(consume(three, topic)) == 20
    assert cluster_id(three) == three.cluster_id


@pytest.mark.parametrize("hard", [False, True], ids=["orderly", "killed"])
def test_a_broker_keeps_its_data_and_its_address(three: LocalCluster, topic: str, hard: bool) -> None:
    create_topic(three, topic, replicas=3)
    produce(three, topic, numbered(7))
    three.stop_broker(3, hard)
    three.start_broker(3)

    assert log_ends(three, topic) == [7]


def cluster_id(cluster: LocalCluster) -> str:
    client = admin(cluster)
    return str(answered(lambda: client.list_topics(timeout=TIMEOUT_S)).cluster_id)


def test_codecs_are_unpacked_where_they_are_removed_with_the_cluster(three: LocalCluster, topic: str) -> None:
    """A killed broker does not remove its native libraries itself."""
    create_topic(three, topic)
    produce(three, topic, numbered(10), codec="lz4")
    assert list(three.data_folder(1).parent.rglob("liblz4*"))


def test_a_broker_that_takes_too_long_to_stop_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalCluster() as cluster:
        pid = int(cluster._brokers[1].describe().split()[-1])
        monkeypatch.setattr("pipeline.local.process.STOP_TIMEOUT_S", 0.0)
        cluster.stop_broker(1)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_two_clusters_start_side_by_side_and_are_two() -> None:
    clusters = [LocalCluster(), LocalCluster()]
    start_together(clusters)
    try:
        assert clusters[0].bootstrap_servers != clusters[1].bootstrap_servers
        assert [cluster_id(c) for c in clusters] == [c.cluster_id for c in clusters]
    finally:
        for cluster in clusters:
            cluster.stop()


def test_a_broker_that_cannot_start_shows_its_log_and_leaves_nothing() -> None:
    cluster = LocalCluster(ClusterOptions(properties={"num.network.threads": "0"}))
    with pytest.raises(BrokerFailed, match=r"num\.network\.threads") as caught:
        cluster.start()
    assert caught.value.log
    assert cluster._folder is None
    cluster.stop()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda s: s.name)
def test_nothing_outlives_its_owner(end: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as owner:
        assert owner.stdout is not None
        folder, pid = owner.stdout.readline().split()
        assert Path(folder).is_dir()
        os.kill(int(pid), 0)

        owner.send_signal(end)
        owner.wait(90)
    _wait_until_gone(int(pid), Path(folder))


def _wait_until_gone(pid: int, folder: Path) -> None:
    give_up_at = time.monotonic() + 90
    while time.monotonic() < give_up_at:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            if not folder.exists():
                return
        time.sleep(0.05)
    pytest.fail(f"process {pid} or {folder} is still there")
