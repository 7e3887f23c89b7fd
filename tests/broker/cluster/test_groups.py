"""Groups of the classic and of the new protocol, with and without members (TASK-3, TASK-9, [measured] in design.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer

from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.group_offsets import CommittedOffset
from pipeline.local.cluster import LocalCluster
from tests.broker.cluster.eventually import create, eventually
from tests.support.clients import configuration
from tests.support.workers import wait_until

UNKNOWN_MEMBER_ID, GROUP_SUBSCRIBED_TO_TOPIC = 25, 86


class Member:
    """The only member of a group."""

    def __init__(self, cluster: LocalCluster, group: str, protocol: str, topic: str) -> None:
        self._consumer = Consumer(configuration(cluster, **{"group.id": group, "group.protocol": protocol}))
        self._assigned = False
        self._consumer.subscribe([topic], on_assign=self._on_assign)

    def _on_assign(self, *_: object) -> None:
        self._assigned = True

    def join(self) -> None:
        wait_until(self._is_in, "the group gives this member something")

    def _is_in(self) -> bool:
        self._consumer.poll(0.1)  # maybe an error: the topic was not there yet when the member asked for it
        return self._assigned

    def leave(self) -> None:
        self._consumer.close()


@pytest.fixture(params=["classic", "consumer"])
def member(request: pytest.FixtureRequest, source: LocalCluster, topic: str) -> Iterator[tuple[str, str, Member]]:
    """Group id, protocol, and a member that is not in it yet."""
    made = Member(source, f"{topic}-group", request.param, topic)
    yield f"{topic}-group", request.param, made
    made.leave()


async def test_a_group_protects_its_offsets_while_somebody_is_in_it(
    admin: Admin, topic: str, member: tuple[str, str, Member]
) -> None:
    group, protocol, someone = member
    await create(admin, topic, 2)
    await asyncio.to_thread(someone.join)
    listed = {each.group_id: each for each in await admin.list_groups()}[group]
    assert (listed.type, listed.protocol_type, listed.state) == (protocol, "consumer", "Stable")
    described = await admin.describe_group(group)
    assert (described.type, described.state, described.members, described.is_live) == (protocol, "Stable", 1, True)
    refused = await admin.alter_group_offsets(group, {(topic, 0): CommittedOffset(0)})
    assert refused[topic, 0].code == UNKNOWN_MEMBER_ID
    await asyncio.to_thread(someone.leave)
    described = await eventually(lambda: admin.describe_group(group), lambda found: found.state == "Empty")
    assert (described.type, described.is_live) == (protocol, False)
    assert await admin.alter_group_offsets(group, {(topic, 0): CommittedOffset(0, "ours")}) == {}
    assert await admin.group_offsets(group) == {(topic, 0): CommittedOffset(0, "ours")}


async def test_a_new_group_appears_with_its_offsets_and_no_member(admin: Admin, topic: str) -> None:
    """TASK-4."""
    await create(admin, topic, 2)
    group = f"{topic}-new"
    nobody = await admin.describe_group(group)
    assert (nobody.state, nobody.members) == ("Dead", 0)
    assert await admin.group_offsets(group) == {}
    good = {(topic, 0): CommittedOffset(3, "a note"), (topic, 1): CommittedOffset(4)}
    refused = await admin.alter_group_offsets(group, good | {(topic, 9): CommittedOffset(5)})
    assert {key: error.code for key, error in refused.items()} == {(topic, 9): 3}
    other = f"{topic}-none"
    found = await admin.groups_offsets([group, other])
    assert found == {group: good, other: {}}
    assert (await admin.describe_group(group)).state == "Empty"
    assert await admin.delete_group_offsets(group, [(topic, 0)]) == {}
    assert await admin.group_offsets(group) == {(topic, 1): CommittedOffset(4)}


async def test_offsets_of_a_subscribed_topic_cannot_be_forgotten(
    admin: Admin, source: LocalCluster, topic: str
) -> None:
    await create(admin, topic, 1)
    group = f"{topic}-group"
    await admin.alter_group_offsets(group, {(topic, 0): CommittedOffset(0)})
    someone = Member(source, group, "classic", topic)
    await asyncio.to_thread(someone.join)
    refused = await admin.delete_group_offsets(group, [(topic, 0)])
    await asyncio.to_thread(someone.leave)
    assert refused[topic, 0].code == GROUP_SUBSCRIBED_TO_TOPIC
