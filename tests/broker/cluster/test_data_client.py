"""The data client on a real broker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from pipeline.cluster.admin import Admin
from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import KafkaFailure
from pipeline.local.cluster import LocalCluster
from pipeline.wire.requests.list_offsets import ListOffsetsRequest
from pipeline.wire.requests.metadata import MetadataRequest
from tests.broker.cluster.eventually import create


async def test_cluster_brokers_and_topics_with_their_ids(
    source: LocalCluster, admin: Admin, client: DataClient, topic: str
) -> None:
    made = await create(admin, topic, 3)
    assert client.cluster_id == source.cluster_id
    host, _, port = source.bootstrap_servers.partition(":")
    assert [(b.host, b.port) for b in client.brokers.values()] == [(host, int(port))]
    info = (await client.topics([topic]))[topic]
    assert info.topic_id == made.topic_id
    assert len(info.topic_id) == 22
    assert sorted(info.partitions) == [0, 1, 2]
    (node,) = client.brokers
    assert {p.leader for p in info.partitions.values()} == {node}
    assert {p.leader_epoch for p in info.partitions.values()} == {0}
    response = await client.send(node, MetadataRequest(topic_ids=[info.uuid]))
    assert response.topics[0].topic == topic


async def test_a_topic_that_is_not_there(client: DataClient, unique: Callable[[str], str]) -> None:
    missing = unique("missing")
    assert (await client.topics([missing]))[missing].error == 3
    with pytest.raises(KafkaFailure) as caught:
        await client.find_leader(missing, 0)
    assert caught.value.code == 3
    assert missing in str(caught.value)


async def test_a_topic_shows_up_once_it_is_made(admin: Admin, client: DataClient, topic: str) -> None:
    with pytest.raises(KafkaFailure):
        await client.find_leader(topic, 0)
    await create(admin, topic, 1)
    assert await client.find_leader(topic, 0) in client.brokers


async def test_close_leaves_no_task_and_no_connection(source: LocalCluster, client: DataClient) -> None:
    fork = client.fork()
    await asyncio.gather(fork.api_versions(next(iter(client.brokers))), client.refresh())
    await fork.close()
    await client.close()
    assert len(asyncio.all_tasks()) == 1


async def test_requests_at_the_same_time_get_their_own_answers(admin: Admin, client: DataClient, topic: str) -> None:
    await create(admin, topic, 2)
    (node,) = client.brokers
    requests = [MetadataRequest(topics=[topic]), MetadataRequest(topics=[])] * 10
    answers = await asyncio.gather(*(client.send(node, request) for request in requests))
    assert [len(answer.topics) for answer in answers] == [1, 0] * 10
    assert ListOffsetsRequest.API_KEY in await client.api_versions(node)
