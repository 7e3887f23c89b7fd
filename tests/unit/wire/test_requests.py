"""The small requests, each in each version: the same bytes as Kafka's definitions give, and the answers read back."""

from __future__ import annotations

from uuid import UUID

import pytest
from kafka.protocol import consumer
from kafka.protocol.admin import transactions as admin_transactions
from kafka.protocol.admin.topics import DeleteRecordsRequest as TheirDeleteRequest
from kafka.protocol.admin.topics import DeleteRecordsResponse as TheirDeleteResponse
from kafka.protocol.metadata import find_coordinator as theirs_find
from kafka.protocol.metadata import metadata as theirs_metadata
from kafka.protocol.producer import transaction as theirs_transaction

from pipeline.wire.requests import (
    add_partitions_to_txn,
    delete_records,
    describe_producers,
    end_txn,
    find_coordinator,
    init_producer_id,
    list_offsets,
    metadata,
    offset_for_leader_epoch,
    write_txn_markers,
)
from pipeline.wire.requests.codec import NO_TOPIC_ID
from tests.unit.wire.oracle import expected, received, sent

PARTITIONS = [("orders", 0), ("bills", 3), ("orders", 7)]


@pytest.mark.parametrize("version", range(1, 9))
def test_list_offsets(version):
    ours = list_offsets.ListOffsetsRequest(
        [
            list_offsets.OffsetQuery("orders", 0, list_offsets.LATEST, leader_epoch=4),
            list_offsets.OffsetQuery("orders", 1, 1_700_000_000_000),
        ],
        replica_id=list_offsets.LOG_END,
        isolation=1 if version >= 2 else 0,
    )
    their, answer = consumer.ListOffsetsRequest, consumer.ListOffsetsResponse
    topic = their.ListOffsetsTopic
    asked = [
        topic.ListOffsetsPartition(partition_index=0, current_leader_epoch=4, timestamp=-1),
        topic.ListOffsetsPartition(partition_index=1, current_leader_epoch=-1, timestamp=1_700_000_000_000),
    ]
    theirs = their(replica_id=-2, isolation_level=ours.isolation, topics=[topic(name="orders", partitions=asked)])
    assert sent(ours, version) == expected(theirs, version)
    result = answer.ListOffsetsTopicResponse
    found = result.ListOffsetsPartitionResponse(
        partition_index=1, error_code=0, timestamp=1_700_000_000_009, offset=44, leader_epoch=6
    )
    got = received(ours, version, answer(throttle_time_ms=3, topics=[result(name="orders", partitions=[found])]))
    epoch = 6 if version >= 4 else -1
    assert got == list_offsets.ListOffsetsResponse(
        3 if version >= 2 else 0, (list_offsets.ListedOffset("orders", 1, 0, 1_700_000_000_009, 44, epoch),)
    )


@pytest.mark.parametrize(
    ("timestamp", "isolation", "lowest"),
    [(list_offsets.LATEST, 0, 1), (list_offsets.EARLIEST, 1, 2), (list_offsets.MAX_TIMESTAMP, 0, 7),
     (list_offsets.EARLIEST_LOCAL, 1, 8)],
)  # fmt: skip
def test_list_offsets_asks_for_the_version_that_knows_its_question(timestamp, isolation, lowest):
    query = list_offsets.OffsetQuery("orders", 0, timestamp)
    assert list_offsets.ListOffsetsRequest([query], isolation=isolation).versions() == (lowest, 8)


def test_describe_producers():
    ours = describe_producers.DescribeProducersRequest(PARTITIONS)
    their, answer = admin_transactions.DescribeProducersRequest, admin_transactions.DescribeProducersResponse
    topics = [
        their.TopicRequest(name="orders", partition_indexes=[0, 7]),
        their.TopicRequest(name="bills", partition_indexes=[3]),
    ]
    assert sent(ours, 0) == expected(their(topics=topics), 0)
    result = answer.TopicResponse
    state = result.PartitionResponse.ProducerState(
        producer_id=9,
        producer_epoch=2,
        last_sequence=41,
        last_timestamp=1_700_000_000_000,
        coordinator_epoch=5,
        current_txn_start_offset=-1,
    )
    partitions = [
        result.PartitionResponse(partition_index=0, error_code=0, error_message=None, active_producers=[state]),
        result.PartitionResponse(partition_index=7, error_code=29, error_message="no", active_producers=[]),
    ]
    got = received(ours, 0, answer(throttle_time_ms=0, topics=[result(name="orders", partitions=partitions)]))
    known = describe_producers.ProducerState(9, 2, 41, 1_700_000_000_000, 5, -1)
    assert got.partitions == (
        describe_producers.PartitionProducers("orders", 0, 0, None, (known,)),
        describe_producers.PartitionProducers("orders", 7, 29, "no", ()),
    )
    assert got.partitions[0].find(9) == known and got.partitions[0].find(10) is None


