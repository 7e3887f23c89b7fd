"""Clusters with users, ACLs and TLS let in whom they should, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from pipeline.local.cluster import LocalCluster
from pipeline.local.options import ClusterOptions, Mechanism, Protocol
from tests.support.clients import TIMEOUT_S, configuration, create_topic
from tests.support.consuming import consume
from tests.support.producing import numbered, produce
from tests.support.workers import wait_until


@pytest.fixture(scope="module")
def everything() -> Iterator[LocalCluster]:
    """Every protocol at once, ACLs in force."""
    options = ClusterOptions(
        protocols=(Protocol.SASL_SSL, Protocol.SSL, Protocol.SASL_PLAINTEXT, Protocol.PLAINTEXT),
        users={"admin": "admin-secret", "alice": "alice-secret"},
        super_users=("admin",),
    )
    with LocalCluster(options) as cluster:
        yield cluster


@pytest.mark.parametrize("mechanism", Mechanism)
@pytest.mark.parametrize("protocol", [Protocol.SASL_SSL, Protocol.SASL_PLAINTEXT])
def test_each_mechanism_lets_users_in(everything: LocalCluster, mechanism: Mechanism, protocol: Protocol) -> None:
    client = AdminClient(configuration(everything, "alice", protocol) | {"sasl.mechanism": mechanism.value})
    assert client.list_topics(timeout=TIMEOUT_S).cluster_id == everything.cluster_id


def test_a_wrong_password_is_refused(everything: LocalCluster) -> None:
    errors: list[str] = []
    wrong = {"sasl.password": "wrong", "error_cb": lambda error: errors.append(error.name())}
    client = AdminClient(configuration(everything, "alice", Protocol.SASL_PLAINTEXT) | wrong)
    with pytest.raises(KafkaException):
        client.list_topics(timeout=2)
    wait_until(lambda: client.poll(0.1) or "_AUTHENTICATION" in errors, "the refusal is told")
    assert "_AUTHENTICATION" in errors


@pytest.mark.parametrize("protocol", [Protocol.SSL, Protocol.PLAINTEXT])
def test_who_has_no_credentials_is_let_in_and_may_do_nothing(everything: LocalCluster, protocol: Protocol) -> None:
    client = AdminClient(configuration(everything, protocol=protocol))
    assert client.list_topics(timeout=TIMEOUT_S).topics == {}
    creation = client.create_topics([NewTopic("forbidden", 1, 1)])["forbidden"]
    with pytest.raises(KafkaException, match="TOPIC_AUTHORIZATION_FAILED"):
        creation.result(TIMEOUT_S)


def test_super_users_may_do_all_and_others_nothing(secure_source: LocalCluster, topic: str) -> None:
    create_topic(secure_source, topic)
    produce(secure_source, topic, numbered(3))

    assert len(consume(secure_source, topic)) == 3
    with pytest.raises((KafkaException, RuntimeError), match=r"[Aa]uthorization failed"):
        consume(secure_source, topic, start=0, user="alice")
