"""Each task with the least rights that it needs, on clusters with authorizers (SEC-4, SEC-5, SEC-12, TASK-18).

ACL sync has its own test of these (`test_acls.py`: SEC-6, SEC-7).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping

import pytest
from confluent_kafka.admin import ResourceType

from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.group_offsets import CommittedOffset
from pipeline.cluster.security import client_arguments
from pipeline.link.models import Mirror, TaskError
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import MirrorStatus, TaskErrorCode
from pipeline.link.topic_configs import DEFAULT_INCLUDE
from pipeline.local.cluster import LocalCluster
from pipeline.sync.auto_create import plan_creations
from pipeline.sync.marks import Marks
from pipeline.sync.offsets import OffsetJob, OffsetReport, sync_offsets
from pipeline.sync.topic_configs import Rules, follow_configs, source_configs
from tests.broker.cluster.eventually import create, eventually
from tests.support.clients import create_topic
from tests.support.permitting import allow
from tests.support.producing import numbered, produce

USER = "syncing"
"""The link at the source, and the worker at the destination; what it may do, this file alone says."""


@pytest.fixture
async def there(secure_source: LocalCluster) -> AsyncIterator[Admin]:
    async with Admin(client_arguments(secure_source.client_properties(USER))) as made:
        yield made


@pytest.fixture
async def here(secure_destination: LocalCluster) -> AsyncIterator[Admin]:
    async with Admin(client_arguments(secure_destination.client_properties(USER))) as made:
        yield made


@pytest.fixture
def mirrored(secure_source: LocalCluster, secure_destination: LocalCluster, topic: str) -> Mirror:
    for cluster in (secure_source, secure_destination):
        create_topic(cluster, topic)
        produce(cluster, topic, numbered(10))
    return Mirror("link", topic, topic, partitions=1, status=MirrorStatus.ACTIVE)


async def test_offset_sync(
    secure_source: LocalCluster, secure_destination: LocalCluster, there: Admin, here: Admin, mirrored: Mirror
) -> None:
    """DESCRIBE on group and topic at the source; READ on both here. Each one that is missing is named."""
    topic, group = mirrored.mirror_topic, f"{mirrored.mirror_topic}-g"
    async with Admin(client_arguments(secure_source.client_properties("admin"))) as operator:
        await operator.alter_group_offsets(group, {(topic, 0): CommittedOffset(4)})
    filters = {"groupFilters": [{"name": group, "patternType": "LITERAL", "filterType": "INCLUDE"}]}
    settings = LinkSettings.of({"consumer.offset.group.filters": json.dumps(filters)})

    async def keep(news: Mapping[str, Marks]) -> bool:
        return True

    async def cycle() -> OffsetReport:
        return await sync_offsets(there, here, OffsetJob(settings, [mirrored], lambda _: {}, keep))

    (unseen,) = (await cycle()).errors
    assert unseen.error_code is TaskErrorCode.AUTHORIZATION_ERROR
    assert "DESCRIBE" in unseen.error_message and group in unseen.error_message
    allow(secure_source, USER, "DESCRIBE", group, kind=ResourceType.GROUP)
    allow(secure_source, USER, "DESCRIBE", topic)
    allow(secure_destination, USER, "READ", topic)
    report = await eventually(cycle, lambda found: found.groups == 1)
    (refused,) = report.errors
    assert refused.error_code is TaskErrorCode.BROKER_AUTHORIZATION_ERROR
    assert group in refused.error_message
    allow(secure_destination, USER, "READ", group, kind=ResourceType.GROUP)
    done = await eventually(cycle, lambda found: found.written == 1)
    assert done.errors == []
    async with Admin(client_arguments(secure_destination.client_properties("admin"))) as operator:
        assert await operator.group_offsets(group) == {(topic, 0): CommittedOffset(4)}


async def test_config_sync(
    secure_source: LocalCluster, secure_destination: LocalCluster, there: Admin, here: Admin, mirrored: Mirror
) -> None:
    """DESCRIBE_CONFIGS at the source; DESCRIBE_CONFIGS and ALTER_CONFIGS here."""
    topic = mirrored.mirror_topic
    errors: list[TaskError] = []
    assert await source_configs(there, [mirrored], errors) == {}
    assert [error.error_code for error in errors] == [TaskErrorCode.AUTHORIZATION_ERROR]
    assert f"DESCRIBE_CONFIGS on topic {topic}" in errors[0].error_message
    allow(secure_source, USER, "DESCRIBE_CONFIGS", topic)
    allow(secure_destination, USER, "DESCRIBE_CONFIGS", topic)
    sources = await eventually(lambda: source_configs(there, [mirrored], []), bool)
    await eventually(lambda: here.topics_configs([topic]), lambda found: isinstance(found[topic], dict))
    rules = Rules(DEFAULT_INCLUDE, set(await here.topic_configs(topic)))
    refused = await follow_configs(here, [mirrored], sources, rules, {})
    assert [error.error_code for error in refused.errors] == [TaskErrorCode.BROKER_AUTHORIZATION_ERROR]
    assert f"ALTER_CONFIGS on topic {topic}" in refused.errors[0].error_message
    allow(secure_destination, USER, "ALTER_CONFIGS", topic)
    done = await eventually(
        lambda: follow_configs(here, [mirrored], sources, rules, {}), lambda found: not found.errors
    )
    assert done.followed > 0


async def test_auto_create(secure_source: LocalCluster, there: Admin, topic: str) -> None:
    """READ (or DESCRIBE, to be told what is missing) on each topic at the source (MIRROR-116)."""
    readable, describable, hidden = (f"{topic}-{n}" for n in ("readable", "describable", "hidden"))
    async with Admin(client_arguments(secure_source.client_properties("admin"))) as operator:
        for name in (readable, describable, hidden):
            await create(operator, name, 1)
    allow(secure_source, USER, "READ", readable)
    allow(secure_source, USER, "DESCRIBE", describable)
    filters = {"topicFilters": [{"name": topic, "patternType": "PREFIXED", "filterType": "INCLUDE"}]}
    settings = LinkSettings.of({"auto.create.mirror.topics.filters": json.dumps(filters)})
    seen = await eventually(lambda: there.list_topics(operations=True), lambda found: describable in found)
    named = await there.describe_topics([hidden], operations=True)
    plan = plan_creations([*seen.values(), *named.values()], settings, [], [])
    assert [each.name for each in plan.create] == [readable]
    assert {error.error_code for error in plan.errors} == {TaskErrorCode.AUTHORIZATION_ERROR}
    text = " ".join(error.error_message for error in plan.errors)
    assert f"READ on topic {describable}" in text and f"DESCRIBE on topic {hidden}" in text
