"""Between Kafka 3.9 and 4.3, in both directions: a log with a bit of everything (MIRROR-1, MIRROR-2)."""

from __future__ import annotations

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.clients import create_topic
from tests.support.mirroring import Mirroring, mirroring
from tests.support.producing import CODECS, Sent, TransactionalProducer, numbered, produce

KEYED = [Sent(None, b"tombstone"), Sent(b"", b""), Sent(b"v", b"h", (("a", b"1"), ("a", None), ("", b"")))]


async def mix(link: Mirroring, topic: str) -> None:
    """Plain and transactional records of every codec, small and large, and a log that does not begin at 0."""
    create_topic(link.source, topic, 2)
    for codec in CODECS:
        both = [*numbered(300, size=300), *KEYED, Sent(b"no key"), *numbered(20, partition=1)]
        produce(link.source, topic, both, codec=codec)
        produce(link.source, topic, KEYED, codec=codec, batch=1)
    producer = TransactionalProducer(link.source, topic)
    producer.aborted(numbered(50))
    await link.remote.delete_records({(topic, 0): 350})
    await link.create(topic)
    await link.wait_for_starts(topic)
    producer.committed([*numbered(50), *numbered(50, partition=1)])
    producer.aborted([*numbered(500), *numbered(5, partition=1)])
    producer.committed([*numbered(50), *numbered(50, partition=1)])
    await link.wait_for_ends(topic)
    await link.compare(topic)
    await link.restart()
    producer.aborted(numbered(7))
    produce(link.source, topic, numbered(10))
    await link.wait_for_ends(topic)
    await link.compare(topic)


@pytest.mark.timeout(300)
async def test_from_3_9_to_4_3(old_source: LocalCluster, destination: LocalCluster, topic: str) -> None:
    async with mirroring(old_source, destination) as link:
        await mix(link, topic)


@pytest.mark.timeout(300)
async def test_from_4_3_to_3_9(source: LocalCluster, old_source: LocalCluster, topic: str) -> None:
    async with mirroring(source, old_source) as link:
        await mix(link, topic)


@pytest.mark.timeout(300)
async def test_within_3_9(old_source: LocalCluster, topic: str) -> None:
    """Source and mirror on one cluster, under two names: nothing in the engine knows the difference."""
    async with mirroring(old_source, old_source) as link:
        create_topic(old_source, topic)
        TransactionalProducer(old_source, topic).aborted(numbered(20))
        produce(old_source, topic, numbered(20))
        await link.create(topic, f"{topic}-mirror")
        await link.wait_for_ends(topic)
        await link.compare(topic)
