"""Incremental fetch sessions (KIP-227) and topic ids (KIP-516), as a real broker keeps them."""

from __future__ import annotations

import pytest_asyncio

from pipeline.wire.requests.fetch import FetchPartition, FetchRequest, FetchResponse, ForgottenPartition
from tests.broker.wire.wire_client import WireClient
from tests.support.clients import delete_topic
from tests.support.producing import numbered, produce

PARTITIONS = 3
UNKNOWN_SESSION, WRONG_EPOCH, MIXED_IDS = 70, 71, 106
UNKNOWN_TOPIC_ID = 100


@pytest_asyncio.fixture
async def three(both: WireClient, topic: str) -> WireClient:
    """A broker; `topic` exists there with three partitions."""
    await both.create(topic, PARTITIONS)
    return both


class Session:
    """One fetch session by topic id, kept by hand."""

    def __init__(self, client: WireClient, topic: str) -> None:
        self.client = client
        self.topic = topic
        self.session_id = self.epoch = 0

    async def fetch(self, offsets: dict[int, int], forgotten: tuple[int, ...] = (), wait_ms: int = 0) -> FetchResponse:
        """Name these partitions with their offsets, leave out the forgotten ones."""
        topic_id = (await self.client.metadata(self.topic)).topic_id
        answer = await self.client.send(
            FetchRequest(
                [FetchPartition(self.topic, partition, offset, topic_id) for partition, offset in offsets.items()],
                max_wait_ms=wait_ms,
                session_id=self.session_id,
                session_epoch=self.epoch,
                forgotten=[ForgottenPartition(self.topic, partition, topic_id) for partition in forgotten],
                names={topic_id: self.topic},
            )
        )
        self.session_id = answer.session_id
        self.epoch += 1
        return answer


async def test_only_partitions_with_news_are_answered(three, topic):
    session = Session(three, topic)
    first = await session.fetch(dict.fromkeys(range(PARTITIONS), 0))
    assert first.session_id > 0 and len(first.partitions) == PARTITIONS
    assert (await session.fetch({})).partitions == ()
    produce(three.cluster, topic, numbered(4, partition=1))
    second = await session.fetch({}, wait_ms=5_000)
    assert [(p.topic, p.partition, p.high_watermark) for p in second.partitions] == [(topic, 1, 4)]
    assert len(second.partitions[0].records) > 0
    third = await session.fetch({1: 4})
    assert not any(len(p.records) for p in third.partitions)


async def test_a_forgotten_partition_is_not_answered(three, topic):
    session = Session(three, topic)
    await session.fetch(dict.fromkeys(range(PARTITIONS), 0))
    await session.fetch({}, forgotten=(1,))
    produce(three.cluster, topic, numbered(1, partition=1) + numbered(1, partition=2))
    assert [p.partition for p in (await session.fetch({}, wait_ms=5_000)).partitions] == [2]


async def test_what_is_wrong_with_a_session_is_told_in_the_answer(three, topic):
    session = Session(three, topic)
    await session.fetch({0: 0})
    good = session.session_id, session.epoch
    session.epoch = 7
    assert (await session.fetch({})).error_code == WRONG_EPOCH
    session.session_id, session.epoch = good[0] ^ 1, 1
    assert (await session.fetch({})).error_code == UNKNOWN_SESSION
    by_name = FetchRequest([FetchPartition(topic, 1, 0)], session_id=good[0], session_epoch=good[1], max_wait_ms=0)
    assert (await three.send(by_name)).error_code == MIXED_IDS


async def test_a_topic_made_again_is_another_topic(three, topic):
    old = await three.metadata(topic)
    delete_topic(three.cluster, topic)
    await three.create(topic, PARTITIONS)
    assert (await three.metadata(topic)).topic_id != old.topic_id
    request = FetchRequest([FetchPartition(topic, 0, 0, old.topic_id)], max_wait_ms=0, names={old.topic_id: topic})
    assert [p.error_code for p in (await three.send(request)).partitions] == [UNKNOWN_TOPIC_ID]


async def test_by_name_a_fetch_needs_no_ids(three, topic):
    produce(three.cluster, topic, numbered(2, partition=2))
    fetched = await three.fetch(topic, partition=2)
    assert (fetched.topic, fetched.partition, fetched.high_watermark) == (topic, 2, 2)


async def test_the_answer_keeps_within_its_bytes_but_never_splits_the_first_batch(three, topic):
    """KIP-74: the first batch of the first partition comes whole, others as far as the limit allows."""
    produce(three.cluster, topic, numbered(10, size=5_000), batch=1)
    fetched = await three.fetch(topic, max_bytes=1)
    assert len(fetched.records) > 5_000
