"""RUN-13: active/active with prefixes; consumers of a cluster that is gone go on, on regular and on mirror topics.

The sides differ in their prefixes (MODE-11); offsets of both kinds of topics are synced (MODE-27, MODE-28).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.local.cluster import LocalCluster
from tests.acceptance.tasks import committed, name_filters
from tests.acceptance.test_run_02_read_position import member, read
from tests.support.asking import Rest, checked, wait_for_ends
from tests.support.clients import create_topic
from tests.support.producing import numbered, produce
from tests.support.workers import WorkerProcess, wait_until


@pytest.mark.timeout(400)
def test_run_13(
    destination: LocalCluster, worker: WorkerProcess, rest: Rest, tmp_path: Path, unique: Callable[[str], str]
) -> None:
    link, topic, group = unique("link")[-40:], unique("orders")[-60:], unique("g")
    syncing = {
        "consumer_offset_sync_enable": "true",
        "consumer_offset_sync_ms": "1000",
        "consumer_offset_group_filters": name_filters("groupFilters", (group, "LITERAL", "INCLUDE")),
        "availability_check_ms": "1000",
        "availability_check_consecutive_failure_threshold": "2",
    }
    create_topic(destination, topic)
    with LocalCluster() as a:
        create_topic(a, topic)
        with WorkerProcess(a.bootstrap_servers, tmp_path, worker.app_id) as beside_a, Rest(beside_a, a) as rest_a:
            checked(rest.create_side(link, a, cluster_link_prefix="a.", **syncing))
            checked(rest_a.create_side(link, destination, cluster_link_prefix="b.", **syncing))
            for side in (rest, rest_a):
                row = side.ask(
                    "POST",
                    f"/{link}/mirrors",
                    {"source_topic_name": topic, "mirror_topic_name": f"{'a' if side is rest else 'b'}.{topic}"},
                )
                checked(row)
            back = rest.ask(
                "POST", f"/{link}/mirrors", {"source_topic_name": f"b.{topic}", "mirror_topic_name": f"a.b.{topic}"}
            )
            assert back.status_code == 400 and "itself a mirror" in back.text, "MODE-22"
            for cluster in (a, destination):
                produce(cluster, topic, numbered(20))
            rest.wait_for_status(link, f"a.{topic}")
            rest_a.wait_for_status(link, f"b.{topic}")
            wait_until(lambda: rest.mirror(link, f"a.{topic}")["mirror_lags"][0]["lag"] == 0, "B has A's", 120, 0.1)
            with member(a, group, topic) as reader:
                read(reader, 8)
            with member(a, group, f"b.{topic}") as reader:
                read(reader, 5)
            wait_until(lambda: committed(destination, group, f"a.{topic}") == 8, "where A's topic was read", 120, 0.1)
            wait_until(
                lambda: committed(destination, group, topic) == 5, "where the mirror was read (TASK-17)", 30, 0.1
            )
            wait_for_ends_of_prefixed(a, destination, topic)
    # A is gone
    checked(rest.ask("POST", f"/{link}/mirrors:failover", {"mirror_topic_names": [f"a.{topic}"]}))
    rest.wait_for_status(link, f"a.{topic}", "STOPPED")
    produce(destination, f"a.{topic}", numbered(4))
    with member(destination, group, f"a.{topic}") as reader:
        assert read(reader, 16)[0] == 8
    with member(destination, group, topic) as reader:
        assert read(reader, 15) == list(range(5, 20))


def wait_for_ends_of_prefixed(a: LocalCluster, b: LocalCluster, topic: str) -> None:
    """Both mirrors have all."""
    for source, mirror_at, name in ((a, b, f"a.{topic}"), (b, a, f"b.{topic}")):
        wait_for_ends(source, mirror_at, topic, mirror=name)
