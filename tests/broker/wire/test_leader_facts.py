"""What only two brokers show: the end of the leader's log above the high watermark, and epochs of leaders."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from pipeline.local.cluster import LocalCluster
from pipeline.local.options import ClusterOptions
from pipeline.wire.requests.list_offsets import CONSUMER, LOG_END
from pipeline.wire.requests.offset_for_leader_epoch import EpochQuery, OffsetForLeaderEpochRequest
from tests.broker.cluster.eventually import eventually
from tests.broker.wire.wire_client import WireClient, connected, data
from tests.support.clients import create_topic

PATIENT = {"replica.lag.time.max.ms": "300000", "broker.session.timeout.ms": "300000"}
"""A stopped follower stays in sync as far as leader and controller know, however slow this machine is."""


@pytest.fixture
def two_brokers() -> Iterator[LocalCluster]:
    """Broker 2 may be stopped."""
    with LocalCluster(ClusterOptions(brokers=2, properties=PATIENT)) as cluster:
        yield cluster


async def test_the_true_end_of_the_log_is_told_to_replica_minus_two_alone(two_brokers, topic):
    """With a stopped follower a consumer is told the high watermark: resuming there with a sequence that belongs to
    the log end would shift records."""
    await asyncio.to_thread(create_topic, two_brokers, topic, 2, 2)
    async with connected(two_brokers) as wire:
        found = await eventually(
            lambda: wire.metadata(topic), lambda seen: [len(p.in_sync) for p in seen.partitions] == [2, 2]
        )
        led = {p.partition: p.leader for p in found.partitions}
        partition = next(partition for partition, leader in led.items() if leader == 1)
        pid = await wire.new_producer()
        await eventually(lambda: epoch_end(wire, topic, partition, 0), lambda seen: seen == (0, 0))
        assert (await wire.produce(topic, data(pid, 0, 0, [b"a", b"b", b"c"]), partition)).error_code == 0
        await asyncio.to_thread(two_brokers.stop_broker, 2, True)
        assert (await wire.produce(topic, data(pid, 0, 3, [b"d"] * 4), partition, acks=1)).error_code == 0
        assert await wire.end(topic, CONSUMER, partition) == 3
        assert await wire.end(topic, LOG_END, partition) == 7
        found = [await epoch_end(wire, topic, partition, epoch) for epoch in (0, 5)]
        assert found == [(0, 7), (-1, -1)]


async def epoch_end(wire: WireClient, topic: str, partition: int, epoch: int) -> tuple[int, int]:
    """The leader epoch found and its end: of the newest epoch the true end of the log, of one yet to come nothing."""
    answer = await wire.send(OffsetForLeaderEpochRequest([EpochQuery(topic, partition, epoch)]))
    assert answer.partitions[0].error_code == 0
    return answer.partitions[0].leader_epoch, answer.partitions[0].end_offset
