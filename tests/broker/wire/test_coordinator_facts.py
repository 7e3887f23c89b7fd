"""Markers by way of the transaction coordinator, for links that may not write them themselves."""

from __future__ import annotations

import asyncio
import time

import pytest_asyncio

from pipeline.wire.requests.add_partitions_to_txn import AddPartitionsToTxnRequest
from pipeline.wire.requests.describe_producers import DescribeProducersRequest
from pipeline.wire.requests.end_txn import EndTxnRequest
from pipeline.wire.requests.find_coordinator import FindCoordinatorRequest
from pipeline.wire.requests.init_producer_id import InitProducerIdRequest
from tests.broker.wire.wire_client import TIMEOUT_S, WireClient, data

COORDINATOR_STARTS = (14, 15, 16)
CONCURRENT_TRANSACTIONS = 51
FENCED = (47, 90)


class Marking:
    """One owner of a transactional id; each step is repeated while the coordinator says that it is not ready."""

    def __init__(self, client: WireClient, transactional_id: str) -> None:
        self.client = client
        self.transactional_id = transactional_id
        self.producer_id = self.epoch = -1

    async def begin(self) -> None:
        """Take over the transactional id."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            found = (await self.client.send(FindCoordinatorRequest([self.transactional_id]))).coordinators[0]
            if found.error_code == 0:
                answer = await self.client.send(InitProducerIdRequest(self.transactional_id), found.node_id)
                if answer.error_code == 0:
                    self.producer_id, self.epoch = answer.producer_id, answer.epoch
                    return
                assert answer.error_code in (*COORDINATOR_STARTS, CONCURRENT_TRANSACTIONS), answer
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.05)

    async def mark(self, *partitions: tuple[str, int]) -> int:
        """One empty, aborted transaction over these partitions; the first error code that is not "not yet"."""
        identity = self.transactional_id, self.producer_id, self.epoch
        while True:
            added = await self.client.send(AddPartitionsToTxnRequest(*identity, partitions))
            codes = {partition.error_code for partition in added.partitions}
            if codes == {0}:
                break
            if codes != {CONCURRENT_TRANSACTIONS}:
                return max(codes)
            await asyncio.sleep(0.005)
        return (await self.client.send(EndTxnRequest(*identity))).error_code


@pytest_asyncio.fixture
async def marking(both: WireClient, topic: str) -> Marking:
    """The first owner of a transactional id; `topic` has three partitions."""
    await both.create(topic, 3)
    owner = Marking(both, f"link-{topic}")
    await owner.begin()
    return owner


async def wait_for_ends(client: WireClient, topic: str, ends: list[int]) -> None:
    """The coordinator answers before the markers are written."""
    deadline = time.monotonic() + TIMEOUT_S
    while [await client.end(topic, partition=p) for p in range(3)] != ends:
        assert time.monotonic() < deadline, ends
        await asyncio.sleep(0.02)


async def test_an_empty_transaction_writes_one_marker_to_each_of_its_partitions(marking, topic):
    assert await marking.mark((topic, 0), (topic, 2)) == 0
    await wait_for_ends(marking.client, topic, [1, 0, 1])
    assert await marking.client.records(topic) == []


async def test_one_after_the_other_and_the_epoch_stays(marking, topic):
    """Below EndTxn v5 the coordinator does not raise the epoch with each transaction, so the data's chain goes on."""
    client, pid = marking.client, marking.producer_id
    assert (await client.produce(topic, data(pid, marking.epoch, 0, [b"a", b"b"]))).error_code == 0
    for _ in range(5):
        assert await marking.mark((topic, 0)) == 0
    await wait_for_ends(client, topic, [7, 0, 0])
    epoch, last_sequence, _ = await client.chain(topic, pid)
    assert (epoch, last_sequence) == (marking.epoch, 1)
    assert (await client.produce(topic, data(pid, marking.epoch, 2))).base_offset == 7


async def test_a_new_owner_fences_the_old_one(marking, topic):
    heir = Marking(marking.client, marking.transactional_id)
    await heir.begin()
    assert (heir.producer_id, heir.epoch) == (marking.producer_id, marking.epoch + 1)
    assert await marking.mark((topic, 0)) in FENCED
    assert await heir.mark((topic, 0)) == 0
    await wait_for_ends(marking.client, topic, [1, 0, 0])


async def test_no_transaction_stays_open(marking, topic):
    assert await marking.mark((topic, 0)) == 0
    await wait_for_ends(marking.client, topic, [1, 0, 0])
    state = (await marking.client.send(DescribeProducersRequest([(topic, 0)]))).partitions[0]
    assert [producer.transaction_start for producer in state.producers] in ([], [-1])
