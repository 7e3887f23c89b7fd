"""Properties of fetching take effect on a link that runs (LINK-10): what the next requests say, and when they come."""

from __future__ import annotations

import subprocess

from tests.broker.hot.conftest import PARTITIONS, TOPIC, Running
from tests.support.packages import need
from tests.support.producing import numbered, produce
from tests.support.tapping import Api, Fetching, longest_of_two, shortest
from tests.support.workers import wait_until

WITHIN_S = 120.0


def test_limits_of_fetches(running: Running) -> None:
    """LINK-60 to LINK-63: the broker is asked by the new limits, a partition from its next record on."""
    wanted = Fetching(max_wait_ms=321, min_bytes=7, max_bytes=300_000, partition_max_bytes=54_321)
    began = running.alter(
        replica_fetch_wait_max_ms="321",
        replica_fetch_min_bytes="7",
        replica_fetch_response_max_bytes="300000",
        replica_fetch_max_bytes="54321",
    )
    produce(running.source, TOPIC, numbered(1))
    wait_until(
        lambda: wanted in [Fetching.of(asked) for asked in running.tap.heard(Api.FETCH, began)], str(wanted), WITHIN_S
    )
    running.still_copies()


def test_streams(running: Running) -> None:
    """LINK-39: partitions spread over more connections, and come together again."""

    def connections(since: float, last: int) -> set[int]:
        return {asked.connection for asked in running.tap.heard(Api.FETCH, since)[-last:]}

    def is_one(since: float) -> bool:
        return len(running.tap.heard(Api.FETCH, since)) > 2 * few and len(connections(since, few)) == 1

    few = 2 * PARTITIONS
    began = running.alter(replica_fetch_wait_max_ms="50", replica_fetch_min_bytes="1")
    wait_until(lambda: is_one(began), "one connection fetches", WITHIN_S)
    began = running.alter(num_cluster_link_fetchers="16")
    wait_until(lambda: len(connections(began, few)) > 1, "several connections fetch", WITHIN_S)
    running.still_copies()
    began = running.alter(num_cluster_link_fetchers="1")
    wait_until(lambda: is_one(began), "one connection fetches again", WITHIN_S)
    running.still_copies()


def test_the_limit_of_a_fetch_without_an_answer(running: Running) -> None:
    """LINK-65."""
    began = running.alter(replica_socket_timeout_ms="1500", replica_fetch_wait_max_ms="222")
    wait_until(
        lambda: any(Fetching.of(asked).max_wait_ms == 222 for asked in running.tap.heard(Api.FETCH, began)),
        "a fetch by the new limits",
        WITHIN_S,
    )
    running.tap.swallows.add(Api.FETCH)
    wait_until(lambda: "no answer in 1722 ms" in running.worker.log(), "a fetch is given up", WITHIN_S)
    running.alter(replica_socket_timeout_ms="30000", replica_fetch_wait_max_ms="50")
    running.tap.clears()
    running.still_copies()


def test_the_pause_after_a_failed_fetch(running: Running) -> None:
    """LINK-64."""
    began = running.alter(replica_fetch_backoff_ms="1500")
    running.tap.breaks.add(Api.FETCH)
    wait_until(lambda: longest_of_two(running.tap.heard(Api.FETCH, began)) > 1.4, "twice in a row later", WITHIN_S)
    began = running.alter(replica_fetch_backoff_ms="50")
    wait_until(lambda: shortest(running.tap.heard(Api.FETCH, began)) < 0.9, "sooner", WITHIN_S)
    running.alter(replica_fetch_backoff_ms="1000")
    running.tap.clears()
    running.still_copies()


def test_the_receive_buffer(running: Running) -> None:
    """LINK-66: the system doubles what is asked for."""
    need({"ss": "iproute2"})
    running.alter(replica_socket_receive_buffer_bytes="20000")
    look = [*running.network.command, "ss", "-tnmH", "dport", "=", f":{running.port}"]

    def buffers() -> str:
        return subprocess.run(look, capture_output=True, text=True, check=True, timeout=60).stdout

    wait_until(lambda: "rb40000," in buffers(), "connections have the buffer", WITHIN_S, 0.25)
    running.alter(replica_socket_receive_buffer_bytes="-1")
    wait_until(lambda: "rb40000," not in buffers(), "and the system's again", WITHIN_S, 0.25)
    running.still_copies()
