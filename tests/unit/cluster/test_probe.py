"""STATE-10 to STATE-17 without a Kafka broker; tests/broker/cluster has the rest."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest

from pipeline.cluster.errors import FileMissing, NotAuthenticated, SecurityError, TimedOut, Unreachable, Unsupported
from pipeline.cluster.probe import link_error, probe
from pipeline.cluster.versions import NEEDS, Role, lacking
from pipeline.link.states import LinkErrorCode
from tests.unit.cluster.fake_broker import HANG_UP, METADATA, FakeBroker

SERVERS = "bootstrap.servers"


@pytest.fixture
def silent() -> Iterator[str]:
    """Somebody who accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def refusing() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


async def test_names_that_do_not_exist() -> None:
    found = await probe({SERVERS: "one.invalid:9092,two.invalid:9092"})
    assert found.link_error is LinkErrorCode.UNRESOLVABLE_BOOTSTRAP_ERROR
    assert "one.invalid" in found.message
    assert "two.invalid" in found.message


async def test_one_name_that_resolves_will_do() -> None:
    async with FakeBroker() as broker:
        found = await probe({SERVERS: f"one.invalid:9092,{broker.address}"})
    assert found.ok
    assert found.cluster_id == "a-cluster-of-lies-12345"
    assert found.versions[1][METADATA] == (0, 12)


async def test_a_port_that_refuses(refusing: str) -> None:
    found = await probe({SERVERS: refusing})
    assert found.link_error is LinkErrorCode.BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR
    assert "Connection refused" in found.message
    assert refusing in found.message


@pytest.mark.parametrize("setup_ms", ["50", "10000"])
async def test_silence_within_the_limits(silent: str, setup_ms: str) -> None:
    began = time.monotonic()
    found = await probe({SERVERS: silent, "socket.connection.setup.timeout.ms": setup_ms}, timeout_ms=300)
    assert found.link_error is LinkErrorCode.TIMEOUT_ERROR
    assert silent in found.message
    assert time.monotonic() - began < 10, "the whole probe has one limit"
    assert len(asyncio.all_tasks()) == 1


async def test_advertised_addresses_that_cannot_be_reached(refusing: str) -> None:
    host, _, port = refusing.partition(":")
    async with FakeBroker() as broker:
        broker.advertised = [(5, host, int(port))]
        found = await probe({SERVERS: broker.address})
    assert found.link_error is LinkErrorCode.INVALID_BOOTSTRAP_INTERNAL_ENDPOINT_ERROR
    assert refusing in found.message
    assert found.cluster_id == "a-cluster-of-lies-12345"


async def test_one_dead_broker_among_others_is_told_but_no_error(refusing: str) -> None:
    host, _, port = refusing.partition(":")
    async with FakeBroker() as broker:
        broker.advertised = [(1, "127.0.0.1", broker.port), (5, host, int(port))]
        found = await probe({SERVERS: broker.address})
    assert found.ok
    assert len(found.unreachable) == 1
    assert "broker 5" in found.unreachable[0]


async def test_somebody_who_hangs_up() -> None:
    async with FakeBroker() as broker:
        broker.answers[METADATA] = lambda *_: HANG_UP
        found = await probe({SERVERS: broker.address})
    assert found.link_error is LinkErrorCode.UNKNOWN
    assert "security.protocol" in found.message


async def test_another_cluster_than_expected() -> None:
    async with FakeBroker() as broker:
        found = await probe({SERVERS: broker.address}, expected_cluster_id="another")
    assert found.link_error is LinkErrorCode.CLUSTER_ID_MISMATCH_ERROR
    assert "a-cluster-of-lies-12345, not another" in found.message


async def test_a_broker_that_is_too_old_is_named_with_api_and_versions() -> None:
    """REST-91."""
    async with FakeBroker() as broker:
        broker.versions[1] = (0, 8)
        del broker.versions[61]
        as_source = await probe({SERVERS: broker.address})
        as_both = await probe({SERVERS: broker.address}, roles=Role.SOURCE | Role.DESTINATION)
    assert as_source.link_error is as_both.link_error is LinkErrorCode.UNSUPPORTED_VERSION_ERROR
    assert f"broker 1 (127.0.0.1:{broker.port}): Fetch (API 1)" in as_source.message
    assert "11 to 13; the broker offers versions 0 to 8" in as_source.message
    assert "DescribeProducers" not in as_source.message
    assert "DescribeProducers (API 61)" in as_both.message


async def test_what_is_wrong_with_properties_comes_out_too() -> None:
    missing = {SERVERS: "a:1", "security.protocol": "SSL", "ssl.truststore.location": "/no/such/file"}
    assert (await probe(missing)).link_error is LinkErrorCode.FILE_NOT_FOUND_ERROR
    for values in ({}, {SERVERS: "a:b"}, {SERVERS: "a:1", "security.protocol": "X"}):
        found = await probe(values)
        assert found.link_error is LinkErrorCode.UNKNOWN
        assert ":" in found.message


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotAuthenticated("x"), LinkErrorCode.AUTHENTICATION_ERROR),
        (TimedOut("x"), LinkErrorCode.TIMEOUT_ERROR),
        (Unsupported("x"), LinkErrorCode.UNSUPPORTED_VERSION_ERROR),
        (FileMissing("a", "x"), LinkErrorCode.FILE_NOT_FOUND_ERROR),
        (SecurityError("a", "x"), LinkErrorCode.UNKNOWN),
        (Unreachable("x"), LinkErrorCode.UNKNOWN),
    ],
)
def test_errors_met_while_working(error: Exception, code: LinkErrorCode) -> None:
    assert link_error(error) is code  # type: ignore[arg-type]


def test_needs_are_one_row_per_api() -> None:
    assert len({need.api_key for need in NEEDS}) == len(NEEDS)
    assert lacking({}, Role.SOURCE)
    assert {need.api_key for need in NEEDS} == {
        problem.api_key for problem in lacking({}, Role.SOURCE | Role.DESTINATION)
    }
