"""What brokers ask of records and topics, as far as a mirror must know: compaction, timestamps, the start of a log."""

from __future__ import annotations

import time

import pytest

from pipeline.wire.batch import Stamp
from pipeline.wire.records import Record, close_batch, filler_batch
from pipeline.wire.requests.delete_records import DeleteRecordsRequest, DeleteUpTo
from pipeline.wire.requests.list_offsets import CONSUMER, EARLIEST
from tests.broker.wire.wire_client import WireClient, data

INVALID_TIMESTAMP = 32
POLICY_VIOLATION = 44
INVALID_RECORD = 87
FILLER = 100_000


async def test_filler_and_delete_records_move_the_start_of_a_log(wire, topic):
    pid = await wire.new_producer()
    for n in range(3):
        batch = filler_batch(FILLER, Stamp(pid, 0, n * FILLER), None, 1_700_000_000_000)
        assert (await wire.produce(topic, batch)).base_offset == n * FILLER
    deleted = await wire.send(DeleteRecordsRequest([DeleteUpTo(topic, 0, 3 * FILLER)]))
    assert (deleted.partitions[0].error_code, deleted.partitions[0].low_watermark) == (0, 3 * FILLER)
    assert await wire.end(topic, CONSUMER, timestamp=EARLIEST) == 3 * FILLER
    assert (await wire.produce(topic, data(pid, 0, 3 * FILLER))).base_offset == 3 * FILLER


async def test_compacted_topics_take_no_record_without_a_key(both, topic):
    await both.create(topic, cleanup_policy="compact")
    pid = await both.new_producer()
    assert (await both.produce(topic, filler_batch(10, Stamp(pid, 0, 0), None, 5))).error_code == INVALID_RECORD
    assert (await both.produce(topic, filler_batch(10, Stamp(pid, 0, 0), b"k", 5))).error_code == 0


async def test_records_of_compacted_topics_cannot_be_deleted_before_delete_is_a_policy(both, topic):
    await both.create(topic, cleanup_policy="compact")
    await both.create(topic + "-delete", cleanup_policy="compact,delete")
    pid = await both.new_producer()
    for name, code in ((topic, POLICY_VIOLATION), (topic + "-delete", 0)):
        await both.produce(name, filler_batch(10, Stamp(pid, 0, 0), b"k", 5))
        deleted = await both.send(DeleteRecordsRequest([DeleteUpTo(name, 0, 10)]))
        assert deleted.partitions[0].error_code == code


@pytest.mark.parametrize(("after_max", "code"), [("3600000", INVALID_TIMESTAMP), (str(2**63 - 1), 0)])
async def test_the_future_is_refused_as_far_as_the_topic_says(both, topic, after_max, code):
    await both.create(topic, message_timestamp_after_max_ms=after_max)
    assert (await both.produce(topic, await tomorrow(both))).error_code == code


async def test_brokers_bound_the_future_by_default_since_4_0(wire, topic):
    """An hour ahead; before 4.0 the default is no bound at all."""
    bounded = not wire.cluster.options.version.startswith("3.")
    assert (await wire.produce(topic, await tomorrow(wire))).error_code == (INVALID_TIMESTAMP if bounded else 0)


async def tomorrow(client: WireClient) -> bytes:
    record = Record(0, int(time.time() * 1000) + 24 * 3_600_000, b"k", b"v")
    return close_batch([record], 0, Stamp(await client.new_producer(), 0, 0))


@pytest.mark.parametrize("timestamp", [-1, 0])
async def test_records_without_a_timestamp_are_taken_where_the_past_is_not_bounded(wire, topic, timestamp):
    batch = close_batch([Record(0, timestamp, b"k", b"v")], 0, Stamp(await wire.new_producer(), 0, 0))
    assert (await wire.produce(topic, batch)).error_code == 0
    assert (await wire.records(topic))[0].timestamp == timestamp


@pytest.mark.parametrize("codec", range(5))
async def test_brokers_read_each_codec_as_we_write_it(wire, topic, codec):
    """Brokers open every batch to check it; incompressible records do not lose their codec."""
    records = [Record(n, 1_700_000_000_000 + n, b"%d" % n, bytes(n % 7), (("h", None),)) for n in range(500)]
    batch = close_batch(records, codec, Stamp(await wire.new_producer(), 0, 0))
    assert (await wire.produce(topic, batch)).error_code == 0
    assert [header.codec for header in await wire.headers(topic)] == [codec]
    assert await wire.records(topic) == records
