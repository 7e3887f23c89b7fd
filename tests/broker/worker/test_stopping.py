"""SIGTERM ends a busy worker within 10 s, and whoever comes next goes on at the very next offset (I3)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, assert_equal, checked, wait_for_ends
from tests.support.clients import create_topic, log_ends
from tests.support.load import Load
from tests.support.workers import END_WITHIN_S, WorkerProcess, wait_until

PARTITIONS = 3


@pytest.mark.timeout(400)
def test_sigterm_under_load_and_going_on_after_a_restart(
    source: LocalCluster, destination: LocalCluster, tmp_path: Path, unique: Callable[[str], str], topic: str
) -> None:
    link = unique("link")[-40:]
    create_topic(source, topic, PARTITIONS)
    with WorkerProcess(destination.bootstrap_servers, tmp_path) as worker, Rest(worker, destination) as rest:
        checked(rest.create_link(link, source))
        with Load(source, topic, PARTITIONS):
            checked(rest.create_mirror(link, topic))
            rest.wait_for_status(link, topic)
            wait_until(lambda: min(log_ends(destination, topic, PARTITIONS)) > 0, "it copies", poll_s=0.25)
            took_s = worker.terminate()
            print(f"SIGTERM under load: gone in {took_s:.1f} s")
            assert took_s < END_WITHIN_S
            stopped_at = log_ends(destination, topic, PARTITIONS)
            worker.launch()
            worker.wait_until_ready()
            wait_until(
                lambda: all(
                    now > then for now, then in zip(log_ends(destination, topic, PARTITIONS), stopped_at, strict=True)
                ),
                "it goes on",
                poll_s=0.25,
            )
        wait_for_ends(source, destination, topic, PARTITIONS)
        report = assert_equal(source, destination, topic, partitions=PARTITIONS)
        assert report.records > 0

        def errors() -> set[str]:
            return {state["error"] for state in rest.mirror(link, topic)["partition_states"]}

        wait_until(lambda: errors() == {"NO_ERROR"}, "every partition is well")
        assert worker.terminate() < END_WITHIN_S
