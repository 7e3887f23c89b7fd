"""Logs in the formats v0 and v1, written by a real broker, and what they become: v2, with the same records (MIRROR-12).

What an old segment holds is what brokers wrote before 0.11, or later for topics with an old `message.format.version`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from pipeline.local.cluster import LocalCluster
from tests.broker.logs.test_compacted import EAGER, table
from tests.support.clients import create_topic
from tests.support.consuming import consume
from tests.support.mirroring import Mirroring, mirroring
from tests.support.producing import Sent, numbered, produce
from tests.support.zookeeper import WRITES_OLD_FORMATS, ZooKeeperBackend

V0, V1, V2 = "0.9.0", "0.10.2", "2.8"
OLD_CODECS = ("none", "gzip", "snappy", "lz4")
PLAIN = {"enable.idempotence": False}
"""Producer ids came with v2."""
NOON = 1_700_000_000_000
FOREVER = {"retention_ms": "-1", "message_timestamp_difference_max_ms": str(2**63 - 1)}


@pytest.fixture(scope="module")
def ancient() -> Iterator[LocalCluster]:
    """One broker that writes old formats where a topic's configs say so."""
    with LocalCluster(WRITES_OLD_FORMATS, ZooKeeperBackend()) as cluster:
        yield cluster


def magics(cluster: LocalCluster, topic: str) -> set[int]:
    """The formats of a partition's entries, as they lie on the broker's disk."""
    found: set[int] = set()
    for segment in cluster.data_folder(1).glob(f"{topic}-0/*.log"):
        content, position = segment.read_bytes(), 0
        while position + 17 <= len(content):
            found.add(content[position + 16])
            position += 12 + int.from_bytes(content[position + 8 : position + 12], "big")
    return found


def produce_all(cluster: LocalCluster, topic: str) -> int:
    """Records of every shape in every codec, many and single ones; returns how many."""
    shapes = [Sent(None, b"tombstone"), Sent(b"no key"), Sent(b"", b""), Sent(b"\xff" * 300, b"k" * 300)]
    many = [Sent(r.value, r.key, timestamp_ms=NOON + n) for n, r in enumerate(numbered(300, size=100))]
    for codec in OLD_CODECS:
        produce(cluster, topic, [*many, *shapes], codec=codec, **PLAIN)
        produce(cluster, topic, shapes, codec=codec, batch=1, **PLAIN)
    return len(OLD_CODECS) * (len(many) + 2 * len(shapes))


async def change_format(link: Mirroring, topic: str, version: str) -> None:
    await link.remote.alter_topic_configs(topic, {"message.format.version": version})


@pytest.mark.timeout(300)
async def test_v0_v1_and_v2_in_one_log(ancient: LocalCluster, destination: LocalCluster, topic: str) -> None:
    """A topic that was upgraded twice, the second time while it is mirrored."""
    create_topic(ancient, topic, message_format_version=V0, **FOREVER)
    async with mirroring(ancient, destination) as link:
        count = await asyncio.to_thread(produce_all, ancient, topic)
        await change_format(link, topic, V1)
        count += await asyncio.to_thread(produce_all, ancient, topic)
        assert magics(ancient, topic) == {0, 1}
        await link.create(topic)
        await link.wait_for_ends(topic)
        await change_format(link, topic, V2)
        count += await asyncio.to_thread(produce_all, ancient, topic)
        assert magics(ancient, topic) == {0, 1, 2}
        await link.wait_for_ends(topic)
        assert (await link.compare(topic)).records == count
        assert magics(destination, topic) == {2}
        first = (await asyncio.to_thread(consume, destination, topic))[0]
        assert (first.offset, first.value, first.timestamp_ms) == (0, numbered(1, size=100)[0].value, -1)


@pytest.mark.timeout(300)
async def test_log_append_time_and_a_start_inside(ancient: LocalCluster, destination: LocalCluster, topic: str) -> None:
    """The wrapper's time is everyone's; a mirror may begin inside a wrapper."""
    create_topic(ancient, topic, message_format_version=V1, message_timestamp_type="LogAppendTime", **FOREVER)
    count = await asyncio.to_thread(produce_all, ancient, topic)
    async with mirroring(ancient, destination) as link:
        await link.remote.delete_records({(topic, 0): 450})
        await link.create(topic)
        await link.wait_for_ends(topic)
        assert (await link.compare(topic)).records == count - 450
        times = {record.timestamp_ms for record in await asyncio.to_thread(consume, destination, topic)}
        assert min(times) > NOON + 10**9


@pytest.mark.timeout(300)
async def test_a_compacted_log_of_v1(ancient: LocalCluster, destination: LocalCluster, topic: str) -> None:
    """The cleaner leaves holes between entries and inside of wrappers."""
    create_topic(ancient, topic, message_format_version=V1, **EAGER)
    for codec in OLD_CODECS:
        records = [Sent(b"%d" % n, b"often" if n % 3 else b"%s-%d" % (codec.encode(), n)) for n in range(300)]
        await asyncio.to_thread(produce, ancient, topic, records, codec=codec, **PLAIN)
    async with mirroring(ancient, destination) as link:
        await wait_for_fewer(ancient, topic, 600)
        await link.create(topic)
        await link.wait_for_ends(topic)
        await link.compare(topic)
        assert table(destination, topic) == table(ancient, topic)


async def wait_for_fewer(cluster: LocalCluster, topic: str, records: int) -> None:
    """Wait until the cleaner has left at most so many; a segment is closed by the next record."""
    while len(await asyncio.to_thread(consume, cluster, topic)) > records:
        await asyncio.to_thread(produce, cluster, topic, [Sent(b"tick", b"tick")], **PLAIN)
        await asyncio.sleep(0.6)
