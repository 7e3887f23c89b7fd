"""Connections: shared dials, pacing, no broker in the way of another (I6), nothing left behind."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from kafka.protocol.producer import InitProducerIdResponse
from kafka.protocol.sasl import SaslAuthenticateResponse, SaslHandshakeResponse

from pipeline.cluster import broker_connection
from pipeline.cluster.connections import Address, Connections
from pipeline.cluster.errors import TimedOut, Unreachable, Unsupported
from pipeline.cluster.metadata import metadata_request
from pipeline.cluster.sasl import Sasl
from pipeline.cluster.security import ClientSecurity
from pipeline.wire.requests.init_producer_id import InitProducerIdRequest
from tests.unit.cluster.fake_broker import HANG_UP, METADATA, SASL_HANDSHAKE, SILENCE, FakeBroker

SASL_AUTHENTICATE, INIT_PRODUCER_ID = 36, 22


def settings(**changed: Any) -> ClientSecurity:
    return ClientSecurity(bootstrap=("127.0.0.1:1",), **changed)


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    made = Connections(settings(connect_timeout_ms=30_000), "test")
    yield made
    await made.close()
    assert len(asyncio.all_tasks()) == 1


def at(broker: FakeBroker) -> Address:
    return Address("127.0.0.1", broker.port)


async def test_callers_at_the_same_time_share_one_connection(connections: Connections) -> None:
    async with FakeBroker() as broker:
        await asyncio.gather(*(connections.send(at(broker), metadata_request(["t"])) for _ in range(20)))
        assert broker.connections == 1
        assert broker.requests.count(METADATA) == 20


async def test_a_caller_that_gives_up_does_not_end_the_dial_for_the_others(connections: Connections) -> None:
    async with FakeBroker() as broker:
        first = asyncio.create_task(connections.send(at(broker), metadata_request(["t"])))
        second = asyncio.create_task(connections.send(at(broker), metadata_request(["t"])))
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).topics[0].topic == "t"
        with pytest.raises(asyncio.CancelledError):
            await first


async def test_a_silent_broker_delays_nobody_else(connections: Connections) -> None:
    """I6: aiokafka's own client would dial one broker at a time."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with FakeBroker() as broker:
            stuck = asyncio.create_task(connections.api_versions(Address(*silent.getsockname())))
            await asyncio.sleep(0)
            async with asyncio.timeout(10):
                await connections.send(at(broker), metadata_request([]))
            assert not stuck.done()
            stuck.cancel()


async def test_an_unanswered_request_costs_the_connection(connections: Connections) -> None:
    async with FakeBroker() as broker:
        broker.answers[METADATA] = lambda *_: SILENCE
        with pytest.raises(TimedOut, match=r"Metadata to .*: no answer in 50 ms"):
            await connections.send(at(broker), metadata_request([]), timeout_ms=50)
        assert not connections.is_open(at(broker))
        broker.answers[METADATA] = broker.metadata
        await connections.send(at(broker), metadata_request([]))
        assert broker.connections == 2


def producer_id(number: int) -> InitProducerIdResponse:
    return InitProducerIdResponse(throttle_time_ms=0, error_code=0, producer_id=number, producer_epoch=0)


async def test_requests_that_are_begun_are_written_in_order_and_answered_each(connections: Connections) -> None:
    async with FakeBroker() as broker:
        numbers = iter(range(10))
        broker.answers[INIT_PRODUCER_ID] = lambda *_: producer_id(next(numbers))
        begun = [await connections.begin(at(broker), InitProducerIdRequest(), 30_000) for _ in range(10)]
        assert [(await answer).producer_id for answer in begun] == list(range(10))
        assert broker.connections == 1


async def test_a_begun_request_without_an_answer_costs_the_connection(connections: Connections) -> None:
    async with FakeBroker() as broker:
        broker.answers[INIT_PRODUCER_ID] = lambda *_: SILENCE
        late = await connections.begin(at(broker), InitProducerIdRequest(), 50)
        with pytest.raises(TimedOut, match=r"InitProducerId to .*: no answer in 50 ms"):
            await late
        assert not connections.is_open(at(broker))


async def test_begun_requests_hear_of_a_broken_connection_at_once(connections: Connections) -> None:
    async with FakeBroker() as broker:
        broker.answers[INIT_PRODUCER_ID] = lambda *_: SILENCE
        begun = [await connections.begin(at(broker), InitProducerIdRequest(), 30_000) for _ in range(3)]
        begun[1].cancel()
        broker.hang_up()
        for answer in (begun[0], begun[2]):
            with pytest.raises(Unreachable):
                await answer


async def test_a_request_that_cannot_be_written_is_not_begun(connections: Connections) -> None:
    async with FakeBroker({18: (0, 0), METADATA: (0, 12)}) as broker:
        with pytest.raises(Unsupported, match="InitProducerId"):
            await connections.begin(at(broker), InitProducerIdRequest(), 30_000)


async def test_others_on_a_connection_that_breaks_hear_of_it_at_once(connections: Connections) -> None:
    async with FakeBroker() as broker:
        broker.answers[METADATA] = lambda *_: SILENCE
        waiting = [asyncio.create_task(connections.send(at(broker), metadata_request([]))) for _ in range(3)]
        while broker.requests.count(METADATA) < 3:
            await asyncio.sleep(0.001)
        broker.hang_up()
        for error in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(error, Unreachable)


