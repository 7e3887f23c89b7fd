"""Gaps become markers that no consumer sees, written by the worker or by the transaction coordinator (I2, I3)."""

from __future__ import annotations

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from pipeline.cluster.admin import Admin
from pipeline.cluster.errors import ClusterError
from pipeline.local.cluster import LocalCluster
from pipeline.mirror.append import Doubt
from pipeline.mirror.destination import MARKING_OPERATIONS
from tests.support.appenders import SharedRegistrar, appender, destination_of, put, resumed
from tests.support.clients import TIMEOUT_S, admin, create_topic, log_ends
from tests.support.consuming import COMMITTED, UNCOMMITTED, consume


async def allowed(_: Admin) -> bool:
    return True


async def denied(_: Admin) -> bool:
    return False


@pytest.mark.parametrize(("may_mark", "path"), [(allowed, "direct"), (denied, "coordinator")])
async def test_markers_take_offsets_that_nobody_sees(destination: LocalCluster, topic: str, may_mark, path) -> None:
    create_topic(destination, topic)
    async with destination_of(destination.client_properties(), may_mark) as cluster:
        writer = await appender(cluster, SharedRegistrar(), topic)
        assert await resumed(writer) == 0
        await put(writer, 0, 5)
        await writer.markers(5, 24)
        await put(writer, 25, 3)
        await writer.settled()
        assert writer._status.marker_path == path
    assert log_ends(destination, topic) == [28]
    for isolation in (UNCOMMITTED, COMMITTED):
        seen = consume(destination, topic, isolation=isolation)
        assert [(r.offset, r.value) for r in seen] == [(o, str(o).encode()) for o in (*range(5), *range(25, 28))]


@pytest.mark.parametrize("may_mark", [allowed, denied])
async def test_a_former_owner_is_refused_and_finds_its_way_back(
    destination: LocalCluster, topic: str, may_mark
) -> None:
    create_topic(destination, topic)
    registrar = SharedRegistrar()
    async with (
        destination_of(destination.client_properties(), may_mark) as here,
        destination_of(destination.client_properties(), may_mark) as there,
    ):
        first, second = await appender(here, registrar, topic), await appender(there, registrar, topic)
        await resumed(first)
        await put(first, 0, 2)
        await first.markers(2, 3)
        await first.settled()
        assert await resumed(second) == 4
        await put(second, 4, 2)
        await second.markers(6, 6)
        with pytest.raises((Doubt, ClusterError)):  # the offset is taken: by sequence, or by epoch
            await put(first, 4, 2)
            await first.settled()
        assert await resumed(first) == 7
        await first.markers(7, 7)
        with pytest.raises((Doubt, ClusterError)):
            await second.markers(7, 7)
        assert await resumed(second) == 8
    assert [r.value for r in consume(destination, topic)] == [b"0", b"1", b"4", b"5"]
    assert log_ends(destination, topic) == [8]


def _allow(resource: ResourceType, name: str, *operations: AclOperation) -> list[AclBinding]:
    pattern = (
        ResourcePatternType.LITERAL if resource is not ResourceType.TRANSACTIONAL_ID else ResourcePatternType.PREFIXED
    )
    return [
        AclBinding(resource, name, pattern, "User:link", "*", operation, AclPermissionType.ALLOW)
        for operation in operations
    ]


async def test_a_worker_without_permission_on_the_cluster_goes_through_the_coordinator(
    secure_destination: LocalCluster, topic: str
) -> None:
    create_topic(secure_destination, topic)
    op = AclOperation
    grants = [
        *_allow(ResourceType.TOPIC, topic, op.READ, op.WRITE, op.DESCRIBE),
        *_allow(ResourceType.TRANSACTIONAL_ID, "tests.", op.WRITE, op.DESCRIBE),
    ]
    client = admin(secure_destination)
    for future in client.create_acls(grants).values():
        future.result(TIMEOUT_S)

    async def ask(own: Admin) -> bool:
        return bool(MARKING_OPERATIONS & await own.cluster_operations())

    async with destination_of(secure_destination.client_properties("link"), ask) as cluster:
        writer = await appender(cluster, SharedRegistrar(), topic)
        await resumed(writer)
        await put(writer, 0, 3)
        await writer.markers(3, 7)
        await put(writer, 8, 1)
        await writer.settled()
        assert writer._status.marker_path == "coordinator"
    assert log_ends(secure_destination, topic) == [9]
    assert [r.offset for r in consume(secure_destination, topic)] == [0, 1, 2, 8]
