"""A worker that takes longer than its session to take up what it was assigned stays in the group (`faust_mending`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.conn import AIOKafkaConnection
from aiokafka.consumer.group_coordinator import GroupCoordinator

from pipeline import faust_mending
from pipeline.local.cluster import LocalCluster
from tests.support.clients import create_topic

SESSION_MS = 6000


class Slow(ConsumerRebalanceListener):  # type: ignore[misc]
    """Takes longer than a session the first time."""

    def __init__(self) -> None:
        self.assigned = 0
        self.is_done = asyncio.Event()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Nothing to let go of."""

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self.assigned += 1
        if self.assigned == 1:
            await asyncio.sleep(SESSION_MS / 1000 + 2)
            self.is_done.set()


async def test_it_is_not_thrown_out(
    destination: LocalCluster, topic: str, unique: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GroupCoordinator, "_on_join_complete", GroupCoordinator._on_join_complete)
    monkeypatch.setattr(AIOKafkaConnection, "send", AIOKafkaConnection.send)
    faust_mending.mend()
    create_topic(destination, topic)
    listener = Slow()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=destination.bootstrap_servers,
        group_id=unique("group"),
        session_timeout_ms=SESSION_MS,
        heartbeat_interval_ms=500,
        enable_auto_commit=False,
    )
    consumer.subscribe([topic], listener=listener)
    await consumer.start()
    try:
        async with asyncio.timeout(60):
            await listener.is_done.wait()
        # the broker would refuse whom it has thrown out
        await consumer.commit({TopicPartition(topic, 0): 0})
        assert listener.assigned == 1
    finally:
        await consumer.stop()
