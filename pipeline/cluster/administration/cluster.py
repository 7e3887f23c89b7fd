"""The cluster as a whole: its id, what we may do with it, whether it has an authorizer, what its brokers speak."""

from __future__ import annotations

from kafka.protocol.admin import DescribeClusterRequest, DescribeQuorumRequest

from pipeline.cluster.administration.asker import Asker
from pipeline.cluster.errors import Unsupported, check
from pipeline.cluster.metadata import Broker, operation_names


class ClusterAdmin(Asker):
    """One cluster."""

    async def cluster_id(self) -> str:
        """The 22-character id of the cluster."""
        await self._repeat(self.client.start)
        return self.client.cluster_id

    async def brokers(self) -> dict[int, Broker]:
        """The brokers that are alive now, as they advertise themselves on the listener we use."""
        await self._repeat(self.client.refresh)
        return dict(self.client.brokers)

    async def cluster_operations(self) -> frozenset[str]:
        """What this client may do with the cluster, by ACL operation name (KIP-430).

        Without an authorizer everything. A broker older than 2.8 does not tell: Unsupported (KIP-700).
        """
        message = DescribeClusterRequest(include_cluster_authorized_operations=True)

        async def attempt() -> frozenset[str]:
            response = await self._any(message)
            check(response.error_code, response.error_message, "DESCRIBE", "cluster")
            return operation_names(sum(1 << bit for bit in response.authorized_operations or ()))

        return await self._repeat(attempt)

    async def controller_time_ms(self) -> int | None:
        """The time on the controller's clock, in epoch milliseconds; None where it does not tell (before 3.3).

        A leader describes itself as caught up with itself now (KIP-836). Needs DESCRIBE on the cluster.
        """
        quorum = DescribeQuorumRequest.TopicData
        message = DescribeQuorumRequest(
            topics=[quorum(topic_name="__cluster_metadata", partitions=[quorum.PartitionData(partition_index=0)])]
        )

        async def attempt() -> int | None:
            try:
                response = await self._any(message, min_version=1)
            except Unsupported:
                return None
            check(response.error_code, getattr(response, "error_message", None), "DESCRIBE", "cluster")
            partition = response.topics[0].partitions[0]
            check(partition.error_code, None, "DESCRIBE", "cluster")
            for voter in partition.current_voters:
                if voter.replica_id == partition.leader_id and voter.last_caught_up_timestamp > 0:
                    return int(voter.last_caught_up_timestamp)
            return None

        return await self._repeat(attempt)

    async def api_versions(self) -> dict[int, dict[int, tuple[int, int]]]:
        """Lowest and highest version of each API, by broker: in a rolling upgrade they differ."""
        await self._repeat(self.client.start)
        return {node: await self._repeat(lambda n=node: self.client.api_versions(n)) for node in self.client.brokers}  # type: ignore[misc]
