"""What only two brokers show: the end of the leader's log above the high watermark, and epochs of leaders."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from pipeline.local.cluster import LocalCluster
from pipeline.local.options import ClusterOptions
from pipeline.wire.requests.list_offsets import CONSUMER, LOG_END
from pipeline.wire.requests.offset_for_leader_epoch import EpochQuery, OffsetForLeaderEpochRequest
from tests.broker.wire.wire_client import connected, data
from tests.support.clients import create_topic


@pytest.fixture
def two_brokers() -> Iterator[LocalCluster]:
    """Broker 2 may be stopped; followers stay in sync, as far as the leader knows, for half a minute."""
    with LocalCluster(ClusterOptions(brokers=2, properties={"offsets.topic.num.partitions": "1"})) as cluster:
        yield cluster


async def test_the_true_end_of_the_log_is_told_to_replica_minus_two_alone(two_brokers, topic):
    """With a stopped follower a consumer is told the high watermark: resuming there with a sequence that belongs to
    the log end would shift records."""
    await asyncio.to_thread(create_topic, two_brokers, topic, 1, 2)
    async with connected(two_brokers) as wire:
        leader = (await wire.metadata(topic)).partitions[0].leader
        if leader != 1:
            pytest.fail(f"broker {leader} leads the only partition; broker 1 was to")
        pid = await wire.new_producer()
        await wire.produce(topic, data(pid, 0, 0, [b"a", b"b", b"c"]))
        await asyncio.to_thread(two_brokers.stop_broker, 2, True)
        assert (await wire.produce(topic, data(pid, 0, 3, [b"d"] * 4), acks=1)).error_code == 0
        assert await wire.end(topic, CONSUMER) == 3
        assert await wire.end(topic, LOG_END) == 7
        epochs = OffsetForLeaderEpochRequest([EpochQuery(topic, 0, leader_epoch=0)])
        found = (await wire.send(epochs)).partitions[0]
        assert (found.error_code, found.leader_epoch) == (0, 0)
