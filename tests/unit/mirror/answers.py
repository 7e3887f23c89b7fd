"""Answers about one partition, as scripted brokers give them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kafka.protocol.consumer import FetchResponse, ListOffsetsResponse
from kafka.protocol.producer import ProduceResponse

from pipeline.wire.requests.list_offsets import EARLIEST


def fetch_answer(topic: str, code: int, end: int, records: bytes, aborted: Iterable[tuple[int, int]] = ()) -> Any:
    """`end`: of the log, nothing of which is open; `aborted`: (producer id, first offset) each."""
    kind = FetchResponse.FetchableTopicResponse
    transaction = kind.PartitionData.AbortedTransaction
    found = kind.PartitionData(
        partition_index=0,
        error_code=code,
        high_watermark=end,
        last_stable_offset=end,
        log_start_offset=0,
        aborted_transactions=[transaction(producer_id=who, first_offset=first) for who, first in aborted],
        preferred_read_replica=-1,
        records=records,
    )
    return FetchResponse(
        throttle_time_ms=0, error_code=0, session_id=0, responses=[kind(topic=topic, partitions=[found])]
    )


def produce_answer(topic: str, code: int, base_offset: int) -> Any:
    """To a Produce of one batch."""
    kind = ProduceResponse.TopicProduceResponse
    told = kind.PartitionProduceResponse(
        index=0,
        error_code=code,
        base_offset=-1 if code else base_offset,
        log_append_time_ms=-1,
        log_start_offset=0,
        record_errors=[],
        error_message=None,
    )
    return ProduceResponse(responses=[kind(name=topic, partition_responses=[told])], throttle_time_ms=0)


def offsets_answer(asked: Any, code: int, start: int, end: int) -> Any:
    """`asked`: the topic of the request; the log begins at `start` and ends at `end`."""
    kind = ListOffsetsResponse.ListOffsetsTopicResponse
    found = kind.ListOffsetsPartitionResponse(
        partition_index=0,
        error_code=code,
        timestamp=-1,
        offset=start if asked.partitions[0].timestamp == EARLIEST else end,
        leader_epoch=0,
    )
    return ListOffsetsResponse(throttle_time_ms=0, topics=[kind(name=asked.name, partitions=[found])])
