"""What a link's principal needs at a destination with an authorizer, and no more than that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType, ResourcePatternType, ResourceType

from pipeline.local.cluster import LocalCluster
from pipeline.local.options import ClusterOptions, Protocol
from pipeline.wire.requests.delete_records import DeleteRecordsRequest, DeleteUpTo
from pipeline.wire.requests.describe_producers import DescribeProducersRequest
from tests.broker.wire.wire_client import TIMEOUT_S, WireClient, connected, data
from tests.support.clients import admin, create_topic

TOPIC_DENIED, CLUSTER_DENIED = 29, 31
USERS = ("super", "writer", "reader", "deleter", "alters", "acts")
GRANTS = {
    "writer": (ResourceType.TOPIC, AclOperation.WRITE),
    "reader": (ResourceType.TOPIC, AclOperation.READ),
    "deleter": (ResourceType.TOPIC, AclOperation.DELETE),
    "alters": (ResourceType.BROKER, AclOperation.ALTER),
    "acts": (ResourceType.BROKER, AclOperation.CLUSTER_ACTION),
}
"""What each user may do: this one thing, to every topic or to the cluster."""
NAMES = {ResourceType.TOPIC: "*", ResourceType.BROKER: "kafka-cluster"}


@pytest.fixture(scope="module")
def guarded() -> Iterator[LocalCluster]:
    """A broker with an authorizer and a user for each permission, the topic `guarded` on it."""
    options = ClusterOptions(
        protocols=(Protocol.SASL_PLAINTEXT,), users={user: f"{user}-secret" for user in USERS}, super_users=("super",)
    )
    with LocalCluster(options) as cluster:
        create_topic(cluster, "guarded")
        allow = AclPermissionType.ALLOW
        bindings = [
            AclBinding(kind, NAMES[kind], ResourcePatternType.LITERAL, f"User:{user}", "*", operation, allow)
            for user, (kind, operation) in GRANTS.items()
        ]
        client = admin(cluster)
        for future in client.create_acls(bindings).values():
            future.result(TIMEOUT_S)
        yield cluster


@asynccontextmanager
async def logged_in(cluster: LocalCluster, user: str) -> AsyncIterator[WireClient]:
    credentials = {"sasl_plain_username": user, "sasl_plain_password": f"{user}-secret"}
    async with connected(cluster, security_protocol="SASL_PLAINTEXT", sasl_mechanism="PLAIN", **credentials) as client:
        yield client


async def code_of(ask: Callable[[], Awaitable[int]], expected: int) -> int:
    """The code that comes. Grants reach the broker with the metadata log, a moment after their answer: until then a
    refusal where none is expected is asked again."""
    deadline = time.monotonic() + TIMEOUT_S
    while (code := await ask()) != expected and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    return code


@pytest.mark.parametrize(("user", "code"), [("alters", 0), ("acts", 0), ("writer", CLUSTER_DENIED)])
async def test_markers_need_alter_or_cluster_action_on_the_cluster(guarded, user, code):
    async with logged_in(guarded, "super") as anyone, logged_in(guarded, user) as client:
        pid = await anyone.new_producer()

        async def mark() -> int:
            return (await client.mark("guarded", (pid, 0, 0)))[0]

        assert await code_of(mark, code) == code


@pytest.mark.parametrize(("user", "code"), [("writer", 0), ("reader", TOPIC_DENIED), ("acts", TOPIC_DENIED)])
async def test_data_needs_write_on_the_topic(guarded, user, code):
    async with logged_in(guarded, "super") as anyone, logged_in(guarded, user) as client:
        pid = await anyone.new_producer()

        async def produce() -> int:
            return (await client.produce("guarded", data(pid, 0, 0))).error_code

        assert await code_of(produce, code) == code


async def test_a_producer_id_needs_no_more_than_write_on_a_topic(guarded):
    async with logged_in(guarded, "writer") as client:
        assert await client.new_producer() >= 0


@pytest.mark.parametrize(("user", "code"), [("reader", 0), ("writer", TOPIC_DENIED), ("alters", TOPIC_DENIED)])
async def test_describing_producers_needs_read_on_the_topic(guarded, user, code):
    async with logged_in(guarded, user) as client:

        async def describe() -> int:
            return (await client.send(DescribeProducersRequest([("guarded", 0)]))).partitions[0].error_code

        assert await code_of(describe, code) == code


@pytest.mark.parametrize(("user", "code"), [("deleter", 0), ("writer", TOPIC_DENIED)])
async def test_moving_the_start_of_a_log_needs_delete_on_the_topic(guarded, user, code):
    async with logged_in(guarded, user) as client:

        async def delete() -> int:
            return (await client.send(DeleteRecordsRequest([DeleteUpTo("guarded", 0, -1)]))).partitions[0].error_code

        assert await code_of(delete, code) == code
