"""The batches of a partition of a real cluster, as they are in its log: closed, control batches included."""

from __future__ import annotations

import asyncio
import time

from pipeline.local.cluster import LocalCluster
from pipeline.wire.batch import BatchHeader, Stamp, scan
from pipeline.wire.records import Record, close_batch
from pipeline.wire.requests.produce import ProduceBatch, ProduceRequest
from tests.broker.wire.wire_client import connected


async def batches_of(cluster: LocalCluster, topic: str, partition: int = 0, start: int = 0) -> list[BatchHeader]:
    """The headers of every batch from the one that holds offset `start` on; their positions mean nothing here."""
    found: list[BatchHeader] = []
    async with connected(cluster) as client:
        end = await client.end(topic, partition=partition)
        while start < end:
            headers = scan((await client.fetch(topic, start, partition, isolation=0)).records, check_crc=False)
            if not headers:
                break
            found += headers
            start = headers[-1].next_offset
    return found


NOBODY = Stamp(-1, -1, -1)
"""A producer that is not idempotent."""


async def produce_batches(cluster: LocalCluster, topic: str, batches: list[list[bytes]], in_flight: int = 5) -> None:
    """Append ready-made batches, those of partition p in `batches[p]`: one of each partition goes in a request."""
    async with connected(cluster) as client:
        await client.wait_for(topic, len(batches))
        free = asyncio.Semaphore(in_flight)

        async def send(request: ProduceRequest) -> None:
            try:
                answer = await client.send(request)
                assert not any(p.error_code for p in answer.partitions), answer
            finally:
                free.release()

        async with asyncio.TaskGroup() as tasks:
            for turn in range(max(len(each) for each in batches)):
                ready = [ProduceBatch(topic, p, each[turn]) for p, each in enumerate(batches) if turn < len(each)]
                await free.acquire()
                tasks.create_task(send(ProduceRequest(ready)))


def single(number: int, size: int = 20, codec: int = 0, time_ms: int | None = None) -> bytes:
    """A batch of one record that tells its number, of this moment unless told."""
    value = f"{number:08d}".encode().ljust(size, b".")
    at = int(time.time() * 1000) if time_ms is None else time_ms
    return close_batch([Record(0, at, str(number).encode(), value)], codec, NOBODY)
