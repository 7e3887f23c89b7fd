"""Markers by the transaction coordinator, for where the worker may not write them itself (managed Kafka; SEC-12).

A transaction without data, aborted, leaves one ABORT marker on each of its partitions: the same invisible offset that
WriteTxnMarkers leaves, some hundred times slower. The transactional id belongs to one mirror partition; whoever takes
it over (InitProducerId) fences its former owner at the coordinator, and every transaction of that owner is complete by
then, so what the log holds is known (I3). Data goes on with the producer id's epoch as the partition's leader has it.
"""

from __future__ import annotations

import asyncio

from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import Unreachable, check
from pipeline.wire.requests.add_partitions_to_txn import AddPartitionsToTxnRequest
from pipeline.wire.requests.end_txn import EndTxnRequest
from pipeline.wire.requests.find_coordinator import FindCoordinatorRequest
from pipeline.wire.requests.init_producer_id import InitProducerIdRequest

PASSING = frozenset({14, 15, 16, 51})
"""Coordinator loading, not there yet, moved; the transaction before is still being ended."""
MOST_TRIES = 600
PAUSE_S = 0.005
LONGEST_PAUSE_S = 0.2


class TransactionalMarker:
    """The transactional id of one mirror partition, as its present owner uses it."""

    def __init__(self, client: DataClient, transactional_id: str) -> None:
        self._client = client
        self.transactional_id = transactional_id
        self._node = -1
        self.producer_id = -1
        self._epoch = -1

    async def take_over(self) -> int:
        """Become the owner; returns the producer id. Raises ClusterError."""
        for pause in _pauses():
            response = await self._client.send(await self._coordinator(), InitProducerIdRequest(self.transactional_id))
            if response.error_code not in PASSING:
                check(response.error_code, operation="WRITE", resource=f"transactional id {self.transactional_id}")
                self.producer_id, self._epoch = response.producer_id, response.epoch
                return self.producer_id
            await self._again(response.error_code, pause)
        raise Unreachable(f"the coordinator of {self.transactional_id} is not ready")

    async def mark(self, topic: str, partition: int) -> None:
        """Have one marker written; it lands soon after this returns. Raises ClusterError, fenced owners included."""
        for pause in _pauses():
            adding = AddPartitionsToTxnRequest(
                self.transactional_id, self.producer_id, self._epoch, [(topic, partition)]
            )
            response = await self._client.send(await self._coordinator(), adding)
            code = response.partitions[0].error_code
            if code not in PASSING:
                check(code, operation="WRITE", resource=f"transactional id {self.transactional_id}")
                break
            await self._again(code, pause)
        for pause in _pauses():
            ending = EndTxnRequest(self.transactional_id, self.producer_id, self._epoch)
            response = await self._client.send(await self._coordinator(), ending)
            if response.error_code not in PASSING:
                check(response.error_code, operation="WRITE", resource=f"transactional id {self.transactional_id}")
                return
            await self._again(response.error_code, pause)

    async def _coordinator(self) -> int:
        if self._node < 0:
            for pause in _pauses():
                request = FindCoordinatorRequest([self.transactional_id])
                found = (await self._client.send_any(request)).coordinators[0]
                if found.error_code not in PASSING:
                    check(found.error_code, found.error_message, "DESCRIBE", f"transactional id {found.key}")
                    self._node = found.node_id
                    break
                await asyncio.sleep(max(pause, 0.1))
            else:
                raise Unreachable(f"no coordinator for {self.transactional_id}")
        return self._node

    async def _again(self, code: int, pause: float) -> None:
        if code in (15, 16):
            self._node = -1
        await asyncio.sleep(pause)


def _pauses() -> list[float]:
    """How long to wait before each further try: short first, since a transaction is ended within milliseconds."""
    return [min(PAUSE_S * 1.2**n, LONGEST_PAUSE_S) for n in range(MOST_TRIES)]
