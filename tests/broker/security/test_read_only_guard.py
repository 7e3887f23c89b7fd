"""Nobody but the link writes to a mirror where the cluster has an authorizer (MIRROR-3, MIRROR-4 a and c).

With a worker that is an ordinary user with the least rights, and with one that is a super user.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, Producer
from confluent_kafka.admin import AclBindingFilter, AclOperation, AclPermissionType, ResourcePatternType, ResourceType

from pipeline.local.cluster import LocalCluster
from tests.broker.conftest import SUPER_USER
from tests.support.asking import Rest, checked, wait_for_ends
from tests.support.clients import TIMEOUT_S, admin, answered, configuration, create_topic
from tests.support.permitting import allow
from tests.support.producing import numbered, produce
from tests.support.workers import WorkerProcess, wait_until

log = logging.getLogger(__name__)
pytestmark = pytest.mark.timeout(300)
APP, ORDINARY = "guard-app", "link"
OPEN_WITHIN_S = 120.0
"""MIRROR-4 c says 5 s; a machine that does other things besides is given more. The log has the time it took."""


def is_refused(cluster: LocalCluster, topic: str, user: str) -> bool:
    """Whether the broker refuses what a user produces (without idempotence, which is refused on its own account)."""
    password = cluster.options.users[user]
    login = {"sasl.username": user, "sasl.password": password, "enable.idempotence": False}
    errors: list[KafkaError | None] = []
    producer = Producer(configuration(cluster, **login))
    producer.produce(topic, b"not the link's", on_delivery=lambda error, _: errors.append(error))
    assert producer.flush(TIMEOUT_S) == 0
    assert errors[0] is None or errors[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED, errors
    return errors[0] is not None


def denied(cluster: LocalCluster, topic: str) -> set[str]:
    """Who is denied to WRITE to exactly this topic."""
    client = admin(cluster)
    which = AclBindingFilter(
        ResourceType.TOPIC,
        topic,
        ResourcePatternType.LITERAL,
        None,
        None,
        AclOperation.WRITE,
        AclPermissionType.DENY,
    )
    return {binding.principal for binding in answered(lambda: client.describe_acls(which).result(TIMEOUT_S))}


@contextmanager
def guarding_worker(cluster: LocalCluster, user: str, folder: Path) -> Iterator[Rest]:
    config = folder / f"{user}.config"
    config.write_text("".join(f"{name}={value}\n" for name, value in cluster.client_properties(user).items()))
    with (
        WorkerProcess(cluster.bootstrap_servers, folder, f"{APP}-{user}", command_config=str(config)) as worker,
        Rest(worker, cluster) as rest,
    ):
        yield rest


@pytest.fixture
def mirrored(source: LocalCluster, secure_destination: LocalCluster, topic: str) -> str:
    """A topic at the source; at the destination alice may write to a topic of the name, as at the source."""
    create_topic(source, topic)
    produce(source, topic, numbered(10))
    allow(secure_destination, "alice", "WRITE DESCRIBE", topic)
    return topic


def link_and_mirror(rest: Rest, source: LocalCluster, link: str, topic: str) -> None:
    checked(rest.create_link(link, source))
    checked(rest.create_mirror(link, topic))
    rest.wait_for_status(link, topic)


def test_an_ordinary_worker_denies_each_other_writer_by_name(
    source: LocalCluster, secure_destination: LocalCluster, mirrored: str, tmp_path: Path
) -> None:
    topic, bystander, head = mirrored, f"{mirrored}-next", f"{APP}-{ORDINARY}"
    allow(secure_destination, ORDINARY, "CREATE DESCRIBE DESCRIBE_CONFIGS READ WRITE", head, prefixed=True)
    allow(secure_destination, ORDINARY, "READ", head, prefixed=True, kind=ResourceType.GROUP)
    allow(secure_destination, ORDINARY, "DESCRIBE ALTER")
    operations = "CREATE DESCRIBE ALTER DESCRIBE_CONFIGS ALTER_CONFIGS READ WRITE DELETE"
    allow(secure_destination, ORDINARY, operations, topic, prefixed=True)
    create_topic(source, bystander)
    with guarding_worker(secure_destination, ORDINARY, tmp_path) as rest:
        link_and_mirror(rest, source, "guarding", topic)
        assert is_refused(secure_destination, topic, "alice"), "as soon as the mirror is ACTIVE"
        produce(source, topic, numbered(10, start=10))
        wait_for_ends(source, secure_destination, topic)
        checked(rest.create_mirror("guarding", bystander))
        rest.wait_for_status("guarding", bystander)
        allow(secure_destination, "alice", "WRITE DESCRIBE", bystander)
        wait_until(lambda: is_denied_later(secure_destination, bystander), "a right given later is denied")
        names = {"mirror_topic_names": [topic]}
        checked(rest.ask("POST", "/guarding/mirrors:promote", names))
        rest.wait_for_status("guarding", topic, "STOPPED")
        stopped = time.monotonic()
        wait_until(lambda: not is_refused(secure_destination, topic, "alice"), "alice may write", OPEN_WITHIN_S)
        log.info("the guard was gone %.1f s after STOPPED", time.monotonic() - stopped)
        assert denied(secure_destination, topic) == set()
        checked(rest.ask("DELETE", "/guarding", force="true"))
        wait_until(lambda: denied(secure_destination, bystander) == set(), "no guard is left")


def is_denied_later(cluster: LocalCluster, topic: str) -> bool:
    return denied(cluster, topic) == {"User:alice"}


def test_a_super_user_denies_everybody(
    source: LocalCluster, secure_destination: LocalCluster, mirrored: str, tmp_path: Path
) -> None:
    topic = mirrored
    with guarding_worker(secure_destination, SUPER_USER, tmp_path) as rest:
        link_and_mirror(rest, source, "super", topic)
        assert denied(secure_destination, topic) == {"User:*"}
        assert is_refused(secure_destination, topic, "alice")
        produce(source, topic, numbered(10, start=10))
        wait_for_ends(source, secure_destination, topic)
        checked(rest.ask("POST", "/super/mirrors:failover", {"mirror_topic_names": [topic]}))
        rest.wait_for_status("super", topic, "STOPPED")
        wait_until(lambda: not is_refused(secure_destination, topic, "alice"), "alice may write", OPEN_WITHIN_S)
        assert denied(secure_destination, topic) == set()
