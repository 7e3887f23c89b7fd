"""Properties of connections take effect on a link that runs (LINK-10)."""

from __future__ import annotations

import socket
import time

from tests.broker.hot.conftest import LINK, NEVER_MS, Running
from tests.support.tapping import Api, longest_of_two, shortest
from tests.support.workers import wait_until

WITHIN_S = 120.0
OFTEN = 8
"""More dials than a link makes that dials once for each of its clients."""
QUIET_S = 3.0
"""Nobody who pauses for a second at most dials so seldom."""


def task(running: Running) -> str:
    """State of the task that asks the source most often."""
    tasks = running.rest.ask("GET", f"/{LINK}", include_tasks="true").json()["tasks"]
    return str(next(task["state"] for task in tasks if task["task_name"] == "TopicConfigsSync"))


def test_an_idle_connection(running: Running) -> None:
    """LINK-53: the connection for administration rests between two cycles; fetches never do."""
    began = running.alter(connections_max_idle_ms="1500")

    def was_idle() -> bool:
        talks = [talk for talk in running.tap.talks if talk.opened >= began and talk.asked and talk.ended]
        return any(talk.ended - talk.asked > 1.4 for talk in talks)

    wait_until(was_idle, "an idle connection is closed", WITHIN_S)
    running.alter(connections_max_idle_ms="-1")  # never: a value that is taken


def test_how_often_is_dialled(running: Running) -> None:
    """LINK-57: the pause, and its end of growing, each for itself."""
    tap = running.tap

    def dials(since: float) -> int:
        return sum(at >= since for at in list(tap.dialled))

    def is_quiet() -> bool:
        return time.monotonic() - tap.dialled[-1] > QUIET_S

    running.alter(
        reconnect_backoff_ms="600000",
        reconnect_backoff_max_ms="600000",
        availability_check_ms=NEVER_MS,
        replica_fetch_backoff_ms="50",
    )
    tap.refuses = True
    tap.reset()
    wait_until(is_quiet, "nobody dials", WITHIN_S)
    began = running.alter(reconnect_backoff_max_ms="100")
    wait_until(lambda: dials(began) > OFTEN, "the pauses are no longer than their maximum", WITHIN_S)
    running.alter(reconnect_backoff_max_ms="600000")
    wait_until(is_quiet, "nobody dials", WITHIN_S)
    began = running.alter(reconnect_backoff_ms="20")
    wait_until(lambda: dials(began) > OFTEN, "they begin short", WITHIN_S)
    tap.clears()
    running.alter(reconnect_backoff_ms="50", reconnect_backoff_max_ms="1000", replica_fetch_backoff_ms="1000")
    wait_until(lambda: task(running) == "ACTIVE", "a cycle does not wait for the old pause to pass", WITHIN_S)
    running.still_copies()


def test_how_long_a_connection_may_take(running: Running) -> None:
    """LINK-58, LINK-59: what is said of a broker that takes connections and is silent."""
    tap = running.tap
    tap.is_mute = True
    running.alter(socket_connection_setup_timeout_ms="1111")
    wait_until(lambda: "not ready in 1111 ms" in running.worker.log(), "the first limit", WITHIN_S)
    running.alter(socket_connection_setup_timeout_ms="9000", socket_connection_setup_timeout_max_ms="777")
    wait_until(lambda: "not ready in 777 ms" in running.worker.log(), "no more than the maximum", WITHIN_S)
    running.alter(socket_connection_setup_timeout_ms="10000", socket_connection_setup_timeout_max_ms="30000")
    tap.clears()
    running.still_copies()


def test_how_long_a_request_may_take(running: Running) -> None:
    """LINK-54: what is said of a broker that connects and does not answer."""
    running.tap.swallows.add(Api.METADATA)
    running.alter(request_timeout_ms="1234")
    wait_until(lambda: "no answer in 1234 ms" in running.worker.log(), "it is given up", WITHIN_S)
    running.tap.clears()
    running.alter(request_timeout_ms="30000")
    running.still_copies()


def test_how_an_administrative_request_is_repeated(running: Running) -> None:
    """LINK-55, LINK-56: reading topic configs, which costs the connection each time."""
    tap = running.tap

    def several_cycles_since(began: float) -> None:
        wait_until(lambda: len(tap.heard(Api.DESCRIBE_CONFIGS, began)) >= 3, "a cycle by what holds now", WITHIN_S)

    # cycles are less than 1.9 s apart
    later = {"retry_backoff_ms": "2000", "default_api_timeout_ms": "600000"}
    several_cycles_since(running.alter(topic_config_sync_ms="1000", **later))
    broken = time.monotonic()
    tap.breaks.add(Api.DESCRIBE_CONFIGS)
    wait_until(lambda: longest_of_two(tap.heard(Api.DESCRIBE_CONFIGS, broken)) > 1.9, "twice in a row later", WITHIN_S)
    tap.clears()
    began = running.alter(retry_backoff_ms="50", default_api_timeout_ms="700")
    several_cycles_since(began)
    tap.breaks.add(Api.DESCRIBE_CONFIGS)

    wait_until(lambda: task(running) == "IN_ERROR", "given up before the ten minutes of before", WITHIN_S)
    wait_until(lambda: shortest(tap.heard(Api.DESCRIBE_CONFIGS, began)) < 0.9, "sooner", WITHIN_S)
    tap.clears()
    running.alter(retry_backoff_ms="100", default_api_timeout_ms="60000")
    wait_until(lambda: task(running) == "ACTIVE", "it is well again", WITHIN_S)


def test_how_names_are_resolved(running: Running) -> None:
    """LINK-51, LINK-50: which name is dialled, told by a port where nobody listens."""
    canonical, _ = socket.getnameinfo(("127.0.0.1", 1), socket.NI_NUMERICSERV)
    assert canonical != "127.0.0.1", "127.0.0.1 has no name on this machine: give it one in /etc/hosts"
    running.alter(bootstrap_servers="127.0.0.1:1", availability_check_consecutive_failure_threshold="1")
    wait_until(lambda: "127.0.0.1:1" in running.row()["link_error_message"], "the address as it is", WITHIN_S, 0.25)
    running.alter(client_dns_lookup="resolve_canonical_bootstrap_servers_only")
    wait_until(lambda: f"{canonical}:1" in running.row()["link_error_message"], "its name", WITHIN_S, 0.25)
    running.alter(
        bootstrap_servers=running.source.bootstrap_servers,
        client_dns_lookup="use_all_dns_ips",
        availability_check_consecutive_failure_threshold="5",
    )
    wait_until(lambda: running.row()["link_state"] == "ACTIVE", "the link is back", WITHIN_S, 0.25)
    running.still_copies()
