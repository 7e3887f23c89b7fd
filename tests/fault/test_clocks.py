"""Workers whose clocks are hours apart, and jump under way: mirrors are set up, copied and promoted as ever."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, assert_equal, checked, wait_for_ends
from tests.support.clients import create_topic
from tests.support.clocks import Clock
from tests.support.producing import numbered, produce
from tests.support.workers import WorkerProcess, wait_until

PARTITIONS = 4
JUMPS_H = (3, -3)
"""More than the hour that a broker tolerates; the first makes a mirror whose row is younger than all that comes."""


@pytest.mark.timeout(400)
def test_a_clock_that_jumps(
    source: LocalCluster, destination: LocalCluster, tmp_path: Path, unique: Callable[[str], str]
) -> None:
    link = unique("link")
    clocks = [Clock(tmp_path / f"clock-{n}") for n in range(2)]
    one = WorkerProcess(destination.bootstrap_servers, tmp_path, environment=clocks[0].environment)
    two = WorkerProcess(destination.bootstrap_servers, tmp_path, one.app_id, environment=clocks[1].environment)
    with one, two, Rest(one, destination) as rest:
        wait_until(lambda: one.owned and two.owned and not one.owned & two.owned, "the work is shared", 120)
        checked(rest.create_link(link, source))
        for number, hours in enumerate(JUMPS_H):
            clocks[number % 2].jump(hours)
            topic = unique("topic")
            create_topic(source, topic, PARTITIONS)
            produce(source, topic, numbered(40))
            checked(rest.create_mirror(link, topic))
            rest.wait_for_status(link, topic, within_s=90)
            clocks[number % 2].jump(-hours)
            produce(source, topic, numbered(40, start=40))
            wait_for_ends(source, destination, topic, PARTITIONS)
            assert_equal(source, destination, topic, partitions=PARTITIONS)
            checked(rest.ask("POST", f"/{link}/mirrors:promote", {"mirror_topic_names": [topic]}))
            rest.wait_for_status(link, topic, "STOPPED")
