"""A link whose public side waits and whose private side dials: who does what, and what is left when one has gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, assert_equal, checked, refusal, wait_for_ends
from tests.support.clients import create_topic
from tests.support.networks import Network
from tests.support.producing import numbered, produce
from tests.support.workers import WorkerProcess, wait_until

OFTEN = {"availability_check_ms": "1000", "availability_check_consecutive_failure_threshold": "3"}


@dataclass
class Pair:
    """`public` serves `destination` and reaches nothing else, `private` serves `source` and reaches both."""

    public: WorkerProcess
    private: WorkerProcess
    network: Network
    """The private side's."""
    here: Rest
    there: Rest

    def state(self, rest: Rest, link: str) -> str:
        return str(checked(rest.ask("GET", f"/{link}")).json()["link_state"])

    def wait_for_state(self, rest: Rest, link: str, wanted: str, within_s: float = 60) -> float:
        return wait_until(lambda: self.state(rest, link) == wanted, f"{link} is {wanted}", within_s, 0.25)


def port_of(cluster: LocalCluster) -> int:
    return int(cluster.bootstrap_servers.rpartition(":")[2])


@pytest.fixture(scope="module")
def pair(source: LocalCluster, destination: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder: Path = tmp_path_factory.mktemp("workers")
    with Network() as outside, Network() as inside:
        outside.opens(port_of(destination))
        inside.opens(port_of(source), port_of(destination))
        public = WorkerProcess(destination.bootstrap_servers, folder, network=outside)
        private = WorkerProcess(source.bootstrap_servers, folder, public.app_id, network=inside)
        with public, private, Rest(public, destination) as here, Rest(private, source) as there:
            yield Pair(public, private, inside, here, there)


@pytest.fixture
def link(pair: Pair, source: LocalCluster, destination: LocalCluster, unique: Callable[[str], str]) -> str:
    """A source-initiated link, both halves of it."""
    name = unique("link")[-40:]
    checked(pair.here.create_waiting(name, source, **OFTEN))
    checked(pair.there.create_source_half(name, destination, **OFTEN))
    pair.wait_for_state(pair.here, name, "ACTIVE")
    return name


@pytest.mark.timeout(300)
def test_the_public_side_asks_and_the_private_side_carries_out(
    pair: Pair, source: LocalCluster, destination: LocalCluster, link: str, topic: str
) -> None:
    """MODE-2, MODE-3, MODE-44."""
    create_topic(source, topic, partitions=3)
    produce(source, topic, numbered(100))
    checked(pair.here.create_mirror(link, topic))
    pair.here.wait_for_status(link, topic)
    wait_for_ends(source, destination, topic, 3)
    assert_equal(source, destination, topic, partitions=3)
    checked(pair.here.ask("POST", f"/{link}/mirrors:promote", {"mirror_topic_names": [topic]}))
    pair.here.wait_for_status(link, topic, "STOPPED")


@pytest.mark.timeout(300)
def test_a_cut_network_shows_and_is_made_good_by_itself(
    pair: Pair, source: LocalCluster, destination: LocalCluster, link: str, topic: str
) -> None:
    """RUN-16."""
    create_topic(source, topic, partitions=3)
    produce(source, topic, numbered(100))
    checked(pair.here.create_mirror(link, topic))
    pair.here.wait_for_status(link, topic)
    wait_for_ends(source, destination, topic, 3)
    pair.network.cuts(port_of(destination))
    produce(source, topic, numbered(200, start=100))
    pair.wait_for_state(pair.here, link, "UNAVAILABLE")
    pair.wait_for_state(pair.there, link, "UNAVAILABLE")
    row = checked(pair.here.ask("GET", f"/{link}")).json()
    assert "the side that dials" in row["link_error_message"]
    pair.here.wait_for_status(link, topic, "SOURCE_UNAVAILABLE")
    assert refusal(pair.here.create_mirror(link, f"{topic}-2")) == (503, 503)
    pair.network.mends(port_of(destination))
    pair.wait_for_state(pair.here, link, "ACTIVE")
    pair.wait_for_state(pair.there, link, "ACTIVE")
    wait_for_ends(source, destination, topic, 3)
    assert_equal(source, destination, topic, partitions=3)
