"""Fetch from one cluster, restamp or rewrite, produce to another: the same records at the same offsets (I1)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from pipeline.local.cluster import LocalCluster
from pipeline.wire.batch import Stamp, next_sequence, restamp, scan
from pipeline.wire.records import ControlType, close_batch, coalesce, control_type, open_batch
from tests.broker.wire.wire_client import WireClient, connected
from tests.support.consuming import consume
from tests.support.producing import CODECS, Sent, TransactionalProducer, numbered, produce


@pytest_asyncio.fixture
async def here(source: LocalCluster, topic: str) -> AsyncIterator[WireClient]:
    """The source; `topic` exists there and, empty, at the destination."""
    async with connected(source) as client:
        await client.create(topic)
        yield client


@pytest_asyncio.fixture
async def there(destination: LocalCluster, topic: str) -> AsyncIterator[WireClient]:
    async with connected(destination) as client:
        await client.create(topic)
        yield client


@pytest.mark.parametrize("codec", CODECS)
async def test_batches_pass_through_closed(here, there, topic, codec):
    headers = (("h", b"1"), ("h", None), ("", b""))
    sent = [Sent(None, b"tombstone", headers), Sent(b"", None, headers), *numbered(3_000)]
    produce(here.cluster, topic, sent, codec=codec, batch=700)
    pid, sequence = await there.new_producer(), 0
    fetched = await here.fetch(topic)
    batches = scan(fetched.records)
    assert len(batches) > 1 and any(header.codec for header in batches) == (codec != "none")
    for header in batches:
        answer = await there.produce(topic, restamp(fetched.records, header, Stamp(pid, 0, sequence)))
        assert (answer.error_code, answer.base_offset) == (0, header.base_offset)
        sequence = next_sequence(sequence, header.count)
    assert consume(there.cluster, topic) == consume(here.cluster, topic)
    mirrored = await there.headers(topic)
    assert [(h.size, h.codec, h.count) for h in mirrored] == [(h.size, h.codec, h.count) for h in batches]


@pytest.mark.parametrize("codec", CODECS)
async def test_small_batches_are_joined(here, there, topic, codec):
    produce(here.cluster, topic, numbered(40, size=200), codec=codec, batch=1)
    fetched = await here.fetch(topic)
    headers = scan(fetched.records)
    assert len(headers) == 40
    joined = coalesce(fetched.records, headers, Stamp(await there.new_producer(), 0, 0))
    assert (await there.produce(topic, joined)).error_code == 0
    assert len(await there.headers(topic)) == 1
    assert consume(there.cluster, topic) == consume(here.cluster, topic)


async def test_log_append_time_is_kept_by_rewriting(here, there, unique):
    stamped = unique("stamped")
    await here.create(stamped, message_timestamp_type="LogAppendTime")
    await there.create(stamped)
    produce(here.cluster, stamped, [Sent(b"v", timestamp_ms=1_000 * n) for n in range(50)], batch=20)
    fetched = await here.fetch(stamped)
    headers = scan(fetched.records)
    assert all(header.is_log_append_time for header in headers)
    records = [record for header in headers for record in open_batch(fetched.records, header)]
    batch = close_batch(records, 0, Stamp(await there.new_producer(), 0, 0))
    assert (await there.produce(stamped, batch)).error_code == 0
    seen = [(r.offset, r.timestamp_ms) for r in consume(there.cluster, stamped)]
    assert seen == [(r.offset, r.timestamp_ms) for r in consume(here.cluster, stamped)]


async def test_a_fetch_names_the_aborted_transactions(here, topic):
    producer = TransactionalProducer(here.cluster, topic)
    producer.committed(numbered(2))
    producer.aborted(numbered(2))
    open_transaction = producer.begin()
    open_transaction.send(numbered(1))
    fetched = await here.fetch(topic)
    assert [first for _, first in fetched.aborted] == [3]
    assert (fetched.last_stable_offset, fetched.high_watermark) == (6, 7)
    batches = scan(fetched.records)
    markers = [(h.base_offset, control_type(fetched.records, h)) for h in batches if h.is_control]
    assert markers == [(2, ControlType.COMMIT), (5, ControlType.ABORT)]
    assert all(header.is_transactional for header in batches)
    assert (await here.fetch(topic, isolation=0)).aborted == ()
    open_transaction.abort()


async def test_committed_records_pass_through_without_their_transaction(here, there, topic):
    TransactionalProducer(here.cluster, topic).committed(numbered(5))
    fetched = await here.fetch(topic)
    header, marker = scan(fetched.records)
    pid = await there.new_producer()
    assert (await there.produce(topic, restamp(fetched.records, header, Stamp(pid, 0, 0)))).error_code == 0
    assert await there.mark(topic, (pid, 0, 0)) == [0]
    assert await there.end(topic) == marker.next_offset
    assert consume(there.cluster, topic) == consume(here.cluster, topic)
