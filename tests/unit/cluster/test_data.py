"""The data client: metadata shared and read once for all who ask, leaders, forks, falling back to bootstrap servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import Unreachable
from pipeline.cluster.metadata import metadata_request
from pipeline.cluster.security import ClientSecurity
from tests.unit.cluster.fake_broker import METADATA, SILENCE, FakeBroker


@pytest.fixture
async def broker() -> AsyncIterator[FakeBroker]:
    async with FakeBroker() as fake:
        yield fake


@pytest.fixture
async def client(broker: FakeBroker) -> AsyncIterator[DataClient]:
    made = DataClient(ClientSecurity((broker.address,), retry_backoff_ms=1, reconnect_backoff_ms=1))
    await made.start()
    yield made
    await made.close()
    assert len(asyncio.all_tasks()) == 1


async def test_start_learns_the_brokers(client: DataClient, broker: FakeBroker) -> None:
    assert client.cluster_id == "a-cluster-of-lies-12345"
    assert client.brokers[1].port == broker.port
    await client.start()
    assert broker.requests.count(METADATA) == 1


async def test_a_broker_that_is_just_starting_names_no_brokers(client: DataClient, broker: FakeBroker) -> None:
    """What was known stays: who knows no broker has nobody left to ask (make chaos, seed 11, fault 63)."""

    def starting(version: int, frame: bytes) -> Any:
        answer = broker.metadata(version, frame)
        answer.brokers = []
        return answer

    assert await client.find_leader("t", 0) == 1
    broker.answers[METADATA] = starting
    with pytest.raises(Unreachable, match="no broker serves yet"):
        await client.refresh()
    broker.answers[METADATA] = broker.metadata
    assert client.leader("t", 0) == 1
    await client.send_any(metadata_request(["t"]))


async def test_a_leader_is_unknown_until_it_was_asked_for(client: DataClient) -> None:
    with pytest.raises(Unreachable, match="t-0: no leader known"):
        client.leader("t", 0)
    assert await client.find_leader("t", 0) == 1
    assert client.leader("t", 0) == 1
    with pytest.raises(Unreachable):
        client.leader("t", 1)
    client.forget(["t"])
    with pytest.raises(Unreachable):
        client.leader("t", 0)


async def test_refreshes_at_the_same_time_share_a_request(client: DataClient, broker: FakeBroker) -> None:
    before = broker.requests.count(METADATA)
    await asyncio.gather(*(client.refresh([f"t{n}"]) for n in range(50)))
    assert broker.requests.count(METADATA) == before + 1
    assert {client.leader(f"t{n}", 0) for n in range(50)} == {1}


async def test_a_refresh_asked_for_while_one_runs_reads_again(client: DataClient, broker: FakeBroker) -> None:
    """What the running request will answer may be older than what the caller has just seen."""
    before = broker.requests.count(METADATA)
    running = asyncio.create_task(client.refresh(["a"]))
    while broker.requests.count(METADATA) == before:
        await asyncio.sleep(0)
    await asyncio.gather(running, client.refresh(["b"]), client.refresh(["c"]))
    assert broker.requests.count(METADATA) == before + 2


async def test_everybody_who_waits_hears_of_a_failed_refresh(client: DataClient, broker: FakeBroker) -> None:
    broker.answers[METADATA] = lambda *_: SILENCE
    waiting = [asyncio.create_task(client.refresh()) for _ in range(3)]
    before = broker.requests.count(METADATA)
    while broker.requests.count(METADATA) == before:
        await asyncio.sleep(0)
    await client.close()
    for error in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(error, Unreachable)


async def test_a_fork_knows_the_same_over_connections_of_its_own(client: DataClient, broker: FakeBroker) -> None:
    fork = client.fork("fork")
    before = broker.connections
    await fork.refresh(["t"])
    assert client.leader("t", 0) == fork.leader("t", 0) == 1
    assert broker.connections == before, "the owner reads the metadata"
    await fork.send(1, metadata_request([]))
    assert broker.connections == before + 1
    await fork.close()
    await client.refresh(["t2"])


async def test_topics_are_asked_for_now_and_not_tracked(client: DataClient) -> None:
    found = await client.topics(["x", "y"])
    assert [found[name].partitions[0].leader_epoch for name in ("x", "y")] == [3, 3]
    assert client.topic("x") is None


async def test_when_no_known_broker_answers_the_bootstrap_servers_are_asked(broker: FakeBroker) -> None:
    """Every broker may have moved while we did not look (KIP-899)."""
    async with FakeBroker() as moved:
        broker.advertised = [(7, "127.0.0.1", moved.port)]
        client = DataClient(ClientSecurity((broker.address,), retry_backoff_ms=1, reconnect_backoff_ms=1))
        await client.start()
        assert list(client.brokers) == [7]
    broker.advertised = None
    await client.refresh(["t"])
    assert list(client.brokers) == [1]
    await client.close()


async def test_a_node_that_is_not_in_the_metadata_is_unreachable(client: DataClient) -> None:
    with pytest.raises(Unreachable, match="broker 99"):
        await client.send(99, metadata_request([]))
