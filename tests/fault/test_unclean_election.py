"""A source that loses records by an unclean election: found, though its log has grown past the mirror's (MIRROR-18)."""

from __future__ import annotations

import asyncio

import pytest
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]

from pipeline.link.states import MirrorError
from pipeline.local.cluster import LocalCluster
from pipeline.local.options import QUICK_FENCING, ClusterOptions
from tests.support.clients import TIMEOUT_S, admin, log_ends
from tests.support.consuming import consume
from tests.support.mirroring import LINK, mirroring
from tests.support.producing import numbered, produce

STAYS_BEHIND, LEADS = 3, 2
BEFORE, LOST, AFTER = 100, 100, 300


@pytest.mark.timeout(300)
async def test_what_an_unclean_election_has_cut_is_not_written_over(destination: LocalCluster, topic: str) -> None:
    """200 records are mirrored, the source loses 100 of them and gets 300 others before it is read again."""
    options = ClusterOptions(brokers=3, heap_mb=256, properties=QUICK_FENCING)
    with LocalCluster(options) as source:
        create(source, topic)
        await asyncio.to_thread(produce, source, topic, numbered(BEFORE))
        async with mirroring(source, destination) as link:
            await link.create(topic)
            await link.wait_for_ends(topic)
            await asyncio.to_thread(source.stop_broker, STAYS_BEHIND)
            await asyncio.to_thread(produce, source, topic, numbered(LOST, BEFORE))
            await link.wait_for_ends(topic)
            may_read = asyncio.Event()
            link.engine.links[LINK].throttle.wait = may_read.wait  # type: ignore[method-assign]
            await asyncio.to_thread(source.stop_broker, LEADS, True)
            await asyncio.to_thread(source.start_broker, STAYS_BEHIND)
            await asyncio.to_thread(produce, source, topic, numbered(AFTER, 1_000))
            assert await asyncio.to_thread(log_ends, source, topic) == [BEFORE + AFTER]
            may_read.set()
            status = await link.failure(topic, 60)
            assert status.error is MirrorError.UNEXPECTED_TRUNCATION
            assert f"cut at offset {BEFORE}" in status.error_message
        kept = await asyncio.to_thread(consume, destination, topic)
        assert [record.value for record in kept] == [sent.value for sent in numbered(BEFORE + LOST)]


def create(source: LocalCluster, topic: str) -> None:
    """A topic of two brokers, which rather serves what is left than nothing."""
    configs = {"unclean.leader.election.enable": "true", "min.insync.replicas": "1"}
    new = NewTopic(topic, 1, replica_assignment=[[LEADS, STAYS_BEHIND]], config=configs)
    client = admin(source)
    for future in client.create_topics([new], operation_timeout=TIMEOUT_S).values():
        future.result(TIMEOUT_S)
