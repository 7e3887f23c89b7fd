"""A mirror whose leader has fewer in-sync replicas than min.insync.replicas waits, says so, and goes on by itself:
appends are refused with 19 (NOT_ENOUGH_REPLICAS), and none is lost or doubled. One that does without them, and loses
its end by an unclean election, gets it again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaException

from pipeline.local.cluster import LocalCluster
from pipeline.local.options import QUICK_FENCING, ClusterOptions
from tests.support.clients import create_topic, log_ends
from tests.support.mirroring import LINK, mirroring
from tests.support.producing import numbered, produce
from tests.support.workers import wait_until

BROKERS = 3
WITHIN_S = 90.0


@pytest.fixture(scope="module")
def destination() -> Iterator[LocalCluster]:
    """Three brokers."""
    with LocalCluster(ClusterOptions(brokers=BROKERS, heap_mb=256, properties=QUICK_FENCING)) as cluster:
        yield cluster


@pytest.mark.timeout(300)
async def test_it_waits_for_replicas(source: LocalCluster, destination: LocalCluster, topic: str) -> None:
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


@pytest.mark.timeout(300)
async def test_an_end_that_the_mirror_has_lost_is_copied_again(
    source: LocalCluster, destination: LocalCluster, topic: str
) -> None:
    """A follower that was away leads: the producer's state goes back with the log, so copying goes on at its end."""
    create_topic(source, topic)
    produce(source, topic, numbered(100))
    configs = {"unclean_leader_election_enable": "true", "min_insync_replicas": "1"}
    async with mirroring(source, destination) as link:
        await link.create(topic, replicas=2, **configs)
        await link.wait_for_ends(topic, WITHIN_S)
        found = (await link.own.describe_topics([topic]))[topic].partitions[0]
        (follower,) = set(found.replicas) - {found.leader}
        await asyncio.to_thread(destination.stop_broker, follower)
        await asyncio.to_thread(produce, source, topic, numbered(100, 100))
        await link.wait_for_ends(topic, WITHIN_S)
        may_read = asyncio.Event()
        link.engine.links[LINK].throttle.wait = may_read.wait  # type: ignore[method-assign]
        await asyncio.to_thread(destination.stop_broker, found.leader, True)
        await asyncio.to_thread(destination.start_broker, follower)
        await asyncio.to_thread(wait_until, lambda: ends_at(destination, topic, 100), "an unclean election", WITHIN_S)
        await asyncio.to_thread(produce, source, topic, numbered(100, 200))
        may_read.set()
        await link.wait_for_ends(topic, WITHIN_S)
        assert (await link.compare(topic)).records == 300
        await asyncio.to_thread(destination.start_broker, found.leader)


def ends_at(cluster: LocalCluster, topic: str, end: int) -> bool:
    try:
        return log_ends(cluster, topic) == [end]
    except (KafkaException, TimeoutError):
        return False  # nobody leads yet
