"""The mirror's leader, which judges as a broker does (`leader_model`) and loses requests and answers by dice."""

from __future__ import annotations

from random import Random
from typing import Any

from kafka.protocol.consumer import FetchRequest, ListOffsetsRequest
from kafka.protocol.producer import ProduceRequest, WriteTxnMarkersRequest, WriteTxnMarkersResponse

from pipeline.mirror.verdicts import Api
from pipeline.wire.batch import Stamp, scan
from pipeline.wire.records import ControlType, Record, close_batch, open_batch
from tests.fuzz.logs import marker
from tests.unit.cluster.fake_broker import HANG_UP
from tests.unit.mirror.answers import fetch_answer, offsets_answer, produce_answer
from tests.unit.mirror.leader_model import Leader
from tests.unit.mirror.scripted import PRODUCER_ID, ScriptedLeader
from tests.unit.wire.batches import stored

TROUBLE = 0.12
"""Of the requests, how many go wrong: a third is lost, of a third the answer, a third is told a code."""
REFUSED = {Api.PRODUCE: (2, 6, 19), Api.WRITE_TXN_MARKERS: (6,), Api.DESCRIBE_PRODUCERS: (6,), Api.LIST_OFFSETS: (6,)}
"""What was asked for was not done."""
APPENDED = (6, 7, 20)
"""Codes for what was appended all the same."""
OUT_OF_RANGE = 1
OURS = Stamp(PRODUCER_ID, 0, 0)


class TroublesomeLeader(ScriptedLeader):
    """Leads one partition, and remembers every record that was appended to it."""

    def __init__(self, dice: Random) -> None:
        super().__init__()
        self.trouble = TROUBLE
        self.records: dict[int, Record] = {}
        self._dice = dice
        self._model = Leader(0)
        self.versions[Api.FETCH.value] = (11, 12)
        self.answers[Api.FETCH.value] = self._fetch

    def _answer(self, key: int, version: int, frame: bytes) -> Any:
        if key not in {api.value for api in REFUSED}:
            return super()._answer(key, version, frame)
        thrown = self._dice.random() / (self.trouble / 3) if self.trouble else 3.0
        if thrown < 1:
            return HANG_UP
        answer = super()._answer(key, version, frame)
        return HANG_UP if thrown < 2 else answer

    def _code(self, api: Api) -> int:
        return self._dice.choice(REFUSED[api]) if self._dice.random() < self.trouble / 6 else 0

    def _produce(self, version: int, frame: bytes) -> Any:
        asked = ProduceRequest.decode(memoryview(frame), version=version, header=True).topic_data[0]
        code, base = self._code(Api.PRODUCE), -1
        if not code:
            records = memoryview(bytes(asked.partition_data[0].records))
            (header,) = scan(records)
            end = self._model.log_end
            added = range(end, end + header.count)
            code, base = self._model.produce(header.producer_id, header.producer_epoch, header.base_sequence, added)
            if self._model.log_end > end:
                for record in open_batch(records, header):
                    self.records[end + record.offset] = record._replace(offset=end + record.offset)
                if self._dice.random() < self.trouble / 6:
                    code = self._dice.choice(APPENDED)
            self._has_changed()
        return produce_answer(asked.name, code, base)

    def _mark(self, version: int, frame: bytes) -> Any:
        asked = WriteTxnMarkersRequest.decode(memoryview(frame), version=version, header=True)
        kind = WriteTxnMarkersResponse.WritableTxnMarkerResult
        topic = kind.WritableTxnMarkerTopicResult
        refusal, results = self._code(Api.WRITE_TXN_MARKERS), []
        for each in asked.markers:
            code = refusal or self._model.mark(each.producer_id, each.producer_epoch, each.coordinator_epoch)
            place = topic.WritableTxnMarkerPartitionResult(partition_index=0, error_code=code)
            results.append(kind(producer_id=each.producer_id, topics=[topic(name="m", partitions=[place])]))
        self._has_changed()
        return WriteTxnMarkersResponse(markers=results)

    def _fetch(self, version: int, frame: bytes) -> Any:
        """One batch at a time: of one record, or a marker."""
        asked = FetchRequest.decode(memoryview(frame), version=version, header=True).topics[0]
        offset, found, code = asked.partitions[0].fetch_offset, b"", 0
        if not 0 <= offset <= self.log_end:
            code = OUT_OF_RANGE
        elif offset in self.records:
            found = bytes(stored(close_batch([self.records[offset]], 0, OURS), offset))
        elif offset < self.log_end:
            found = bytes(marker(offset, ControlType.ABORT, OURS))
        return fetch_answer(asked.topic, code, self.log_end, found)

    def _list_offsets(self, version: int, frame: bytes) -> Any:
        asked = ListOffsetsRequest.decode(memoryview(frame), version=version, header=True).topics[0]
        return offsets_answer(asked, self._code(Api.LIST_OFFSETS), 0, self.log_end)

    def _has_changed(self) -> None:
        self.log_end, self.state = self._model.log_end, self._model.read(PRODUCER_ID).state
