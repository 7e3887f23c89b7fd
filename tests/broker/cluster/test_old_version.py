"""The last version before 4.0, with its older forms of the same requests (TERM-35)."""

from __future__ import annotations

from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.group_offsets import CommittedOffset
from pipeline.cluster.probe import probe
from pipeline.cluster.security import client_arguments
from pipeline.cluster.versions import Role
from pipeline.local.cluster import LocalCluster
from tests.broker.cluster.eventually import create, eventually


async def test_it_can_be_both_ends_of_a_link(old_source: LocalCluster) -> None:
    found = await probe(old_source.client_properties(), roles=Role.SOURCE | Role.DESTINATION)
    assert found.ok, found.message


async def test_administration(old_source: LocalCluster, topic: str) -> None:
    group = f"{topic}-group"
    async with Admin(client_arguments(old_source.client_properties())) as admin:
        made = await create(admin, topic, 2, {"retention.ms": "777"})
        assert (await admin.describe_topics([topic]))[topic].topic_id == made.topic_id
        await admin.alter_topic_configs(topic, delete=["retention.ms"])
        await eventually(lambda: admin.topic_configs(topic), lambda found: found["retention.ms"].is_default)
        assert (await admin.describe_group(group)).state == "Dead"
        assert await admin.alter_group_offsets(group, {(topic, 1): CommittedOffset(0, "a note")}) == {}
        assert await admin.group_offsets(group) == {(topic, 1): CommittedOffset(0, "a note")}
        described = await admin.describe_group(group)
        assert (described.type, described.state, described.members) == ("classic", "Empty", 0)
        listed = {each.group_id: each for each in await admin.list_groups()}
        assert (listed[group].state, listed[group].type) == ("Empty", "classic")
        assert await admin.end_offsets([(topic, 0)]) == {(topic, 0): 0}
        assert "ALTER" in await admin.cluster_operations()
        assert not await admin.has_authorizer()
        await admin.delete_topic(topic)
