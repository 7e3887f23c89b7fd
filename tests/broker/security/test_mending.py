"""What goes wrong with a running link (certificate, password, permission) shows as what it is, and passes by itself."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from pipeline.local.certificates import Authority, KeyPair
from pipeline.local.cluster import LocalCluster
from pipeline.local.options import ClusterOptions, Protocol
from pipeline.local.ports import HOST
from tests.support.asking import Rest, assert_equal, checked, wait_for_ends
from tests.support.clients import TIMEOUT_S, admin, create_topic, log_ends
from tests.support.permitting import allow, disallow, login, set_scram_password
from tests.support.producing import numbered, produce
from tests.support.workers import wait_until

pytestmark = pytest.mark.timeout(300)
AUTHORITY = Authority()
GOOD = AUTHORITY.issue("broker", (HOST, "localhost"))


@pytest.fixture(scope="module")
def tls_source() -> Iterator[LocalCluster]:
    """PLAINTEXT for the test itself, and TLS with certificates of ours, which may be exchanged while it runs."""
    options = ClusterOptions(
        protocols=(Protocol.PLAINTEXT, Protocol.SSL),
        properties={
            "ssl.keystore.key": GOOD.key,
            "ssl.keystore.certificate.chain": GOOD.certificate,
            "ssl.truststore.certificates": AUTHORITY.certificate,
            "ssl.allow.san.changes": "true",
        },
    )
    with LocalCluster(options) as cluster:
        yield cluster


def show(cluster: LocalCluster, keys: KeyPair) -> None:
    """Have the broker show another certificate to those who connect from now on."""
    values = {"type": "PEM", "key": keys.key, "certificate.chain": keys.certificate}
    entries = [
        ConfigEntry(f"listener.name.ssl.ssl.keystore.{name}", value, incremental_operation=AlterConfigOpType.SET)
        for name, value in values.items()
    ]
    client = admin(cluster)
    resource = ConfigResource(ResourceType.BROKER, "1", incremental_configs=entries)
    for future in client.incremental_alter_configs([resource]).values():
        future.result(TIMEOUT_S)


def row(rest: Rest, link: str) -> dict[str, Any]:
    return dict(checked(rest.ask("GET", f"/{link}", include_task_runs="true")).json())


def wait_for_error(rest: Rest, link: str, words: str) -> None:
    """STATE-11, with words of what is wrong."""

    def is_shown() -> bool:
        seen = row(rest, link)
        shown = (seen["link_state"], seen["link_error"]) == ("UNAVAILABLE", "AUTHENTICATION_ERROR")
        return shown and words in seen["link_error_message"]

    wait_until(is_shown, f"the link says {words}", poll_s=0.25)


def wait_until_well(rest: Rest, link: str) -> None:
    wait_until(lambda: row(rest, link)["link_state"] == "ACTIVE", "the link is back by itself", poll_s=0.25)


def test_certificates_that_expire_or_have_the_wrong_name(
    tls_source: LocalCluster, destination: LocalCluster, keyed_rest: Rest, topic: str
) -> None:
    link = "certified"
    create_topic(tls_source, topic)
    produce(tls_source, topic, numbered(10))
    given = {
        "bootstrap_servers": tls_source.bootstrap(Protocol.SSL),
        "security_protocol": "SSL",
        "ssl_truststore_type": "PEM",
        "ssl_truststore_certificates": AUTHORITY.certificate,
        "availability_check_ms": "1000",
    }
    checked(keyed_rest.create_link(link, tls_source, **given))
    checked(keyed_rest.create_mirror(link, topic))
    wait_for_ends(tls_source, destination, topic)

    show(tls_source, AUTHORITY.issue("broker", (HOST, "localhost"), datetime.timedelta(hours=-1)))
    wait_for_error(keyed_rest, link, "certificate has expired")
    show(tls_source, AUTHORITY.issue("broker", ("elsewhere.example",)))
    wait_for_error(keyed_rest, link, "mismatch, certificate is not valid for '127.0.0.1'")
    show(tls_source, GOOD)
    wait_until_well(keyed_rest, link)
    produce(tls_source, topic, numbered(10, start=10))
    wait_for_ends(tls_source, destination, topic)
    assert_equal(tls_source, destination, topic)


def test_a_password_that_is_another_one_for_a_while(
    secure_source: LocalCluster, destination: LocalCluster, keyed_rest: Rest, topic: str
) -> None:
    """SEC-33: what is wrong is at the source, and nobody touches the link."""
    link = "password"
    create_topic(secure_source, topic)
    allow(secure_source, "alice", "READ DESCRIBE_CONFIGS", topic)
    set_scram_password(secure_source, "alice", "planted-as-ever")
    given = login(secure_source, "alice", "planted-as-ever", "SCRAM-SHA-256") | {"availability_check_ms": "1000"}
    checked(keyed_rest.create_link(link, secure_source, **given))
    checked(keyed_rest.create_mirror(link, topic))
    produce(secure_source, topic, numbered(10))
    wait_for_ends(secure_source, destination, topic)

    set_scram_password(secure_source, "alice", "planted-another")
    wait_for_error(keyed_rest, link, "check the link's credential")
    set_scram_password(secure_source, "alice", "planted-as-ever")
    wait_until_well(keyed_rest, link)
    produce(secure_source, topic, numbered(10, start=10))
    wait_for_ends(secure_source, destination, topic)
    assert_equal(secure_source, destination, topic)


def test_permissions_that_are_taken_away(
    secure_source: LocalCluster, destination: LocalCluster, keyed_rest: Rest, topic: str
) -> None:
    """STATE-35: the task names operation and topic, for each of the two; nothing is needed but the permissions."""
    link = "revoked"
    create_topic(secure_source, topic)
    allow(secure_source, "alice", "READ DESCRIBE_CONFIGS", topic)
    produce(secure_source, topic, numbered(10))
    given = login(secure_source, "alice") | {"topic_config_sync_ms": "1000", "availability_check_ms": "1000"}
    checked(keyed_rest.create_link(link, secure_source, **given))
    checked(keyed_rest.create_mirror(link, topic))
    wait_for_ends(secure_source, destination, topic)

    def task() -> dict[str, Any]:
        tasks = row(keyed_rest, link).get("tasks") or ()
        return next((each for each in tasks if each["task_name"] == "TopicConfigsSync"), {})

    def errors() -> str:
        return "".join(f"{each['error_code']}: {each['error_message']}" for each in task().get("errors") or ())

    wait_until(lambda: task().get("state") == "ACTIVE", "the task is well")
    disallow(secure_source, "alice", "READ", topic)
    read = f"AUTHORIZATION_ERROR: source: READ on topic {topic} is not allowed"
    wait_until(lambda: read in errors(), "the task says what copying lacks", poll_s=0.25)
    produce(secure_source, topic, numbered(10, start=10))
    disallow(secure_source, "alice", "DESCRIBE_CONFIGS", topic)
    wait_until(lambda: "DESCRIBE_CONFIGS" in errors(), "the task says what it lacks itself", poll_s=0.25)
    assert read in errors()
    assert row(keyed_rest, link)["link_state"] == "ACTIVE", "one topic less is no matter of the link"
    assert log_ends(destination, topic) == [10]

    allow(secure_source, "alice", "READ DESCRIBE_CONFIGS", topic)
    wait_for_ends(secure_source, destination, topic)
    wait_until(lambda: task()["state"] == "ACTIVE" and not errors(), "the task is well again", poll_s=0.25)
    assert_equal(secure_source, destination, topic)
