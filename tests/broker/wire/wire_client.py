"""A real cluster through our own requests alone: one call per thing that a test wants to know or do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from aiokafka.client import AIOKafkaClient

from pipeline.local.cluster import LocalCluster
from pipeline.wire.batch import BatchHeader, Stamp, scan
from pipeline.wire.records import Record, close_batch, open_batch
from pipeline.wire.requests.base import Request
from pipeline.wire.requests.describe_producers import DescribeProducersRequest, ProducerState
from pipeline.wire.requests.fetch import FetchedPartition, FetchPartition, FetchRequest
from pipeline.wire.requests.init_producer_id import InitProducerIdRequest
from pipeline.wire.requests.list_offsets import LATEST, LOG_END, ListOffsetsRequest, OffsetQuery
from pipeline.wire.requests.metadata import MetadataRequest, TopicMetadata
from pipeline.wire.requests.produce import ProduceBatch, ProducedPartition, ProduceRequest
from pipeline.wire.requests.write_txn_markers import Marker, WriteTxnMarkersRequest
from tests.support.clients import create_topic

R = TypeVar("R")
TIMEOUT_S = 90.0


class WireClient:
    """Sends to broker 1, which leads every partition of a one-broker cluster."""

    def __init__(self, cluster: LocalCluster, client: AIOKafkaClient) -> None:
        self.cluster = cluster
        self.client = client

    async def send(self, request: Request[R], node_id: int = 1) -> R:
        answer: R = await self.client.send(node_id, request)
        return answer

    async def create(self, topic: str, partitions: int = 1, **configs: str) -> None:
        """Make a topic, config names with underscores for dots, and wait until it can be used."""
        await asyncio.to_thread(create_topic, self.cluster, topic, partitions, **configs)
        await self.wait_for(topic, partitions)

    async def metadata(self, topic: str) -> TopicMetadata:
        return (await self.send(MetadataRequest([topic]))).topics[0]

    async def new_producer(self) -> int:
        """A producer id that nobody else has."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            answer = await self.send(InitProducerIdRequest())
            if answer.error_code == 0:
                return answer.producer_id
            assert time.monotonic() < deadline, answer
            await asyncio.sleep(0.05)  # the broker fetches its block of ids

    async def produce(
        self, topic: str, batch: bytes | bytearray, partition: int = 0, acks: int = -1, node_id: int = 1
    ) -> ProducedPartition:
        request = ProduceRequest([ProduceBatch(topic, partition, batch)], acks=acks)
        return (await self.send(request, node_id)).partitions[0]

    async def mark(self, topic: str, *markers: tuple[int, int, int]) -> list[int]:
        """Write markers (producer id, epoch, coordinator epoch); returns the error codes that came."""
        asked = [Marker(pid, epoch, coordinator, ((topic, 0),)) for pid, epoch, coordinator in markers]
        answer = await self.send(WriteTxnMarkersRequest(asked))
        return [result.error_code for result in answer.results]

    async def producer(self, topic: str, producer_id: int) -> ProducerState | None:
        answer = await self.send(DescribeProducersRequest([(topic, 0)]))
        assert answer.partitions[0].error_code == 0
        return answer.partitions[0].find(producer_id)

    async def chain(self, topic: str, producer_id: int) -> tuple[int, int, int]:
        """(epoch, last sequence, coordinator epoch) of a producer that the leader knows."""
        state = await self.producer(topic, producer_id)
        assert state is not None
        return state.epoch, state.last_sequence, state.coordinator_epoch

    async def end(self, topic: str, replica_id: int = LOG_END, partition: int = 0, timestamp: int = LATEST) -> int:
        request = ListOffsetsRequest([OffsetQuery(topic, partition, timestamp)], replica_id)
        (found,) = (await self.send(request)).partitions
        assert found.error_code == 0, found
        return found.offset

    async def wait_for(self, topic: str, partitions: int = 1) -> None:
        """Return when broker 1 leads these partitions: a topic that was just made may not have reached it yet."""
        deadline = time.monotonic() + TIMEOUT_S
        request = ListOffsetsRequest([OffsetQuery(topic, partition) for partition in range(partitions)])
        while any(found.error_code for found in (await self.send(request)).partitions):
            assert time.monotonic() < deadline, f"broker 1 does not lead all of {topic}"
            await asyncio.sleep(0.02)

    async def fetch(self, topic: str, offset: int = 0, partition: int = 0, **more: int) -> FetchedPartition:
        request = FetchRequest([FetchPartition(topic, partition, offset, max_bytes=50 << 20)], max_wait_ms=100, **more)
        answer = await self.send(request)
        assert answer.error_code == 0, answer
        return answer.partitions[0]

    async def headers(self, topic: str) -> list[BatchHeader]:
        return scan((await self.fetch(topic, isolation=0)).records)

    async def records(self, topic: str) -> list[Record]:
        """What a consumer sees of the partition, as far as one fetch goes."""
        fetched = await self.fetch(topic)
        headers = [header for header in scan(fetched.records) if not header.is_control]
        return [record for header in headers for record in open_batch(fetched.records, header)]


@asynccontextmanager
async def connected(cluster: LocalCluster, **more: object) -> AsyncIterator[WireClient]:
    """A client for this cluster, closed at the end of the block."""
    client = AIOKafkaClient(bootstrap_servers=cluster.bootstrap_servers, **more)
    await client.bootstrap()
    try:
        yield WireClient(cluster, client)
    finally:
        await client.close()


def data(producer_id: int, epoch: int, sequence: int, values: Sequence[bytes] = (b"v",)) -> bytes:
    """A batch of records, as producer (id, epoch) sends it with this sequence."""
    now = int(time.time() * 1000)
    records = [Record(n, now, b"k", value) for n, value in enumerate(values)]
    return close_batch(records, 0, Stamp(producer_id, epoch, sequence))
