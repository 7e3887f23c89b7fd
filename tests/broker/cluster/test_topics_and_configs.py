"""Topics and their configuration, through the real broker's answers."""

from __future__ import annotations

import pytest

from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.configs import ConfigSource
from pipeline.cluster.errors import ClusterError, KafkaFailure
from tests.broker.cluster.eventually import create, eventually, until_described


async def refused(call: object) -> KafkaFailure:
    with pytest.raises(KafkaFailure) as caught:
        await call  # type: ignore[misc]
    return caught.value


async def test_a_topic_from_creation_to_deletion(admin: Admin, topic: str) -> None:
    dry = await admin.create_topic(topic, 2, configs={"retention.ms": "777"}, validate_only=True)
    assert dry.partitions == 2
    assert (await admin.describe_topics([topic]))[topic].error == 3, "a dry run makes nothing"
    made = await create(admin, topic, 2, {"retention.ms": "777"})
    assert (made.partitions, made.replication_factor) == (2, 1)
    assert (await admin.list_topics())[topic].topic_id == made.topic_id
    await admin.create_partitions(topic, 4, validate_only=True)
    assert len((await admin.describe_topics([topic]))[topic].partitions) == 2
    await admin.create_partitions(topic, 4)
    await until_described(admin, topic, 4)
    await admin.delete_topic(topic)
    await until_described(admin, topic, 0)


async def test_what_the_broker_refuses_keeps_its_code_and_words(admin: Admin, topic: str) -> None:
    await create(admin, topic, 2)
    exists = await refused(admin.create_topic(topic, 2))
    assert (exists.code, exists.operation, exists.resource) == (36, "CREATE", f"topic {topic}")
    assert "already exists" in str(exists)
    assert (await refused(admin.create_topic(f"{topic}-x", 1, 9))).code == 38
    assert (await refused(admin.create_topic("x" * 250, 1))).code == 17
    assert (await refused(admin.create_topic(f"{topic}-x", 1, configs={"no.such": "1"}))).code == 40
    assert (await refused(admin.create_partitions(topic, 2))).code == 37
    assert (await refused(admin.delete_topic(f"{topic}-x"))).code == 3
    assert (await refused(admin.topic_configs(f"{topic}-x"))).code == 3
    assert (await refused(admin.alter_topic_configs(topic, {"cleanup.policy": "maybe"}))).code == 40


async def test_effective_settings_say_where_they_come_from(admin: Admin, topic: str) -> None:
    await create(admin, topic, 1, {"retention.ms": "777"})
    settings = await admin.topic_configs(topic)
    assert (settings["retention.ms"].value, settings["retention.ms"].is_default) == ("777", False)
    assert settings["retention.ms"].source is ConfigSource.DYNAMIC_TOPIC_CONFIG
    assert settings["cleanup.policy"].value == "delete"
    assert settings["cleanup.policy"].is_default
    await admin.alter_topic_configs(topic, {"cleanup.policy": "compact"}, ["retention.ms"], validate_only=True)
    assert (await admin.topic_configs(topic))["retention.ms"].value == "777"
    await admin.alter_topic_configs(topic, {"cleanup.policy": "compact"}, ["retention.ms"])
    settings = await eventually(lambda: admin.topic_configs(topic), lambda found: found["retention.ms"].is_default)
    assert not settings["cleanup.policy"].is_default


async def test_settings_of_many_topics_in_one_request(admin: Admin, topic: str) -> None:
    await create(admin, topic, 1)
    found = await admin.topics_configs([topic, f"{topic}-missing"])
    assert isinstance(found[topic], dict)
    error = found[f"{topic}-missing"]
    assert isinstance(error, ClusterError)
    assert error.code == 3


async def test_brokers_tell_their_settings(admin: Admin) -> None:
    settings = await admin.broker_configs()
    assert settings["message.max.bytes"].value == "1048588"
    assert settings["authorizer.class.name"].value == ""
    assert settings["producer.id.expiration.ms"].value == "86400000"
    assert 61 in next(iter((await admin.api_versions()).values()))


async def test_by_its_id_a_topic_is_deleted_only_while_it_is_that_topic(admin: Admin, topic: str) -> None:
    await create(admin, topic, 1)
    first = (await admin.describe_topics([topic]))[topic].uuid
    await admin.delete_topic(topic, only=first)
    await until_described(admin, topic, 0)
    await create(admin, topic, 2)
    assert (await refused(admin.delete_topic(topic, only=first))).code == 100
    await until_described(admin, topic, 2)
