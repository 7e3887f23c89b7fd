"""A link whose public side waits and whose private side dials: who does what, and what is left when one has gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, assert_equal, checked, refusal, wait_for_ends
from tests.support.clients import create_topic
from tests.support.producing import numbered, produce
from tests.support.workers import WorkerProcess, wait_until

OFTEN = {"availability_check_ms": "1000", "availability_check_consecutive_failure_threshold": "3"}


@dataclass
class Pair:
    """`public` serves `destination`, `private` serves `source`, and only the private one dials."""

    public: WorkerProcess
    private: WorkerProcess
    here: Rest
    there: Rest


@pytest.fixture(scope="module")
def pair(source: LocalCluster, destination: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder: Path = tmp_path_factory.mktemp("workers")
    public = WorkerProcess(destination.bootstrap_servers, folder)
    private = WorkerProcess(source.bootstrap_servers, folder, public.app_id)
    with public, private, Rest(public, destination) as here, Rest(private, source) as there:
        yield Pair(public, private, here, there)


def state(rest: Rest, link: str) -> str:
    return str(checked(rest.ask("GET", f"/{link}")).json()["link_state"])


def wait_for_state(rest: Rest, link: str, wanted: str, within_s: float = 60) -> None:
    wait_until(lambda: state(rest, link) == wanted, f"{link} is {wanted}", within_s, 0.25)


@pytest.mark.timeout(300)
def test_the_public_side_asks_and_the_private_side_carries_out(
    pair: Pair, source: LocalCluster, destination: LocalCluster, unique: Callable[[str], str], topic: str
) -> None:
    link = unique("link")[-40:]
    create_topic(source, topic, partitions=3)
    produce(source, topic, numbered(100))
    checked(pair.here.create_waiting(link, source, **OFTEN))
    assert refusal(pair.here.create_mirror(link, topic)) == (503, 503)
    checked(pair.there.create_source_half(link, destination, **OFTEN))
    wait_for_state(pair.here, link, "ACTIVE")
    checked(pair.here.create_mirror(link, topic))
    pair.here.wait_for_status(link, topic)
    wait_for_ends(source, destination, topic, 3)
    assert_equal(source, destination, topic, partitions=3)
    checked(pair.here.ask("POST", f"/{link}/mirrors:promote", {"mirror_topic_names": [topic]}))
    pair.here.wait_for_status(link, topic, "STOPPED")
