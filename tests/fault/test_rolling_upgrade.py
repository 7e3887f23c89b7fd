"""A rolling upgrade with plain processes, as docs/deployment.md describes it: one worker after the other is ended by
SIGTERM and started again, under load, each when /readyz of the one before says so.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, assert_equal, checked, wait_for_ends
from tests.support.clients import create_topic, log_ends
from tests.support.load import Load
from tests.support.workers import WorkerProcess, wait_until

PARTITIONS = 4


def is_ready(worker: WorkerProcess) -> bool:
    """What a rollout asks."""
    try:
        return httpx.get(f"{worker.url}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.timeout(400)
def test_workers_are_replaced_one_after_the_other_under_load(
    source: LocalCluster, destination: LocalCluster, tmp_path: Path, unique: Callable[[str], str], topic: str
) -> None:
    link = unique("link")
    create_topic(source, topic, PARTITIONS)
    first = WorkerProcess(destination.bootstrap_servers, tmp_path)
    second = WorkerProcess(destination.bootstrap_servers, tmp_path, first.app_id)
    with first, second:
        wait_until(lambda: first.owned and second.owned and not first.owned & second.owned, "both have a share", 120)
        with Rest(second, destination) as rest:
            checked(rest.create_link(link, source))
            checked(rest.create_mirror(link, topic))
            rest.wait_for_status(link, topic)
        with Load(source, topic, PARTITIONS, rest_s=0.2):
            for worker, other in ((first, second), (second, first)):
                before = log_ends(destination, topic, PARTITIONS)
                worker.terminate()
                wait_until(lambda w=other: len(w.owned) == PARTITIONS, "the other one has all the work", 60)  # type: ignore[misc]
                wait_until(
                    lambda then=before: all(  # type: ignore[misc]
                        now > end for now, end in zip(log_ends(destination, topic, PARTITIONS), then, strict=True)
                    ),
                    "every partition moves on with one worker",
                    60,
                    0.25,
                )
                worker.launch()
                wait_until(lambda w=worker: is_ready(w), "the new one is ready", 120, 0.25)  # type: ignore[misc]
                wait_until(lambda w=other: is_ready(w), "so is the other one", 60, 0.25)  # type: ignore[misc]
        wait_for_ends(source, destination, topic, PARTITIONS, within_s=90)
        assert_equal(source, destination, topic, partitions=PARTITIONS)
        assert first.owned | second.owned == set(range(PARTITIONS)) and not first.owned & second.owned
        with Rest(first, destination) as rest:
            assert rest.mirror(link, topic)["mirror_status"] == "ACTIVE"
