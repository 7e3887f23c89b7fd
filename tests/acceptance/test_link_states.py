"""A link says what is wrong with its remote cluster, and comes back by itself when that is repaired (STATE-1..17)."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from pipeline.local.cluster import LocalCluster
from tests.acceptance.tasks import configure
from tests.support.asking import Rest, assert_equal, checked, wait_for_ends
from tests.support.clients import create_topic
from tests.support.producing import numbered, produce
from tests.support.workers import wait_until

OFTEN = {"availability_check_ms": "1000", "availability_check_consecutive_failure_threshold": "2"}


def state_of(rest: Rest, link: str) -> tuple[str, str]:
    row: dict[str, Any] = checked(rest.ask("GET", f"/{link}")).json()
    return row["link_state"], row["link_error"]


def wait_for_state(rest: Rest, link: str, state: str, error: str = "NO_ERROR", within_s: float = 120) -> None:
    try:
        wait_until(lambda: state_of(rest, link) == (state, error), f"{link} is {state}, {error}", within_s, 0.25)
    except AssertionError as late:
        late.add_note(f"it is {state_of(rest, link)}")
        raise


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that takes connections and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def create_unchecked(rest: Rest, link: str, servers: str) -> None:
    """LINK-15, LINK-16: the link exists whatever its remote cluster says."""
    configs = {"bootstrap.servers": servers} | {name.replace("_", "."): value for name, value in OFTEN.items()}
    rows = [{"name": name, "value": value} for name, value in configs.items()]
    checked(rest.ask("POST", "", {"configs": rows}, link_name=link, validate_link="false"))


@pytest.mark.parametrize(
    "broken",
    [
        ("127.0.0.1:1", "BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR"),
        ("nosuch.invalid:9092", "UNRESOLVABLE_BOOTSTRAP_ERROR"),
        ("127.0.0.1:{silent}", "TIMEOUT_ERROR"),
    ],
    ids=lambda broken: broken[1],
)
def test_an_unvalidated_link_is_unavailable_until_it_is_mended(
    rest: Rest, source: LocalCluster, silent_port: int, unique: Callable[[str], str], broken: tuple[str, str]
) -> None:
    servers, error = broken
    link = unique("link")
    create_unchecked(rest, link, servers.format(silent=silent_port))
    wait_for_state(rest, link, "UNAVAILABLE", error)
    configure(rest, link, bootstrap_servers=source.bootstrap_servers)
    wait_for_state(rest, link, "ACTIVE")
    row = checked(rest.ask("GET", f"/{link}")).json()
    assert row["source_cluster_id"] == source.cluster_id, "learned when it was first reached"
    checked(rest.ask("DELETE", f"/{link}"))


def test_another_cluster_behind_the_address_fails_the_link_and_its_mirrors_until_it_is_the_right_one(
    rest: Rest, source: LocalCluster, destination: LocalCluster, unique: Callable[[str], str], topic: str
) -> None:
    link = unique("link")
    checked(rest.create_link(link, source, **OFTEN))
    create_topic(source, topic)
    produce(source, topic, numbered(10))
    checked(rest.create_mirror(link, topic))
    rest.wait_for_status(link, topic)
    configure(rest, link, bootstrap_servers=destination.bootstrap_servers)
    wait_for_state(rest, link, "FAILED", "CLUSTER_ID_MISMATCH_ERROR")
    rest.wait_for_status(link, topic, "LINK_FAILED")
    configure(rest, link, bootstrap_servers=source.bootstrap_servers)
    wait_for_state(rest, link, "ACTIVE")
    rest.wait_for_status(link, topic, "ACTIVE")
    produce(source, topic, numbered(10, start=10))
    wait_for_ends(source, destination, topic)
    assert_equal(source, destination, topic)
    checked(rest.ask("DELETE", f"/{link}", force="true"))
