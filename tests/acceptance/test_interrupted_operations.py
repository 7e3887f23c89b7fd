"""Whoever is killed in the middle of a command: another worker, or the same one started again, brings it to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, checked, wait_for_ends
from tests.support.clients import create_topic, log_ends
from tests.support.consuming import consume
from tests.support.producing import numbered, produce
from tests.support.workers import WorkerProcess

TOPICS, RECORDS = 6, 20


@pytest.fixture
def mortal(destination: LocalCluster, tmp_path: Path) -> Iterator[WorkerProcess]:
    """A worker of this test's own."""
    with WorkerProcess(destination.bootstrap_servers, tmp_path) as worker:
        yield worker


@pytest.mark.parametrize(
    "killed", [("failover", 0.0), ("failover", 0.4), ("promote", 0.5), ("promote", 1.6)], ids=lambda k: f"{k[0]}-{k[1]}"
)
def test_mirrors_stop_whole_whenever_the_worker_dies(
    source: LocalCluster,
    destination: LocalCluster,
    mortal: WorkerProcess,
    unique: Callable[[str], str],
    killed: tuple[str, float],
) -> None:
    """`killed`: in the middle of which operation, and how many seconds after it was asked for."""
    operation, after_s = killed
    link, topics = unique("link"), [unique(f"topic-{n}") for n in range(TOPICS)]
    with Rest(mortal, destination) as rest:
        checked(rest.create_link(link, source))
        for topic in topics:
            create_topic(source, topic)
            produce(source, topic, numbered(RECORDS))
            checked(rest.create_mirror(link, topic))
        for topic in topics:
            rest.wait_for_status(link, topic)
            wait_for_ends(source, destination, topic)
        checked(rest.ask("POST", f"/{link}/mirrors:{operation}", {"mirror_topic_names": topics}))
        time.sleep(after_s)
        mortal.kill()
        mortal.launch()
        mortal.wait_until_ready()
        for topic in topics:
            rest.wait_for_status(link, topic, "STOPPED", within_s=90)
            assert rest.mirror(link, topic)["mirror_lags"][0]["lag"] == 0
    for topic in topics:
        assert log_ends(destination, topic) == [RECORDS + 1], "every record, and the fence, once"
        assert consume(destination, topic) == consume(source, topic)
        assert produce(destination, topic, numbered(1, start=99)) == [RECORDS + 1]
