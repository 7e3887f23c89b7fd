"""A worker beside a cluster with users and ACLs, serving HTTPS to callers with certificates, with the least rights."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from confluent_kafka.admin import ResourceType

from pipeline.local.certificates import Authority, KeyPair
from pipeline.local.cluster import LocalCluster
from pipeline.local.ports import HOST
from tests.acceptance.tasks import task
from tests.broker.conftest import SUPER_USER
from tests.broker.security.test_read_only_guard import is_refused
from tests.support.asking import Rest, checked, wait_for_ends
from tests.support.clients import create_topic, log_ends
from tests.support.consuming import consume
from tests.support.permitting import allow, disallow
from tests.support.producing import Sent, TransactionalProducer, numbered, produce
from tests.support.workers import WorkerProcess, wait_until

pytestmark = pytest.mark.timeout(300)
APP, WORKER = "secured-app", "secured"
"""The worker's user at the destination; ACLs below are all that it has (SEC-12)."""
OWN_REFUSAL = "BROKER_AUTHORIZATION_ERROR"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def written(folder: Path, name: str, keys: KeyPair) -> tuple[str, str]:
    """A certificate and its key as files."""
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    certificate.write_text(keys.certificate)
    key.write_text(keys.key)
    return str(certificate), str(key)


def client(authority: Authority, folder: Path, name: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=authority.certificate)
    if name:
        context.load_cert_chain(*written(folder, name, authority.issue(name)))
    return context


@pytest.fixture(scope="module")
def worker(
    secure_destination: LocalCluster, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WorkerProcess]:
    tmp_path = tmp_path_factory.mktemp("secured")
    operations = "CREATE DESCRIBE DESCRIBE_CONFIGS READ WRITE"
    allow(secure_destination, WORKER, operations, APP, prefixed=True)
    allow(secure_destination, WORKER, "READ", APP, prefixed=True, kind=ResourceType.GROUP)
    allow(secure_destination, WORKER, "DESCRIBE ALTER")
    config = tmp_path / "own.config"
    own = secure_destination.client_properties(WORKER)
    config.write_text("".join(f"{name}={value}\n" for name, value in own.items()))
    trusted, credentials = tmp_path / "authority.crt", tmp_path / "callers"
    trusted.write_text(authority.certificate)
    credentials.write_text("operator:CN=ops\nreader:CN=viewer\n")
    certificate, key = written(tmp_path, "worker", authority.issue("worker", (HOST, "localhost")))
    settings = {
        "command_config": str(config),
        "rest_authentication": "mtls",
        "rest_credentials_file": str(credentials),
        "web_certificate_file": certificate,
        "web_key_file": key,
        "web_client_authority_file": str(trusted),
    }
    ops = client(authority, tmp_path, "ops")
    with WorkerProcess(secure_destination.bootstrap_servers, tmp_path, APP, client_tls=ops, **settings) as process:
        yield process


def test_least_rights_and_certificates_are_enough(
    source: LocalCluster, secure_destination: LocalCluster, worker: WorkerProcess, topic: str
) -> None:
    """SEC-12, SEC-25, REST-95: gaps are filled too, by markers of the worker's own."""
    create_topic(source, topic)
    produce(source, topic, numbered(100))
    TransactionalProducer(source, topic).aborted(numbered(10))
    operations = "CREATE DESCRIBE ALTER DESCRIBE_CONFIGS ALTER_CONFIGS READ WRITE DELETE"
    allow(secure_destination, WORKER, operations, topic)
    with Rest(worker, secure_destination) as rest:
        checked(rest.create_link("least", source, topic_config_sync_ms="1000"))
        checked(rest.create_mirror("least", topic))
        rest.wait_for_status("least", topic)
    wanted = log_ends(source, topic)
    wait_until(lambda: log_ends(secure_destination, topic) == wanted, f"the mirror ends at {wanted}", within_s=60)
    assert consume(secure_destination, topic, user=SUPER_USER) == consume(source, topic)
    assert "may write to" not in worker.log(), "the commands topic is not open to all"

    disallow(secure_destination, WORKER, "WRITE", topic)
    produce(source, topic, numbered(10, start=100))
    with Rest(worker, secure_destination) as rest:
        lacking = f"destination: WRITE on topic {topic} is not allowed"

        def said() -> bool:
            listed = task(rest, "least", "TopicConfigsSync").get("errors") or ()
            return [each["error_code"] for each in listed if lacking in each["error_message"]] == [OWN_REFUSAL]

        wait_until(said, "the task says what is missing (STATE-36)", poll_s=0.25)
        allow(secure_destination, WORKER, "WRITE", topic)
        wait_until(lambda: log_ends(secure_destination, topic) == log_ends(source, topic), "it goes on", poll_s=0.25)
        wait_until(lambda: task(rest, "least", "TopicConfigsSync")["state"] == "ACTIVE", "and is well", poll_s=0.25)
    assert consume(secure_destination, topic, user=SUPER_USER) == consume(source, topic)


def test_callers_are_known_by_their_certificates(
    secure_destination: LocalCluster, worker: WorkerProcess, authority: Authority, tmp_path: Path
) -> None:
    """SEC-2: who may only look may list, and change nothing."""
    links = f"{worker.url}/kafka/v3/clusters/{secure_destination.cluster_id}/links"

    def ask(method: str, name: str | None) -> int:
        return httpx.request(
            method, links, params={"link_name": "x"}, json={}, verify=client(authority, tmp_path, name), timeout=90
        ).status_code

    assert (ask("GET", "ops"), ask("GET", "viewer"), ask("POST", "viewer")) == (200, 200, 403)
    assert (ask("GET", "stranger"), ask("GET", None)) == (401, 401)
    with pytest.raises(httpx.TransportError):
        httpx.get(links.replace("https", "http"), timeout=90)


def test_who_may_write_commands_may_command(
    source: LocalCluster, secure_destination: LocalCluster, worker: WorkerProcess, topic: str
) -> None:
    """SEC-1, SEC-3; SEC-23: nothing of the operator is in the link, which works on when he may do nothing any more."""
    commands, link = f"{APP}.commands", "by-alice"
    assert is_refused(secure_destination, commands, "alice")
    create_topic(source, topic)
    operations = "CREATE DESCRIBE ALTER DESCRIBE_CONFIGS ALTER_CONFIGS READ WRITE DELETE"
    allow(secure_destination, WORKER, operations, topic)
    allow(secure_destination, "alice", "DESCRIBE WRITE", commands)
    alice = {"sasl.username": "alice", "sasl.password": secure_destination.options.users["alice"]}

    def command(kind: str, **arguments: object) -> None:
        value = {"id": f"{link}-{kind}", "link": link, "kind": kind, "arguments": arguments}
        produce(secure_destination, commands, [Sent(json.dumps(value).encode(), link.encode())], **alice)

    with Rest(worker, secure_destination) as rest:
        command("link.create", configs=[{"name": "bootstrap.servers", "value": source.bootstrap_servers}])
        wait_until(lambda: link in rest.links(), "alice's link is there")
        command("mirror.create", source_topic_name=topic)
        wait_until(lambda: rest.mirror(link, topic).get("mirror_status") == "ACTIVE", "alice's mirror is there")
    disallow(secure_destination, "alice", "WRITE", commands)
    assert is_refused(secure_destination, commands, "alice")
    produce(source, topic, numbered(10))
    wait_for_ends(source, secure_destination, topic)
