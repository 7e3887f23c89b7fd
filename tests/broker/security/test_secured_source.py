"""A link to a source with users and ACLs, from the wrong password to a copy."""

from __future__ import annotations

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, checked, refusal, wait_for_ends
from tests.support.clients import create_topic, topic_names
from tests.support.consuming import consume
from tests.support.permitting import allow, login
from tests.support.producing import numbered, produce
from tests.support.workers import wait_until

pytestmark = pytest.mark.timeout(300)


def test_a_wrong_password_is_refused_and_leaves_nothing(secure_source: LocalCluster, keyed_rest: Rest) -> None:
    """STATE-11, LINK-15: the error is named, the password is not."""
    answer = keyed_rest.create_link("wrong-password", secure_source, **login(secure_source, "link", "planted-wrong-1"))
    assert refusal(answer) == (400, 40002)
    assert "AUTHENTICATION_ERROR" in answer.text and "planted-wrong-1" not in answer.text
    assert "wrong-password" not in keyed_rest.links()


def test_what_is_no_login_is_refused_by_name(secure_source: LocalCluster, keyed_rest: Rest) -> None:
    """Secrets are judged in the clear, before and beside each other (LINK-72)."""
    module = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    for jaas, wrong in ((f"{module} password='planted-2'", "must end in ';'"), (f"{module} password='p';", "username")):
        answer = keyed_rest.create_link(
            "no-login", secure_source, **{**login(secure_source, "link"), "sasl_jaas_config": jaas}
        )
        assert refusal(answer) == (400, 40002)
        assert "sasl.jaas.config: " in answer.text and wrong in answer.text and "planted-2" not in answer.text


def test_what_the_link_may_read_is_copied_and_the_rest_refused(
    secure_source: LocalCluster, destination: LocalCluster, keyed_rest: Rest, topic: str
) -> None:
    """SEC-4, SEC-13, SEC-20; a refusal names operation and resource, and leaves no topic behind."""
    create_topic(secure_source, topic)
    produce(secure_source, topic, numbered(100))
    checked(keyed_rest.create_link("secured", secure_source, **login(secure_source, "link")))

    unseen = keyed_rest.create_mirror("secured", topic)
    assert unseen.is_client_error and topic in unseen.text, unseen.text
    allow(secure_source, "link", "DESCRIBE DESCRIBE_CONFIGS", topic)
    unread = keyed_rest.create_mirror("secured", topic)
    assert unread.is_client_error and "AUTHORIZATION_ERROR" in unread.text, unread.text
    assert "READ" in unread.text and topic in unread.text
    assert topic not in topic_names(destination)
    assert keyed_rest.mirrors("secured") == []

    allow(secure_source, "link", "READ", topic)
    wait_until(lambda: keyed_rest.create_mirror("secured", topic).is_success, "the mirror is created", poll_s=0.5)
    wait_for_ends(secure_source, destination, topic)
    assert consume(destination, topic) == consume(secure_source, topic)
