"""When an administrative request is repeated, and when it must not be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from kafka.protocol.admin import CreateTopicsRequest, CreateTopicsResponse, DescribeConfigsResponse
from kafka.protocol.consumer import OffsetCommitResponse
from kafka.protocol.metadata import FindCoordinatorResponse

from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.group_offsets import CommittedOffset
from pipeline.cluster.errors import KafkaFailure, NotAuthorized, Unreachable, Unsupported
from pipeline.cluster.security import ClientSecurity
from tests.unit.cluster.fake_broker import HANG_UP, METADATA, FakeBroker

CREATE_TOPICS, DESCRIBE_CONFIGS, FIND_COORDINATOR, OFFSET_COMMIT = 19, 32, 10, 8


@pytest.fixture
async def broker() -> AsyncIterator[FakeBroker]:
    async with FakeBroker() as fake:
        fake.versions |= {CREATE_TOPICS: (2, 5), DESCRIBE_CONFIGS: (1, 4), FIND_COORDINATOR: (0, 4)}
        fake.versions |= {OFFSET_COMMIT: (2, 8)}
        yield fake


@pytest.fixture
async def admin(broker: FakeBroker) -> AsyncIterator[Admin]:
    made = Admin(ClientSecurity((broker.address,), retry_backoff_ms=1, reconnect_backoff_ms=1))
    yield made
    await made.close()
    await made.close()


def created(*codes: int | object) -> Any:
    """Answer CreateTopics with these codes, one after the other; the last one stays."""
    left = list(codes)

    def answer(version: int, frame: bytes) -> Any:
        code = left.pop(0) if len(left) > 1 else left[0]
        if code is HANG_UP:
            return HANG_UP
        asked = CreateTopicsRequest.decode(memoryview(frame), version=version, header=True).topics[0]
        kind = CreateTopicsResponse.CreatableTopicResult
        return CreateTopicsResponse(
            throttle_time_ms=0,
            topics=[
                kind(
                    name=asked.name,
                    error_code=code,
                    error_message=None,
                    topic_config_error_code=0,
                    num_partitions=asked.num_partitions,
                    replication_factor=1,
                    configs=[],
                )
            ],
        )

    return answer


async def test_after_a_refusal_that_passes_it_is_asked_again(admin: Admin, broker: FakeBroker) -> None:
    broker.answers[CREATE_TOPICS] = created(41, 89, 0)
    assert (await admin.create_topic("t", 3)).partitions == 3
    assert broker.requests.count(CREATE_TOPICS) == 3
    assert broker.requests.count(METADATA) == 2, "the controller is looked up again after NOT_CONTROLLER"


async def test_a_change_is_not_repeated_after_a_lost_connection(admin: Admin, broker: FakeBroker) -> None:
    """It may have been carried out: the caller looks first."""
    broker.answers[CREATE_TOPICS] = created(HANG_UP, 0)
    with pytest.raises(Unreachable):
        await admin.create_topic("t", 3)
    assert broker.requests.count(CREATE_TOPICS) == 1


async def test_a_dry_run_is_repeated(admin: Admin, broker: FakeBroker) -> None:
    broker.answers[CREATE_TOPICS] = created(HANG_UP, 0)
    await admin.create_topic("t", 3, validate_only=True)
    assert broker.requests.count(CREATE_TOPICS) == 2


@pytest.mark.parametrize(("code", "kind"), [(36, KafkaFailure), (29, NotAuthorized), (3, KafkaFailure)])
async def test_a_plain_no_is_final(admin: Admin, broker: FakeBroker, code: int, kind: type[Exception]) -> None:
    broker.answers[CREATE_TOPICS] = created(code)
    with pytest.raises(kind):
        await admin.create_topic("t", 3)
    assert broker.requests.count(CREATE_TOPICS) == 1


async def test_repeating_ends_with_the_last_error(broker: FakeBroker) -> None:
    """LINK-55: ``default.api.timeout.ms`` bounds the whole operation."""
    broker.answers[CREATE_TOPICS] = created(41)
    async with Admin(ClientSecurity((broker.address,), retry_backoff_ms=1, api_timeout_ms=100)) as admin:
        with pytest.raises(KafkaFailure) as caught:
            await admin.create_topic("t", 3)
    assert caught.value.code == 41


async def test_a_version_the_broker_lacks_is_not_asked_for(admin: Admin, broker: FakeBroker) -> None:
    """Before 2.4 a broker has no default for partitions or replication factor (KIP-464)."""
    broker.versions[CREATE_TOPICS] = (0, 3)
    with pytest.raises(
        Unsupported, match=r"to 127.0.0.1:\d+: CreateTopics \(API 19\) is needed .* offers versions 0 to 3"
    ):
        await admin.create_topic("t", 3)
    broker.answers[CREATE_TOPICS] = created(0)
    await admin.create_topic("t", 3, replication_factor=1)


async def test_each_of_many_topics_has_its_settings_or_its_error(admin: Admin, broker: FakeBroker) -> None:
    """Both halves of a request that half succeeds; kafka-python's own client drops the second."""
    kind = DescribeConfigsResponse.DescribeConfigsResult

    def answer(version: int, frame: bytes) -> Any:
        return DescribeConfigsResponse(
            throttle_time_ms=0,
            results=[
                kind(error_code=0, error_message=None, resource_type=2, resource_name="a", configs=[]),
                kind(error_code=29, error_message="no", resource_type=2, resource_name="b", configs=[]),
            ],
        )

    broker.answers[DESCRIBE_CONFIGS] = answer
    found = await admin.topics_configs(["a", "b"])
    assert found["a"] == {}
    assert isinstance(found["b"], NotAuthorized)
    assert await admin.topics_configs([]) == {}


async def test_a_moved_coordinator_is_looked_up_again(admin: Admin, broker: FakeBroker) -> None:
    kind = FindCoordinatorResponse.Coordinator
    coordinator = kind(key="g", node_id=1, host="127.0.0.1", port=broker.port, error_code=0, error_message=None)
    broker.answers[FIND_COORDINATOR] = lambda *_: FindCoordinatorResponse(
        throttle_time_ms=0, coordinators=[coordinator]
    )
    codes = [16, 0, 25]
    topic = OffsetCommitResponse.OffsetCommitResponseTopic

    def answer(version: int, frame: bytes) -> Any:
        partition = topic.OffsetCommitResponsePartition(partition_index=0, error_code=codes.pop(0))
        return OffsetCommitResponse(throttle_time_ms=0, topics=[topic(name="t", partitions=[partition])])

    broker.answers[OFFSET_COMMIT] = answer
    assert await admin.alter_group_offsets("g", {("t", 0): CommittedOffset(5)}) == {}
    assert broker.requests.count(FIND_COORDINATOR) == 2
    refused = await admin.alter_group_offsets("g", {("t", 0): CommittedOffset(5)})
    assert refused["t", 0].code == 25
    assert broker.requests.count(FIND_COORDINATOR) == 2, "known coordinators are not asked for"


async def test_nothing_is_repeated_on_a_client_that_was_closed(broker: FakeBroker) -> None:
    """A link whose properties change gets other clients: what the old one was doing ends with it."""
    admin = Admin(ClientSecurity((broker.address,), retry_backoff_ms=1, api_timeout_ms=3_600_000))
    await admin.start()
    await admin.close()
    async with asyncio.timeout(30):
        with pytest.raises(Unreachable, match="this client is closed"):
            await admin.topic_configs("orders")
