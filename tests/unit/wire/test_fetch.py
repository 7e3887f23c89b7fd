"""Fetch in each version: the same bytes as Kafka's definitions give, and answers without copies."""

from __future__ import annotations

from io import BytesIO
from uuid import UUID

import pytest
from kafka.protocol.consumer.fetch import FetchRequest as TheirRequest
from kafka.protocol.consumer.fetch import FetchResponse as TheirResponse

from pipeline.wire.errors import UnsupportedByBroker
from pipeline.wire.requests.codec import NO_TOPIC_ID
from pipeline.wire.requests.fetch import FetchedPartition, FetchPartition, FetchRequest, ForgottenPartition
from tests.unit.wire.oracle import expected, frame, prepared, received, sent

A, B = UUID(int=0xA), UUID(int=0xB)
NAMES = {A: "orders", B: "gone"}
VERSIONS = [11, 12, 13]


def request(version: int) -> FetchRequest:
    return FetchRequest(
        [
            FetchPartition("orders", 0, 100, A, max_bytes=1000, leader_epoch=3),
            FetchPartition("orders", 2, 5, A, max_bytes=2000, last_fetched_epoch=1 if version >= 12 else -1),
        ],
        max_wait_ms=250,
        min_bytes=2,
        max_bytes=1 << 20,
        session_id=99,
        session_epoch=4,
        forgotten=[ForgottenPartition("gone", 1, B), ForgottenPartition("gone", 4, B)],
        names=NAMES if version >= 13 else {},
        rack_id="r1",
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_the_request_is_what_kafkas_definition_says(version):
    topic, gone = ("topic", "orders"), ("topic", "gone")
    if version >= 13:
        topic, gone = ("topic_id", A), ("topic_id", B)
    theirs = TheirRequest(
        replica_id=-1,
        max_wait_ms=250,
        min_bytes=2,
        max_bytes=1 << 20,
        isolation_level=1,
        session_id=99,
        session_epoch=4,
        topics=[
            TheirRequest.FetchTopic(
                **dict([topic]),
                partitions=[
                    TheirRequest.FetchTopic.FetchPartition(
                        partition=0, current_leader_epoch=3, fetch_offset=100, partition_max_bytes=1000
                    ),
                    TheirRequest.FetchTopic.FetchPartition(
                        partition=2,
                        current_leader_epoch=-1,
                        fetch_offset=5,
                        last_fetched_epoch=1,
                        partition_max_bytes=2000,
                    ),
                ],
            )
        ],
        forgotten_topics_data=[TheirRequest.ForgottenTopic(**dict([gone]), partitions=[1, 4])],
        rack_id="r1",
    )
    assert sent(request(version), version) == expected(theirs, version)


def their_answer(version: int, records: bytes | None) -> TheirResponse:
    partition = TheirResponse.FetchableTopicResponse.PartitionData
    tags = {}
    if version >= 12:
        tags = {
            "diverging_epoch": partition.EpochEndOffset(epoch=2, end_offset=50),
            "current_leader": partition.LeaderIdAndEpoch(leader_id=3, leader_epoch=8),
            "snapshot_id": partition.SnapshotId(end_offset=1, epoch=1),
        }
    return TheirResponse(
        throttle_time_ms=7,
        error_code=0,
        session_id=99,
        responses=[
            TheirResponse.FetchableTopicResponse(
                topic="orders",
                topic_id=A,
                partitions=[
                    partition(
                        partition_index=0,
                        error_code=0,
                        high_watermark=200,
                        last_stable_offset=190,
                        log_start_offset=10,
                        aborted_transactions=[
                            partition.AbortedTransaction(producer_id=4, first_offset=110),
                            partition.AbortedTransaction(producer_id=5, first_offset=120),
                        ],
                        preferred_read_replica=-1,
                        records=records,
                    ),
                    partition(
                        partition_index=1,
                        error_code=1,
                        high_watermark=-1,
                        last_stable_offset=-1,
                        log_start_offset=-1,
                        aborted_transactions=None,
                        preferred_read_replica=2,
                        records=None,
                        **tags,
                    ),
                ],
            )
        ],
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_the_answer_is_read_whole(version):
    answer = received(request(version), version, their_answer(version, b"closed batches"))
    assert (answer.throttle_ms, answer.error_code, answer.session_id) == (7, 0, 99)
    topic_id = A if version >= 13 else NO_TOPIC_ID
    assert answer.partitions == (
        FetchedPartition(
            "orders", topic_id, 0, 0, 200, 190, 10, ((4, 110), (5, 120)), -1, memoryview(b"closed batches")
        ),
        FetchedPartition(
            "orders",
            topic_id,
            1,
            1,
            -1,
            -1,
            -1,
            (),
            2,
            memoryview(b""),
            diverging=(2, 50) if version >= 12 else None,
            leader=(3, 8) if version >= 12 else None,
        ),
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_records_are_a_view_of_the_bytes_that_came(version):
    raw = frame(their_answer(version, b"r" * 1000), version)
    ready = prepared(request(version), version)
    buffer = BytesIO(raw)
    ready.parse_response_header(buffer)
    records = ready.RESPONSE_TYPE.decode(buffer).partitions[0].records
    assert records.obj is raw and records == b"r" * 1000


def test_an_answer_for_a_topic_that_was_forgotten_has_no_name():
    theirs = their_answer(13, None)
    theirs.responses[0].topic_id = UUID(int=1)
    assert received(request(13), 13, theirs).partitions[0].topic == ""


def test_ids_are_used_where_both_sides_have_them():
    """KIP-516: v13 knows only ids, so a session without them stays at v12."""
    by_id, by_name = request(13), FetchRequest([FetchPartition("orders", 0, 0)])
    assert by_id.prepare({1: (4, 17)}).version == 13
    assert by_id.prepare({1: (0, 12)}).version == 12
    assert by_name.prepare({1: (4, 17)}).version == 12
    assert by_name.prepare({1: (0, 11)}).version == 11
    with pytest.raises(ValueError, match="id of every topic"):
        FetchRequest([FetchPartition("orders", 0, 0)], names=NAMES).prepare({1: (4, 17)})


def test_a_last_fetched_epoch_needs_version_12():
    asked = FetchRequest([FetchPartition("orders", 0, 0, last_fetched_epoch=0)])
    with pytest.raises(UnsupportedByBroker, match=r"Fetch \(API 1\) is needed in a version from 12 to 12"):
        asked.prepare({1: (0, 11)})
