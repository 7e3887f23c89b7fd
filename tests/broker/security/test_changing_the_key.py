"""The key for stored secrets: wrong, right again, changed for another (SEC-30..32, STATE-17)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, checked, refusal, wait_for_ends
from tests.support.clients import create_topic
from tests.support.permitting import allow, login, set_scram_password
from tests.support.producing import numbered, produce
from tests.support.workers import WorkerProcess, wait_until

pytestmark = pytest.mark.timeout(400)
LINK, PASSWORD = "keyed", "planted-password-31d9"


def state(rest: Rest) -> tuple[str, str]:
    row: dict[str, Any] = checked(rest.ask("GET", f"/{LINK}")).json()
    return row["link_state"], row["link_error"]


def test_without_a_key_links_with_secrets_are_refused(
    secure_source: LocalCluster, destination: LocalCluster, tmp_path: Path
) -> None:
    """SEC-30; one without secrets may be created all the same."""
    with WorkerProcess(destination.bootstrap_servers, tmp_path) as worker, Rest(worker, destination) as rest:
        answer = rest.create_link(LINK, secure_source, **login(secure_source, "alice"))
        assert refusal(answer) == (400, 40002)
        assert "CLUSTERLINK_PASSWORD_ENCODER_SECRET" in answer.text
        assert rest.links() == []


def test_the_key_is_lost_found_and_changed(
    secure_source: LocalCluster, destination: LocalCluster, tmp_path: Path, topic: str
) -> None:
    create_topic(secure_source, topic)
    allow(secure_source, "alice", "READ DESCRIBE_CONFIGS", topic)
    set_scram_password(secure_source, "alice", PASSWORD)
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("the first key\n")
    second.write_text("the second key\n")
    key, old = "password_encoder_secret_file", "password_encoder_old_secret_file"
    app_id = "t-keys"
    quick = {"availability.check.ms": "1000"}

    with WorkerProcess(destination.bootstrap_servers, tmp_path, app_id, **{key: str(first)}) as worker:
        with Rest(worker, destination) as rest:
            given = login(secure_source, "alice", PASSWORD, "SCRAM-SHA-256") | quick
            checked(rest.create_link(LINK, secure_source, **given))
            checked(rest.create_mirror(LINK, topic))
            produce(secure_source, topic, numbered(10))
            wait_for_ends(secure_source, destination, topic)
            first.write_text("not the key that it was\n")
            checked(rest.ask("PUT", f"/{LINK}/configs/acl.sync.ms", {"value": "9000"}))
            wait_until(lambda: state(rest) == ("FAILED", "SECRET_DECRYPTION_ERROR"), "the link is FAILED")
            first.write_text("the first key\n")
            wait_until(lambda: state(rest)[0] == "ACTIVE", "the link is back by itself")
            produce(secure_source, topic, numbered(10))
            wait_for_ends(secure_source, destination, topic)
        worker.terminate()

    with WorkerProcess(
        destination.bootstrap_servers, tmp_path, app_id, **{key: str(second), old: str(first)}
    ) as worker:
        moved = f"Link {LINK}: its secrets are stored under the current key"
        wait_until(lambda: moved in worker.log(), "the secrets are stored anew")
        assert worker.log().count(moved) == 1
        worker.terminate()

    last = WorkerProcess(destination.bootstrap_servers, tmp_path, app_id, **{key: str(second)})
    with last as worker, Rest(worker, destination) as rest:
        wait_until(lambda: rest.links() == [LINK] and state(rest)[0] == "ACTIVE", "the link works")
        produce(secure_source, topic, numbered(10))
        wait_for_ends(secure_source, destination, topic)
        listed = checked(rest.ask("GET", f"/{LINK}/configs/sasl.jaas.config")).json()
        assert listed["value"] is None and PASSWORD not in json.dumps(listed)
        assert PASSWORD not in worker.log()