def test_write_txn_markers():
    run = tuple(PARTITIONS)
    ours = write_txn_markers.WriteTxnMarkersRequest(
        [
            write_txn_markers.Marker(9, 2, 64, run),
            write_txn_markers.Marker(9, 2, 128, run),
            write_txn_markers.Marker(8, 32_767, 0, (("orders", 0),), committed=True),
        ]
    )
    their, answer = theirs_transaction.WriteTxnMarkersRequest, theirs_transaction.WriteTxnMarkersResponse
    marker = their.WritableTxnMarker
    topic = marker.WritableTxnMarkerTopic
    topics = [topic(name="orders", partition_indexes=[0, 7]), topic(name="bills", partition_indexes=[3])]
    markers = [
        marker(producer_id=9, producer_epoch=2, transaction_result=False, topics=topics, coordinator_epoch=64),
        marker(producer_id=9, producer_epoch=2, transaction_result=False, topics=topics, coordinator_epoch=128),
        marker(
            producer_id=8,
            producer_epoch=32_767,
            transaction_result=True,
            topics=[topic(name="orders", partition_indexes=[0])],
            coordinator_epoch=0,
        ),
    ]
    assert sent(ours, 1) == expected(their(markers=markers), 1)
    result = answer.WritableTxnMarkerResult
    of_topic = result.WritableTxnMarkerTopicResult
    of_partition = of_topic.WritableTxnMarkerPartitionResult
    theirs = answer(
        markers=[
            result(
                producer_id=9,
                topics=[of_topic(name="orders", partitions=[of_partition(partition_index=0, error_code=52)])],
            )
        ]
    )
    assert received(ours, 1, theirs).results == (write_txn_markers.MarkerResult(9, "orders", 0, 52),)


@pytest.mark.parametrize("version", range(1, 5))
@pytest.mark.parametrize("transactional_id", [None, "link-orders-0"])
def test_init_producer_id(version, transactional_id):
    held = (7, 2) if version >= 3 else (-1, -1)
    ours = init_producer_id.InitProducerIdRequest(transactional_id, 5000, *held)
    theirs = theirs_transaction.InitProducerIdRequest(
        transactional_id=transactional_id, transaction_timeout_ms=5000, producer_id=held[0], producer_epoch=held[1]
    )
    assert sent(ours, version) == expected(theirs, version)
    answer = theirs_transaction.InitProducerIdResponse(
        throttle_time_ms=1, error_code=0, producer_id=2**40, producer_epoch=3
    )
    assert received(ours, version, answer) == init_producer_id.InitProducerIdResponse(1, 0, 2**40, 3)


@pytest.mark.parametrize("version", range(1, 4))
def test_add_partitions_to_txn(version):
    ours = add_partitions_to_txn.AddPartitionsToTxnRequest("t", 7, 2, PARTITIONS)
    their, answer = theirs_transaction.AddPartitionsToTxnRequest, theirs_transaction.AddPartitionsToTxnResponse
    topic = their.AddPartitionsToTxnTopic
    theirs = their(
        v3_and_below_transactional_id="t",
        v3_and_below_producer_id=7,
        v3_and_below_producer_epoch=2,
        v3_and_below_topics=[topic(name="orders", partitions=[0, 7]), topic(name="bills", partitions=[3])],
    )
    assert sent(ours, version) == expected(theirs, version)
    result = answer.AddPartitionsToTxnTopicResult
    of_partition = result.AddPartitionsToTxnPartitionResult
    results = [of_partition(partition_index=0, partition_error_code=51)]
    got = received(
        ours,
        version,
        answer(throttle_time_ms=2, results_by_topic_v3_and_below=[result(name="orders", results_by_partition=results)]),
    )
    assert got.partitions == (add_partitions_to_txn.AddedPartition("orders", 0, 51),)


@pytest.mark.parametrize("version", range(1, 4))
@pytest.mark.parametrize("committed", [False, True])
def test_end_txn(version, committed):
    ours = end_txn.EndTxnRequest("t", 7, 2, committed)
    theirs = theirs_transaction.EndTxnRequest(
        transactional_id="t", producer_id=7, producer_epoch=2, committed=committed
    )
    assert sent(ours, version) == expected(theirs, version)
    answer = theirs_transaction.EndTxnResponse(throttle_time_ms=0, error_code=47)
    assert received(ours, version, answer) == end_txn.EndTxnResponse(0, 47)


@pytest.mark.parametrize("version", range(1, 5))
def test_find_coordinator(version):
    ours = find_coordinator.FindCoordinatorRequest(["t"])
    their, answer = theirs_find.FindCoordinatorRequest, theirs_find.FindCoordinatorResponse
    assert sent(ours, version) == expected(their(key="t", key_type=1, coordinator_keys=["t"]), version)
    found = {"node_id": 3, "host": "b3", "port": 9092, "error_code": 0, "error_message": None}
    theirs = answer(throttle_time_ms=0, coordinators=[answer.Coordinator(key="t", **found)], **found)
    got = received(ours, version, theirs)
    assert got.coordinators == (find_coordinator.Coordinator("t", 3, "b3", 9092, 0, None),)
    assert find_coordinator.FindCoordinatorRequest(["a", "b"]).versions() == (4, 4)


