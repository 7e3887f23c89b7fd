"""Administration of one cluster: everything a link asks or changes there besides data.

Each method raises ClusterError; a Kafka error code comes out as KafkaFailure with code, name, operation and resource.
Methods that treat several things at once return both halves: what worked and, for the rest, its error.

kafka-python's protocol classes, which know every administrative API, travel over the same kind of connections as the
data (``asking``). Its KafkaAdminClient would need threads and a second translation of the security properties, and it
loses codes and messages on the way (describe_configs, alter_configs, create_acls).
"""

from __future__ import annotations

from pipeline.cluster.administration.acls import AclsAdmin
from pipeline.cluster.administration.cluster import ClusterAdmin
from pipeline.cluster.administration.configs import ConfigsAdmin
from pipeline.cluster.administration.group_offsets import GroupOffsetsAdmin
from pipeline.cluster.administration.groups import GroupsAdmin
from pipeline.cluster.administration.offsets import OffsetsAdmin
from pipeline.cluster.administration.topics import TopicsAdmin
from pipeline.cluster.data import DataClient
from pipeline.cluster.security import ClientSecurity
from pipeline.metrics.traffic import Traffic


class Admin(ClusterAdmin, TopicsAdmin, ConfigsAdmin, AclsAdmin, GroupsAdmin, GroupOffsetsAdmin, OffsetsAdmin):
    """Connects when first used; ``close`` ends its connections and may be called again."""

    def __init__(
        self, security: ClientSecurity, client_id: str = "clusterlink-admin", traffic: Traffic | None = None
    ) -> None:
        super().__init__(DataClient(security, client_id, traffic))

    async def start(self) -> None:
        """Reach the cluster now rather than at the first use. Raises ClusterError."""
        await self.client.start()

    async def close(self) -> None:
        await self.client.close()

    async def __aenter__(self) -> Admin:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
