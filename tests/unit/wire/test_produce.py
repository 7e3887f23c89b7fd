"""Produce in each version: the same bytes as Kafka's definitions give; a batch is not copied before the join."""

from __future__ import annotations

import pytest
from kafka.protocol.producer.produce import ProduceRequest as TheirRequest
from kafka.protocol.producer.produce import ProduceResponse as TheirResponse

from pipeline.wire.requests.produce import ProduceBatch, ProducedPartition, ProduceRequest
from tests.unit.wire.oracle import expected, received, sent

VERSIONS = [8, 9, 10, 11]
REQUEST = ProduceRequest(
    [
        ProduceBatch("orders", 0, b"first"),
        ProduceBatch("bills", 3, bytearray(b"second" * 50)),
        ProduceBatch("orders", 1, memoryview(b"third")),
    ],
    timeout_ms=1234,
)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("transactional_id", [None, "t"])
def test_the_request_is_what_kafkas_definition_says(version, transactional_id):
    topic = TheirRequest.TopicProduceData
    theirs = TheirRequest(
        transactional_id=transactional_id,
        acks=-1,
        timeout_ms=1234,
        topic_data=[
            topic(
                name="orders",
                partition_data=[
                    topic.PartitionProduceData(index=0, records=b"first"),
                    topic.PartitionProduceData(index=1, records=b"third"),
                ],
            ),
            topic(name="bills", partition_data=[topic.PartitionProduceData(index=3, records=b"second" * 50)]),
        ],
    )
    ours = ProduceRequest(REQUEST.batches, timeout_ms=1234, transactional_id=transactional_id)
    assert sent(ours, version) == expected(theirs, version)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_answer_is_read_whole(version):
    topic = TheirResponse.TopicProduceResponse
    partition = topic.PartitionProduceResponse
    tags = {}
    if version >= 10:
        tags = {"current_leader": partition.LeaderIdAndEpoch(leader_id=2, leader_epoch=9)}
    theirs = TheirResponse(
        throttle_time_ms=5,
        responses=[
            topic(
                name="orders",
                partition_responses=[
                    partition(index=0, error_code=0, base_offset=70, log_append_time_ms=-1, log_start_offset=4),
                    partition(
                        index=1,
                        error_code=87,
                        base_offset=-1,
                        log_append_time_ms=-1,
                        log_start_offset=-1,
                        record_errors=[
                            partition.BatchIndexAndErrorMessage(batch_index=2, batch_index_error_message="no key"),
                            partition.BatchIndexAndErrorMessage(batch_index=3, batch_index_error_message=None),
                        ],
                        error_message="not valid",
                        **tags,
                    ),
                ],
            )
        ],
    )
    answer = received(REQUEST, version, theirs)
    assert answer.throttle_ms == 5
    assert answer.partitions == (
        ProducedPartition("orders", 0, 0, 70, -1, 4, None),
        ProducedPartition(
            "orders",
            1,
            87,
            -1,
            -1,
            -1,
            "not valid",
            ((2, "no key"), (3, None)),
            (2, 9) if version >= 10 else None,
        ),
    )


def test_two_batches_for_one_partition_are_refused():
    with pytest.raises(ValueError, match="orders has several"):
        sent(ProduceRequest([ProduceBatch("orders", 0, b"a"), ProduceBatch("orders", 0, b"b")]), 9)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_batch_may_come_as_its_header_and_its_records(version):
    whole, apart = b"head" + b"records" * 40, (b"head", memoryview(b"records" * 40))
    one, two = (ProduceRequest([ProduceBatch("orders", 0, batch)]) for batch in (whole, apart))
    assert sent(one, version) == sent(two, version)


def test_a_log_line_does_not_hold_the_records():
    assert "first" not in repr(REQUEST)