async def test_a_cancelled_request_leaves_the_connection_in_step(connections: Connections) -> None:
    async with FakeBroker() as broker:
        await connections.api_versions(at(broker))
        given_up = asyncio.create_task(connections.send(at(broker), metadata_request(["one"])))
        await asyncio.sleep(0)
        given_up.cancel()
        answer = await connections.send(at(broker), metadata_request(["two"]))
        assert answer.topics[0].topic == "two"
        assert broker.connections == 1


async def test_dials_that_fail_keep_their_distance() -> None:
    """LINK-57: 50 ms, then 100, then 200 here; the caller waits rather than spins."""
    connections = Connections(settings(reconnect_backoff_ms=50, reconnect_backoff_max_ms=100), "test")
    with socket.create_server(("127.0.0.1", 0)) as gone:
        nowhere = Address(*gone.getsockname())
    began = time.monotonic()
    for _ in range(4):
        with pytest.raises(Unreachable, match="Connection refused"):
            await connections.api_versions(nowhere)
    assert 0.25 <= time.monotonic() - began < 20
    await connections.close()


async def test_a_dial_has_its_own_limit() -> None:
    connections = Connections(settings(connect_timeout_ms=40), "test")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(TimedOut, match="not ready in 40 ms"):
            await connections.api_versions(Address(*silent.getsockname()))
        await connections.close()


async def test_close_fails_what_is_under_way_and_may_be_called_again() -> None:
    connections = Connections(settings(), "test")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with FakeBroker() as broker:
            broker.answers[METADATA] = lambda *_: SILENCE
            asked = asyncio.create_task(connections.send(at(broker), metadata_request([])))
            dialled = asyncio.create_task(connections.api_versions(Address(*silent.getsockname())))
            while METADATA not in broker.requests:
                await asyncio.sleep(0.001)
            await connections.close()
            await connections.close()
            for error in await asyncio.gather(asked, dialled, return_exceptions=True):
                assert isinstance(error, Unreachable)
            with pytest.raises(Unreachable, match="closed"):
                await connections.api_versions(at(broker))
    assert len(asyncio.all_tasks()) == 1


async def test_one_timeout_finds_out_about_all_connections() -> None:
    """Half-open ones: whoever has heard nothing since is not waited for, in whichever client of the cluster."""
    async with FakeBroker() as broker:
        one, two = (Connections(settings(), "test") for _ in range(2))
        two.share_silences(one)
        await one.send(at(broker), metadata_request([]))
        await two.send(at(broker), metadata_request([]))
        answer, broker.answers[METADATA] = broker.answers[METADATA], lambda *_: SILENCE
        broker.answers[INIT_PRODUCER_ID] = lambda *_: SILENCE
        waiting = await two.begin(at(broker), InitProducerIdRequest(), 600_000)
        with pytest.raises(TimedOut):
            await one.send(at(broker), metadata_request([]), 1)
        with pytest.raises(Unreachable, match="closed"):
            await waiting  # not for its own ten minutes
        broker.answers[METADATA] = answer
        for connections in (two, two, one):
            await connections.send(at(broker), metadata_request([]))
        assert broker.connections == 4, "one anew for each"
        for connections in (one, two):
            await connections.close()


async def test_a_broker_that_hangs_up_in_the_handshake_is_unreachable(connections: Connections) -> None:
    async with FakeBroker() as broker:
        broker.answers[METADATA] = lambda *_: HANG_UP
        with pytest.raises(Unreachable) as caught:
            await connections.send(at(broker), metadata_request([]))
        assert caught.value.retriable


async def test_a_version_the_broker_lacks_is_named(connections: Connections) -> None:
    """REST-91: broker, API and versions."""
    async with FakeBroker({18: (0, 0), METADATA: (0, 5)}) as broker:
        with pytest.raises(
            Unsupported, match=rf"127.0.0.1:{broker.port}: Metadata \(API 3\) is needed .* 8 to 12"
        ) as caught:
            await connections.send(at(broker), metadata_request([]))
        assert not caught.value.retriable
        assert connections.is_open(at(broker))


async def test_a_login_that_ends_is_replaced_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """KIP-368: nobody waits for the next connection, and what the old one was asked is answered."""
    monkeypatch.setattr(broker_connection, "_LOGIN_USED", (0.0, 0.0))
    sasl = Sasl("PLAIN", "alice", "hush")
    made = Connections(settings(protocol="SASL_PLAINTEXT", sasl=sasl), "test")
    async with FakeBroker() as broker:
        broker.versions |= {SASL_HANDSHAKE: (0, 1), SASL_AUTHENTICATE: (0, 1)}
        broker.answers[SASL_HANDSHAKE] = lambda *_: SaslHandshakeResponse(error_code=0, mechanisms=["PLAIN"])
        lives_ms = [60_000, 0]
        broker.answers[SASL_AUTHENTICATE] = lambda *_: SaslAuthenticateResponse(
            error_code=0, error_message=None, auth_bytes=b"", session_lifetime_ms=lives_ms.pop(0)
        )
        await made.send(at(broker), metadata_request([]))
        assert broker.connections == 1
        await made.send(at(broker), metadata_request([]))  # by the old one, while the new one is made
        async with asyncio.timeout(10):
            while broker.connections < 2 or broker.open > 1:
                await asyncio.sleep(0.001)
        await made.send(at(broker), metadata_request([]))
        assert broker.connections == 2
        await made.close()
