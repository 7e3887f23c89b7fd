"""Timestamps as a consumer of the source sees them, whoever set them (MIRROR-2, MIRROR-90)."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.support.clients import create_topic
from tests.support.consuming import consume
from tests.support.mirroring import Mirroring
from tests.support.producing import CODECS, Sent, TransactionalProducer, numbered, produce

DAY_MS = 86_400_000
ANY_TIME = {"retention_ms": "-1", "message_timestamp_after_max_ms": str(2**63 - 1)}


@pytest.mark.timeout(300)
async def test_log_append_time(link: Mirroring, topic: str) -> None:
    """The broker's time, in batches of every codec and size; producers' own times must not come through."""
    create_topic(link.source, topic, message_timestamp_type="LogAppendTime", **ANY_TIME)
    for codec in CODECS:
        for batch in (1, 500):
            records = [
                Sent(record.value, record.key, timestamp_ms=1_000) for record in numbered(100 if batch == 1 else 2000)
            ]
            produce(link.source, topic, records, codec=codec, batch=batch)
    TransactionalProducer(link.source, topic).aborted(numbered(5))
    produce(link.source, topic, numbered(5))
    await link.create(topic)
    await link.wait_for_ends(topic)
    report = await link.compare(topic)
    assert report.records == len(CODECS) * 2100 + 5
    mirrored = await asyncio.to_thread(consume, link.destination, topic)
    assert min(record.timestamp_ms for record in mirrored) > 1_700_000_000_000


@pytest.mark.timeout(300)
async def test_times_far_ahead_and_long_ago(link: Mirroring, topic: str) -> None:
    """30 days ahead, 1970, and backwards within a batch: the mirror refuses none (MIRROR-90)."""
    create_topic(link.source, topic, **ANY_TIME)
    now = int(time.time() * 1000)
    times = [now + 30 * DAY_MS, 1, 2, now, now - 400 * DAY_MS, now + 1]
    for codec in CODECS:
        for batch in (1, 1000):
            produce(
                link.source,
                topic,
                [Sent(b"%d" % t, b"k", timestamp_ms=t) for t in times * 50],
                codec=codec,
                batch=batch,
            )
    await link.create(topic)
    await link.wait_for_ends(topic)
    report = await link.compare(topic)
    assert report.records == len(CODECS) * 600
    assert {r.timestamp_ms for r in await asyncio.to_thread(consume, link.destination, topic)} == set(times)


@pytest.mark.timeout(300)
async def test_the_timestamp_type_changes_under_way(link: Mirroring, topic: str) -> None:
    create_topic(link.source, topic, **ANY_TIME)
    old = [Sent(record.value, record.key, timestamp_ms=5) for record in numbered(300)]
    produce(link.source, topic, old)
    await link.create(topic)
    for kind in ("LogAppendTime", "CreateTime", "LogAppendTime"):
        await link.wait_for_ends(topic)
        await link.remote.alter_topic_configs(topic, {"message.timestamp.type": kind})
        for batch in (1, 100):
            await asyncio.to_thread(produce, link.source, topic, old, batch=batch, codec="lz4")
    await link.wait_for_ends(topic)
    assert (await link.compare(topic)).records == 2100
    times = {record.timestamp_ms for record in await asyncio.to_thread(consume, link.destination, topic)}
    assert 5 in times and len(times) > 1
