"""A broker made of scripts that leads one partition, of a mirror or of a source, and gives the answers it was told to
give first.
"""

from __future__ import annotations

from typing import Any

from kafka.protocol.admin import DeleteRecordsResponse, DescribeProducersResponse
from kafka.protocol.consumer import FetchRequest, FetchResponse, ListOffsetsRequest
from kafka.protocol.producer import (
    InitProducerIdResponse,
    ProduceRequest,
    WriteTxnMarkersRequest,
    WriteTxnMarkersResponse,
)

from pipeline.mirror.verdicts import Api
from pipeline.wire.batch import scan
from pipeline.wire.records import open_batch
from tests.unit.cluster.fake_broker import FakeBroker
from tests.unit.mirror.answers import fetch_answer, offsets_answer, produce_answer

INIT_PRODUCER_ID, UNKNOWN_CODE, PRODUCER_ID = 22, 199, 77
CODES = (*range(-1, 130), UNKNOWN_CODE)


class ScriptedLeader(FakeBroker):
    """Leads one partition as a broker would, but for the answers that it was told to give first."""

    def __init__(self) -> None:
        super().__init__({0: (8, 8), 2: (1, 8), 3: (1, 12), 18: (0, 0), 21: (1, 2), 22: (0, 4), 27: (1, 1), 61: (0, 0)})
        self.first: dict[int, list[int]] = {}
        self.log_end, self.log_start = 0, 0
        self.values: dict[int, bytes | None] = {}
        """What each record that was taken holds, by offset."""
        self.state: tuple[int, int, int] | None = None
        self.answers |= {
            Api.PRODUCE.value: self._produce,
            Api.LIST_OFFSETS.value: self._list_offsets,
            Api.DELETE_RECORDS.value: self._delete,
            Api.WRITE_TXN_MARKERS.value: self._mark,
            Api.DESCRIBE_PRODUCERS.value: self._describe,
            INIT_PRODUCER_ID: self._producer_id,
        }

    def _code(self, api: Api) -> int:
        told = self.first.get(api.value)
        return told.pop(0) if told else 0

    def _produce(self, version: int, frame: bytes) -> Any:
        asked = ProduceRequest.decode(memoryview(frame), version=version, header=True)
        topic = asked.topic_data[0]
        code, base = self._code(Api.PRODUCE), self.log_end
        if code == 0:
            records = memoryview(bytes(topic.partition_data[0].records))
            (header,) = scan(records)
            self.values |= {base + record.offset: record.value for record in open_batch(records, header)}
            self.log_end += header.count
            self.state = (header.producer_epoch, header.base_sequence + header.count - 1, -1)
        return produce_answer(topic.name, code, base)

    def _list_offsets(self, version: int, frame: bytes) -> Any:
        asked = ListOffsetsRequest.decode(memoryview(frame), version=version, header=True)
        return offsets_answer(asked.topics[0], self._code(Api.LIST_OFFSETS), self.log_end, self.log_end)

    def _delete(self, version: int, frame: bytes) -> Any:
        kind = DeleteRecordsResponse.DeleteRecordsTopicResult
        found = kind.DeleteRecordsPartitionResult(
            partition_index=0, low_watermark=0, error_code=self._code(Api.DELETE_RECORDS)
        )
        return DeleteRecordsResponse(throttle_time_ms=0, topics=[kind(name="m", partitions=[found])])

    def _mark(self, version: int, frame: bytes) -> Any:
        asked = WriteTxnMarkersRequest.decode(memoryview(frame), version=version, header=True)
        code = self._code(Api.WRITE_TXN_MARKERS)
        for marker in asked.markers if not code else ():
            self.log_end += 1
            epoch, sequence, _ = self.state or (0, -1, -1)
            sequence = sequence if epoch == marker.producer_epoch else -1
            self.state = (marker.producer_epoch, sequence, marker.coordinator_epoch)
        kind = WriteTxnMarkersResponse.WritableTxnMarkerResult
        topic = kind.WritableTxnMarkerTopicResult
        place = topic.WritableTxnMarkerPartitionResult(partition_index=0, error_code=code)
        results = [
            kind(producer_id=marker.producer_id, topics=[topic(name="m", partitions=[place])])
            for marker in asked.markers
        ]
        return WriteTxnMarkersResponse(markers=results)

    def _describe(self, version: int, frame: bytes) -> Any:
        code = self._code(Api.DESCRIBE_PRODUCERS)
        kind = DescribeProducersResponse.TopicResponse
        part = kind.PartitionResponse
        states = []
        if self.state is not None:
            epoch, sequence, coordinator = self.state
            states = [
                part.ProducerState(
                    producer_id=PRODUCER_ID,
                    producer_epoch=epoch,
                    last_sequence=sequence,
                    last_timestamp=0,
                    coordinator_epoch=coordinator,
                    current_txn_start_offset=-1,
                )
            ]
        found = part(partition_index=0, error_code=code, error_message=None, active_producers=[] if code else states)
        return DescribeProducersResponse(throttle_time_ms=0, topics=[kind(name="m", partitions=[found])])

    def _producer_id(self, version: int, frame: bytes) -> Any:
        return InitProducerIdResponse(throttle_time_ms=0, error_code=0, producer_id=PRODUCER_ID, producer_epoch=0)


class ScriptedSource(FakeBroker):
    """Serves a log of batches of one record each; keeps no fetch sessions."""

    def __init__(self, batches: list[bytes]) -> None:
        super().__init__({1: (11, 12), 2: (1, 8), 3: (1, 12), 18: (0, 0)})
        self.batches = batches
        self.first: list[int] = []
        """Codes of the partition in the answers to the next fetches."""
        self.first_of_all: list[int] = []
        """Codes of the whole answer to the next fetches."""
        self.first_ends: list[int] = []
        """Codes of the answers to the next questions for offsets."""
        self.served: list[int] = []
        """Offsets of the batches that were given, as often as they were."""
        self.answers |= {Api.FETCH.value: self._fetch, Api.LIST_OFFSETS.value: self._list_offsets}

    def _fetch(self, version: int, frame: bytes) -> Any:
        asked = FetchRequest.decode(memoryview(frame), version=version, header=True)
        if self.first_of_all and (code := self.first_of_all.pop(0)):
            return FetchResponse(throttle_time_ms=0, error_code=code, session_id=0, responses=[])
        topic = asked.topics[0]
        offset = topic.partitions[0].fetch_offset
        code = self.first.pop(0) if self.first else 0
        end = len(self.batches)
        if not code and offset < end:
            self.served.append(offset)
        return fetch_answer(topic.topic, code, end, b"" if code or offset >= end else self.batches[offset])

    def _list_offsets(self, version: int, frame: bytes) -> Any:
        asked = ListOffsetsRequest.decode(memoryview(frame), version=version, header=True).topics[0]
        return offsets_answer(asked, self.first_ends.pop(0) if self.first_ends else 0, 0, len(self.batches))
