"""A worker that cannot have its port or its folder says so before anything starts."""

from __future__ import annotations

import logging
import resource
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.cluster.errors import Unreachable
from pipeline.local.ports import PortLease
from pipeline.settings import SettingsError, WorkerSettings, load
from pipeline.starting import (
    LIBRARIES,
    REPEATED,
    Claims,
    addresses,
    calm_libraries,
    is_no_false_alarm,
    own_cluster_problem,
)


@pytest.fixture
def lease() -> Iterator[PortLease]:
    lease = PortLease()
    yield lease
    lease.release()


def settings(folder: Path, port: int, host: str = "127.0.0.1") -> WorkerSettings:
    given = {"BOOTSTRAP_SERVERS": "a:1", "DATA_DIR": str(folder), "WEB_PORT": str(port), "WEB_HOST": host}
    return load({f"CLUSTERLINK_{name}": value for name, value in given.items()})


def test_a_free_port_and_a_new_folder_are_taken(tmp_path: Path, lease: PortLease) -> None:
    first = Claims(settings(tmp_path / "a" / "b", lease.port))
    first.release()
    first = Claims(settings(tmp_path / "a" / "b", lease.port))
    assert (tmp_path / "a" / "b").is_dir()
    Claims(settings(tmp_path / "c", lease.port)).release()
    with pytest.raises(SettingsError, match=r"DATA_DIR: .*/b is in use by another worker"):
        Claims(settings(tmp_path / "a" / "b", lease.port))
    first.release()
    Claims(settings(tmp_path / "a" / "b", lease.port)).release()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_port_in_use_is_named(tmp_path: Path, lease: PortLease, host: str) -> None:
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", lease.port))
        other.listen()
        with pytest.raises(SettingsError, match=rf"_WEB_PORT: {host}:{lease.port} is in use .*--web-port"):
            Claims(settings(tmp_path, lease.port, host))


def test_all_problems_are_named_at_once(tmp_path: Path, lease: PortLease) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError) as caught:
        Claims(settings(tmp_path / "file", lease.port, "192.0.2.1"))  # an address of no machine
    assert len(caught.value.problems) == 2
    assert "cannot be served: " in caught.value.problems[0] and "DATA_DIR" in caught.value.problems[1]


def test_a_folder_without_room_is_named(tmp_path: Path, lease: PortLease) -> None:
    """As a full disk refuses: no file of this process may grow that much."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    try:
        with pytest.raises(SettingsError, match=rf"DATA_DIR: {tmp_path} has no room for 16 MiB: "):
            Claims(settings(tmp_path, lease.port))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    Claims(settings(tmp_path, lease.port)).release()


def test_where_a_worker_is(tmp_path: Path) -> None:
    assert "console http://localhost:8090/console/, " in addresses(settings(tmp_path, 8090, "0.0.0.0"))
    assert "REST http://[fd00::1]:8090/kafka/v3, " in addresses(settings(tmp_path, 8090, "fd00::1"))


def test_a_broker_that_hangs_up_is_perhaps_spoken_to_in_another_protocol() -> None:
    said = own_cluster_problem(Unreachable("Metadata to a:9092: Connection at a:9092 closed"))
    assert said.endswith("closed; does security.protocol (CLUSTERLINK_COMMAND_CONFIG) fit the listener?")
    assert own_cluster_problem(Unreachable("connection to a:9092: Connection refused")).endswith("Connection refused")


@pytest.mark.parametrize(
    "wanted, level",
    [
        (logging.DEBUG, logging.NOTSET),
        (logging.INFO, logging.WARNING),
        (logging.WARNING, logging.NOTSET),
        (logging.ERROR, logging.NOTSET),
    ],
)
def test_libraries_log_less_than_we_do(wanted: int, level: int) -> None:
    before = [logging.getLogger(name).level for name in LIBRARIES]
    handler = logging.NullHandler()
    logging.getLogger().addHandler(handler)
    calm_libraries(wanted)
    assert handler.filters == ([REPEATED] if wanted == logging.INFO else [])
    calm_libraries(logging.DEBUG)
    assert not handler.filters
    logging.getLogger().removeHandler(handler)
    calm_libraries(wanted)
    now = {logging.getLogger(name).level for name in LIBRARIES}
    for name, was in zip(LIBRARIES, before, strict=True):
        logging.getLogger(name).setLevel(was)
    for other in logging.getLogger().handlers:
        other.removeFilter(REPEATED)
    assert now == {level}


def test_errors_that_are_none_are_left_out() -> None:
    driver, coordinator = "faust.transport.drivers.aiokafka", "aiokafka.consumer.group_coordinator"
    for name, said, shown in (
        (driver, "[^---Thread]: Stream has not started processing TP(topic='t', partition=2)", False),
        (driver, "[^---Thread]: Stream stopped processing TP(topic='t', partition=2)", True),
        (coordinator, "Group Coordinator Request failed: [Error 15] GroupCoordinatorNotAvailableError", False),
        (coordinator, "Group Coordinator Request failed: [Error 30] GroupAuthorizationFailedError", True),
        (coordinator, "Heartbeat failed for group clusterlink because it is rebalancing", False),
        ("elsewhere", "Stream has not started processing", True),
    ):
        record = logging.LogRecord(name, logging.ERROR, "", 1, "%s", (said,), None)
        assert is_no_false_alarm(record) is shown
