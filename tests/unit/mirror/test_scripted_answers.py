"""Every error code of every API that writes or reads a mirror's log, answered once by a broker made of scripts: whether
the work goes on and ends exactly once, or the mirror fails with the code of the table (I4).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from kafka.protocol.admin import DeleteRecordsResponse, DescribeProducersResponse
from kafka.protocol.consumer import ListOffsetsRequest, ListOffsetsResponse
from kafka.protocol.producer import (
    InitProducerIdResponse,
    ProduceRequest,
    ProduceResponse,
    WriteTxnMarkersRequest,
    WriteTxnMarkersResponse,
)

from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import ClusterError
from pipeline.cluster.security import ClientSecurity
from pipeline.link.errors import MirrorFailure
from pipeline.mirror.appending import Appender, Doubt
from pipeline.mirror.destination import Destination
from pipeline.mirror.pieces import Piece, PieceStatus
from pipeline.mirror.repairing import Repair
from pipeline.mirror.verdicts import Api, Verdict, judge
from pipeline.wire.batch import scan
from tests.support.appenders import SharedRegistrar, put
from tests.unit.cluster.fake_broker import FakeBroker

INIT_PRODUCER_ID, UNKNOWN_CODE, PRODUCER_ID = 22, 199, 77
CODES = (*range(-1, 130), UNKNOWN_CODE)
RECORDS = 3


class ScriptedLeader(FakeBroker):
    """Leads one partition as a broker would, but for the answers that it was told to give first."""

    def __init__(self) -> None:
        super().__init__({0: (8, 8), 2: (1, 8), 3: (1, 12), 18: (0, 0), 21: (1, 2), 22: (0, 4), 27: (1, 1), 61: (0, 0)})
        self.first: dict[int, list[int]] = {}
        self.log_end, self.log_start = 0, 0
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
            (header,) = scan(memoryview(bytes(topic.partition_data[0].records)))
            self.log_end += header.count
            self.state = (header.producer_epoch, header.base_sequence + header.count - 1, -1)
        kind = ProduceResponse.TopicProduceResponse
        return ProduceResponse(
            responses=[
                kind(
                    name=topic.name,
                    partition_responses=[
                        kind.PartitionProduceResponse(
                            index=0,
                            error_code=code,
                            base_offset=-1 if code else base,
                            log_append_time_ms=-1,
                            log_start_offset=0,
                            record_errors=[],
                            error_message=None,
                        )
                    ],
                )
            ],
            throttle_time_ms=0,
        )

    def _list_offsets(self, version: int, frame: bytes) -> Any:
        asked = ListOffsetsRequest.decode(memoryview(frame), version=version, header=True)
        kind = ListOffsetsResponse.ListOffsetsTopicResponse
        found = kind.ListOffsetsPartitionResponse(
            partition_index=0,
            error_code=self._code(Api.LIST_OFFSETS),
            timestamp=-1,
            offset=self.log_end,
            leader_epoch=0,
        )
        return ListOffsetsResponse(throttle_time_ms=0, topics=[kind(name=asked.topics[0].name, partitions=[found])])

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


@pytest.fixture
async def leader() -> AsyncIterator[ScriptedLeader]:
    async with ScriptedLeader() as scripted:
        yield scripted


@pytest.fixture
async def writer(leader: ScriptedLeader, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Appender]:
    async def repaired(self: Destination, topic: str, needed: Repair) -> None:
        """Its own tests: test_repairing."""

    monkeypatch.setattr(Destination, "repair", repaired)
    client = DataClient(ClientSecurity((leader.address,), retry_backoff_ms=1, reconnect_backoff_ms=1))
    await client.start()
    destination = Destination(client, 1 << 20, _may_mark, "tests")
    piece = Piece("link", "m", "m", 0, "", "", 0)
    yield Appender(piece, destination, SharedRegistrar(), PieceStatus(piece, "worker"))
    await destination.close()
    await client.close()


async def _may_mark() -> bool:
    return True


async def write_all(writer: Appender, *, marks: bool) -> None:
    """As a copier does: begin again after every doubt; raises what the mirror fails with."""
    async with asyncio.timeout(20):
        while True:
            try:
                at = await writer.resume()
                while at < RECORDS:
                    if marks:
                        await writer.markers(at, at)
                    else:
                        await put(writer, at)
                    at += 1
                await writer.settled()
                return
            except (Doubt, ClusterError):
                await asyncio.sleep(0.001)


@pytest.mark.parametrize("api", [Api.PRODUCE, Api.WRITE_TXN_MARKERS, Api.LIST_OFFSETS, Api.DESCRIBE_PRODUCERS])
async def test_each_code_once(leader: ScriptedLeader, writer: Appender, api: Api) -> None:
    """Codes that pass, one after the other, on one mirror: what is there in the end is there exactly once."""
    passing = [code for code in CODES if judge(api, code, remote=False).failure is None and code]
    passing = [code for code in passing if judge(api, code, remote=False).verdict is not Verdict.SPLIT]
    assert passing
    leader.first[api.value] = passing
    await write_all(writer, marks=api is Api.WRITE_TXN_MARKERS)
    assert leader.log_end == RECORDS
    assert leader.first[api.value] == []


@pytest.mark.parametrize("code", [code for code in CODES if judge(Api.PRODUCE, code).failure is not None])
async def test_a_code_that_does_not_pass_fails_the_mirror(leader: ScriptedLeader, writer: Appender, code: int) -> None:
    leader.first[Api.PRODUCE.value] = [code]
    with pytest.raises(MirrorFailure) as raised:
        await write_all(writer, marks=False)
    assert raised.value.code is judge(Api.PRODUCE, code).error
    assert leader.log_end == 0


@pytest.mark.parametrize("api", [Api.WRITE_TXN_MARKERS, Api.LIST_OFFSETS, Api.DESCRIBE_PRODUCERS])
async def test_a_code_that_nobody_knows_fails_the_mirror(leader: ScriptedLeader, writer: Appender, api: Api) -> None:
    leader.first[api.value] = [UNKNOWN_CODE]
    with pytest.raises(MirrorFailure, match=f"unknown error code {UNKNOWN_CODE} from {api.name}"):
        await write_all(writer, marks=True)


@pytest.mark.parametrize("code", [code for code in CODES if code])
async def test_deleting_records(leader: ScriptedLeader, writer: Appender, code: int) -> None:
    leader.first[Api.DELETE_RECORDS.value] = [code]
    fails = judge(Api.DELETE_RECORDS, code).failure is not None
    with pytest.raises(MirrorFailure if fails else ClusterError):
        await writer.delete_below(1)
    await writer.delete_below(1)
