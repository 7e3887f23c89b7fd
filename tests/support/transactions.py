"""End a transaction that its producer has left alone, as an operator does with `kafka-transactions abort` (KIP-664)."""

from __future__ import annotations

from pipeline.local.cluster import LocalCluster
from pipeline.wire.requests.describe_producers import DescribeProducersRequest
from pipeline.wire.requests.write_txn_markers import Marker, WriteTxnMarkersRequest
from tests.broker.wire.wire_client import connected


async def end_from_outside(cluster: LocalCluster, topic: str, partition: int = 0) -> None:
    """Write the ABORT marker of every open transaction of a partition."""
    async with connected(cluster) as client:
        answer = await client.send(DescribeProducersRequest([(topic, partition)]))
        hanging = [state for state in answer.partitions[0].producers if state.transaction_start >= 0]
        assert hanging
        markers = [
            Marker(state.producer_id, state.epoch, max(state.coordinator_epoch, 0), ((topic, partition),))
            for state in hanging
        ]
        results = (await client.send(WriteTxnMarkersRequest(markers))).results
        assert not any(result.error_code for result in results), results
