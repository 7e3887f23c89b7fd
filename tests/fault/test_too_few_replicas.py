"""A mirror whose leader has fewer in-sync replicas than min.insync.replicas waits, says so, and goes on by itself:
appends are refused with 19 (NOT_ENOUGH_REPLICAS), and none is lost or doubled.
"""

from __future__ import annotations

import asyncio
import time

import pytest

from pipeline.local.cluster import LocalCluster
from pipeline.local.options import QUICK_FENCING, ClusterOptions
from tests.support.clients import create_topic, log_ends
from tests.support.mirroring import mirroring
from tests.support.producing import numbered, produce

BROKERS = 3
WITHIN_S = 90.0


@pytest.mark.timeout(300)
async def test_it_waits_for_replicas(source: LocalCluster, topic: str) -> None:
    options = ClusterOptions(brokers=BROKERS, heap_mb=256, properties=QUICK_FENCING)
    with LocalCluster(options) as destination:
        create_topic(source, topic)
        produce(source, topic, numbered(100))
        async with mirroring(source, destination) as link:
            await link.create(topic, replicas=BROKERS, min_insync_replicas=str(BROKERS))
            await link.wait_for_ends(topic, WITHIN_S)
            leader = (await link.own.describe_topics([topic]))[topic].partitions[0].leader
            follower = next(node for node in destination.node_ids if node != leader)
            await asyncio.to_thread(destination.stop_broker, follower)
            await asyncio.to_thread(produce, source, topic, numbered(100, 100))
            deadline = time.monotonic() + WITHIN_S
            while "min.insync.replicas" not in link.statuses(topic)[0].waits_for:
                assert time.monotonic() < deadline, "it does not say what it waits for"
                await asyncio.sleep(0.05)
            assert not link.statuses(topic)[0].error_message
            assert await asyncio.to_thread(log_ends, destination, topic) == [100], "what consumers may see"
            await asyncio.to_thread(destination.start_broker, follower)
            await link.wait_for_ends(topic, WITHIN_S)
            assert await asyncio.to_thread(log_ends, destination, topic) == [200]
            await link.compare(topic)
