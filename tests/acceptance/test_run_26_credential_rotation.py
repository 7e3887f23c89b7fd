"""RUN-26: the credential of a link changes under load, to a wrong one, back, and to a new one (SEC-33).

A wrong one shows and the old can be put back; a new one is taken up: without a restart, a gap or a duplicate.
"""

from __future__ import annotations

import threading

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, checked, wait_for_ends
from tests.support.clients import create_topic
from tests.support.consuming import consume
from tests.support.permitting import allow, login, set_scram_password
from tests.support.producing import numbered, produce
from tests.support.workers import wait_until

pytestmark = pytest.mark.timeout(300)


def give_password(rest: Rest, link: str, source: LocalCluster, password: str) -> None:
    value = login(source, "alice", password, "SCRAM-SHA-256")["sasl_jaas_config"]
    checked(rest.ask("PUT", f"/{link}/configs:alter", {"data": [{"name": "sasl.jaas.config", "value": value}]}))


def link_state(rest: Rest, link: str) -> tuple[str, str]:
    row = checked(rest.ask("GET", f"/{link}")).json()
    return row["link_state"], row["link_error"]


def test_run_26(secure_source: LocalCluster, destination: LocalCluster, rest: Rest, topic: str) -> None:
    link, rounds = f"{topic[-30:]}-link", list[int]()
    create_topic(secure_source, topic)
    allow(secure_source, "alice", "READ DESCRIBE_CONFIGS", topic)
    set_scram_password(secure_source, "alice", "planted-first")
    first = login(secure_source, "alice", "planted-first", "SCRAM-SHA-256")
    checked(rest.create_link(link, secure_source, **first))
    checked(rest.create_mirror(link, topic))
    done = threading.Event()

    def load() -> None:
        while not done.wait(0.1):
            produce(secure_source, topic, numbered(200, start=200 * len(rounds)))
            rounds.append(len(rounds))

    producer = threading.Thread(target=load)
    producer.start()
    try:
        rest.wait_for_status(link, topic)
        wait_until(lambda: consume(destination, topic), "it copies")
        give_password(rest, link, secure_source, "planted-wrong")
        error = ("UNAVAILABLE", "AUTHENTICATION_ERROR")
        wait_until(lambda: link_state(rest, link) == error, "the link says that its credential is wrong")
        assert "planted" not in rest.ask("GET", f"/{link}").text
        give_password(rest, link, secure_source, "planted-first")
        wait_until(lambda: link_state(rest, link) == ("ACTIVE", "NO_ERROR"), "the old credential is put back")
        set_scram_password(secure_source, "alice", "planted-second")
        give_password(rest, link, secure_source, "planted-second")
        enough = len(rounds) + 5
        wait_until(lambda: len(rounds) >= enough, "there is load with the new credential too")
    finally:
        done.set()
        producer.join()
    wait_for_ends(secure_source, destination, topic)
    copied = consume(destination, topic)
    assert copied == consume(secure_source, topic)
    assert len(copied) == 200 * len(rounds)