@pytest.mark.parametrize("version", [3, 4])
def test_offset_for_leader_epoch(version):
    ours = offset_for_leader_epoch.OffsetForLeaderEpochRequest(
        [offset_for_leader_epoch.EpochQuery("orders", 2, leader_epoch=5, current_leader_epoch=6)]
    )
    their, answer = consumer.OffsetForLeaderEpochRequest, consumer.OffsetForLeaderEpochResponse
    topic = their.OffsetForLeaderTopic
    asked = topic.OffsetForLeaderPartition(partition=2, current_leader_epoch=6, leader_epoch=5)
    theirs = their(replica_id=-1, topics=[topic(topic="orders", partitions=[asked])])
    assert sent(ours, version) == expected(theirs, version)
    result = answer.OffsetForLeaderTopicResult
    end = result.EpochEndOffset(error_code=0, partition=2, leader_epoch=4, end_offset=1234)
    got = received(ours, version, answer(throttle_time_ms=0, topics=[result(topic="orders", partitions=[end])]))
    assert got.partitions == (offset_for_leader_epoch.EpochEnd("orders", 2, 0, 4, 1234),)


@pytest.mark.parametrize("version", [1, 2])
def test_delete_records(version):
    ours = delete_records.DeleteRecordsRequest([delete_records.DeleteUpTo("orders", 1, 500)], timeout_ms=99)
    topic = TheirDeleteRequest.DeleteRecordsTopic
    asked = topic(name="orders", partitions=[topic.DeleteRecordsPartition(partition_index=1, offset=500)])
    assert sent(ours, version) == expected(TheirDeleteRequest(topics=[asked], timeout_ms=99), version)
    result = TheirDeleteResponse.DeleteRecordsTopicResult
    done = result.DeleteRecordsPartitionResult(partition_index=1, low_watermark=500, error_code=0)
    answer = TheirDeleteResponse(throttle_time_ms=0, topics=[result(name="orders", partitions=[done])])
    assert received(ours, version, answer).partitions == (delete_records.DeletedPartition("orders", 1, 500, 0),)


@pytest.mark.parametrize("version", range(8, 13))
@pytest.mark.parametrize("topics", [None, [], ["orders", "bills"]])
@pytest.mark.parametrize("authorized", [False, True])
def test_metadata_asks(version, topics, authorized):
    ours = metadata.MetadataRequest(topics, authorized_operations=authorized)
    their = theirs_metadata.MetadataRequest
    theirs = their(
        topics=None if topics is None else [their.MetadataRequestTopic(name=name) for name in topics],
        allow_auto_topic_creation=False,
        include_cluster_authorized_operations=False,
        include_topic_authorized_operations=authorized,
    )
    assert sent(ours, version) == expected(theirs, version)


def test_metadata_asks_by_id():
    topic_id = UUID(int=5)
    their = theirs_metadata.MetadataRequest
    theirs = their(
        topics=[their.MetadataRequestTopic(topic_id=topic_id, name=None)],
        allow_auto_topic_creation=False,
        include_topic_authorized_operations=False,
    )
    assert sent(metadata.MetadataRequest(topic_ids=[topic_id]), 12) == expected(theirs, 12)


@pytest.mark.parametrize("version", range(8, 13))
def test_metadata_answers(version):
    answer = theirs_metadata.MetadataResponse
    topic = answer.MetadataResponseTopic
    partition = topic.MetadataResponsePartition(
        error_code=0,
        partition_index=4,
        leader_id=2,
        leader_epoch=7,
        replica_nodes=[2, 3],
        isr_nodes=[2],
        offline_replicas=[3],
    )
    theirs = answer(
        throttle_time_ms=1,
        brokers=[
            answer.MetadataResponseBroker(node_id=2, host="b2", port=9092, rack="a"),
            answer.MetadataResponseBroker(node_id=3, host="b3", port=9093, rack=None),
        ],
        cluster_id="c1",
        controller_id=3,
        topics=[topic(error_code=0, name="orders", topic_id=UUID(int=9), is_internal=False, partitions=[partition])],
    )
    got = received(metadata.MetadataRequest(["orders"]), version, theirs)
    assert got.brokers == (metadata.Broker(2, "b2", 9092, "a"), metadata.Broker(3, "b3", 9093, None))
    assert (got.throttle_ms, got.cluster_id, got.controller_id) == (1, "c1", 3)
    (found,) = got.topics
    assert found.topic == "orders" and found.topic_id == (UUID(int=9) if version >= 10 else NO_TOPIC_ID)
    assert found.partitions == (metadata.PartitionMetadata(4, 0, 2, 7, (2, 3), (2,), (3,)),)
