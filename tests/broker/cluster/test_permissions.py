"""ACLs and what they forbid, by the error that names operation and resource (STATE-35, TASK-41)."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import pytest

from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.acls import Acl, AclFilter, exactly
from pipeline.cluster.administration.group_offsets import CommittedOffset
from pipeline.cluster.errors import SECURITY_DISABLED, KafkaFailure, NotAuthorized
from tests.broker.cluster.eventually import create, eventually

LINK = "User:link"


def on_topic(topic: str, operation: str = "READ", permission: str = "ALLOW", pattern: str = "LITERAL") -> Acl:
    return Acl("TOPIC", topic, pattern, LINK, "*", operation, permission)


async def until_listed(admin: Admin, which: AclFilter, wanted: list[Acl]) -> None:
    await eventually(lambda: admin.describe_acls(which), lambda found: found == sorted(wanted))


async def not_allowed(call: Coroutine[Any, Any, Any]) -> NotAuthorized:
    with pytest.raises(NotAuthorized) as caught:
        await call
    return caught.value


async def test_acls_from_creation_to_deletion(super_user: Admin, topic: str) -> None:
    mine = [on_topic(topic), on_topic(topic, "WRITE", "DENY"), on_topic(topic, "ALL", pattern="PREFIXED")]
    assert await super_user.create_acls(mine) == {}
    assert await super_user.create_acls(mine) == {}, "what exists stays"
    everything = AclFilter(resource_name=topic)
    await until_listed(super_user, everything, mine)
    assert await super_user.describe_acls(AclFilter("TOPIC", topic, "MATCH", operation="WRITE")) == [mine[1]]
    assert await super_user.describe_acls(exactly(mine[2])) == [mine[2]]
    assert set(mine) <= set(await super_user.describe_acls())
    assert await super_user.delete_acls([mine[0], on_topic(f"{topic}-other")]) == {}
    await until_listed(super_user, everything, mine[1:])
    await super_user.delete_acls(mine)
    await until_listed(super_user, everything, [])


async def test_an_acl_that_is_refused_does_not_hold_up_the_others(super_user: Admin, topic: str) -> None:
    nonsense = Acl("TOPIC", topic, "LITERAL", "no colon in it", "*", "READ", "ALLOW")
    refused = await super_user.create_acls([nonsense, on_topic(topic)])
    assert list(refused) == [nonsense]
    assert refused[nonsense].code == 42
    await until_listed(super_user, AclFilter(resource_name=topic), [on_topic(topic)])
    await super_user.delete_acls([on_topic(topic)])


async def test_more_acls_than_fit_into_one_request(super_user: Admin, topic: str) -> None:
    someone = f"User:{topic}"
    many = [Acl("TOPIC", f"t-{number:04d}", "LITERAL", someone, "*", "READ", "ALLOW") for number in range(1_100)]
    assert await super_user.create_acls(many) == {}
    await until_listed(super_user, AclFilter(principal=someone), many)
    assert await super_user.delete_acls(many) == {}


async def test_a_cluster_without_an_authorizer(admin: Admin, super_user: Admin, link_user: Admin, topic: str) -> None:
    assert not await admin.has_authorizer()
    assert await super_user.has_authorizer()
    assert await link_user.has_authorizer()
    with pytest.raises(KafkaFailure) as caught:
        await admin.describe_acls()
    assert caught.value.code == SECURITY_DISABLED
    assert (await admin.create_acls([on_topic(topic)]))[on_topic(topic)].code == SECURITY_DISABLED
    assert (await admin.delete_acls([on_topic(topic)]))[on_topic(topic)].code == SECURITY_DISABLED


async def test_every_refusal_names_operation_and_resource(super_user: Admin, link_user: Admin, topic: str) -> None:
    await create(super_user, topic, 1)
    on_it, group = f"topic {topic}", f"{topic}-group"
    calls: list[tuple[Coroutine[Any, Any, Any], str, str]] = [
        (link_user.create_topic(f"{topic}-x", 1), "CREATE", f"topic {topic}-x"),
        (link_user.delete_topic(topic), "DELETE", on_it),
        (link_user.create_partitions(topic, 2), "ALTER", on_it),
        (link_user.topic_configs(topic), "DESCRIBE_CONFIGS", on_it),
        (link_user.alter_topic_configs(topic, {"retention.ms": "1"}), "ALTER_CONFIGS", on_it),
        (link_user.describe_acls(), "DESCRIBE", "cluster"),
        (link_user.broker_configs(), "DESCRIBE_CONFIGS", "broker 1"),
        (link_user.group_offsets(group), "DESCRIBE", f"group {group}"),
        (link_user.describe_group(group), "DESCRIBE", f"group {group}"),
        (link_user.alter_group_offsets(group, {(topic, 0): CommittedOffset(0)}), "DESCRIBE", f"group {group}"),
    ]
    for call, operation, resource in calls:
        error = await not_allowed(call)
        assert (error.operation, error.resource) == (operation, resource)
        assert str(error).startswith(f"{operation} on {resource} is not allowed")
        assert not error.retriable
    for refused in (
        (await link_user.create_acls([on_topic(topic)]))[on_topic(topic)],
        (await link_user.delete_records({(topic, 0): 0}))[topic, 0],
    ):
        assert isinstance(refused, NotAuthorized)
    assert isinstance((await link_user.groups_offsets([group, "-"]))[group], NotAuthorized)
    assert (await link_user.describe_topics([topic]))[topic].error == 29
    assert topic not in await link_user.list_topics()


async def test_what_we_may_do_is_told(super_user: Admin, link_user: Admin, topic: str) -> None:
    """KIP-430: permission checks without trying."""
    await create(super_user, topic, 1)
    await super_user.create_acls([on_topic(topic, "READ")])
    await eventually(
        lambda: link_user.describe_topics([topic], operations=True),
        lambda found: found[topic].operations == {"READ", "DESCRIBE"},
    )
    assert "DELETE" in (await super_user.describe_topics([topic], operations=True))[topic].operations
    assert (await super_user.describe_topics([topic]))[topic].operations == frozenset()
    assert await link_user.cluster_operations() == frozenset()
    assert {"ALTER", "CLUSTER_ACTION"} <= await super_user.cluster_operations()
    await super_user.delete_acls([on_topic(topic, "READ")])
