"""A link to a source with users and ACLs, from the wrong password to a copy, and to another password under load."""

from __future__ import annotations

import threading

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, checked, refusal, wait_for_ends
from tests.support.clients import admin, create_topic
from tests.support.consuming import consume
from tests.support.permitting import allow, login, set_scram_password
from tests.support.producing import numbered, produce
from tests.support.workers import wait_until

pytestmark = pytest.mark.timeout(300)


def topics(cluster: LocalCluster) -> set[str]:
    return set(admin(cluster).list_topics(timeout=30).topics)


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
    assert topic not in topics(destination)
    assert keyed_rest.mirrors("secured") == []

    allow(secure_source, "link", "READ", topic)
    wait_until(lambda: keyed_rest.create_mirror("secured", topic).is_success, "the mirror is created", poll_s=0.5)
    wait_for_ends(secure_source, destination, topic)
    assert consume(destination, topic) == consume(secure_source, topic)


def give_password(rest: Rest, link: str, source: LocalCluster, password: str) -> None:
    value = login(source, "alice", password, "SCRAM-SHA-256")["sasl_jaas_config"]
    checked(rest.ask("PUT", f"/{link}/configs:alter", {"data": [{"name": "sasl.jaas.config", "value": value}]}))


def link_state(rest: Rest, link: str) -> tuple[str, str]:
    row = checked(rest.ask("GET", f"/{link}")).json()
    return row["link_state"], row["link_error"]


def test_credentials_change_while_it_copies(
    secure_source: LocalCluster, destination: LocalCluster, keyed_rest: Rest, topic: str
) -> None:
    """SEC-33: a wrong one shows and the old can be put back; a new one is taken up. No restart, gap or duplicate."""
    link, rounds = "rotated", list[int]()
    create_topic(secure_source, topic)
    allow(secure_source, "alice", "READ DESCRIBE_CONFIGS", topic)
    set_scram_password(secure_source, "alice", "planted-first")
    first = login(secure_source, "alice", "planted-first", "SCRAM-SHA-256")
    checked(keyed_rest.create_link(link, secure_source, **first))
    checked(keyed_rest.create_mirror(link, topic))
    done = threading.Event()

    def load() -> None:
        while not done.wait(0.1):
            produce(secure_source, topic, numbered(200, start=200 * len(rounds)))
            rounds.append(len(rounds))

    producer = threading.Thread(target=load)
    producer.start()
    try:
        wait_until(lambda: consume(destination, topic, end=None) if topic in topics(destination) else [], "it copies")
        give_password(keyed_rest, link, secure_source, "planted-wrong")
        error = ("UNAVAILABLE", "AUTHENTICATION_ERROR")
        wait_until(lambda: link_state(keyed_rest, link) == error, "the link says that its credential is wrong")
        assert "planted" not in keyed_rest.ask("GET", f"/{link}").text
        give_password(keyed_rest, link, secure_source, "planted-first")
        wait_until(lambda: link_state(keyed_rest, link) == ("ACTIVE", "NO_ERROR"), "the old credential is put back")
        set_scram_password(secure_source, "alice", "planted-second")
        give_password(keyed_rest, link, secure_source, "planted-second")
        enough = len(rounds) + 5
        wait_until(lambda: len(rounds) >= enough, "there is load with the new credential too")
    finally:
        done.set()
        producer.join()
    wait_for_ends(secure_source, destination, topic)
    copied = consume(destination, topic)
    assert copied == consume(secure_source, topic)
    assert len(copied) == 200 * len(rounds)
