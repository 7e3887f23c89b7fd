"""SASL GSSAPI end to end: MIT's KDC, a broker with a keytab, a link with another (LINK-76..79, LINK-95)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.local.cluster import LocalCluster
from pipeline.local.options import ClusterOptions, Protocol
from tests.support.asking import Rest, assert_equal, checked, refusal, wait_for_ends
from tests.support.clients import create_topic
from tests.support.kerberos import REALM, Kdc, need_kerberos
from tests.support.listeners import by_keytab, java_of, taking, tickets_of
from tests.support.load import Load
from tests.support.permitting import allow
from tests.support.workers import InARow, WorkerProcess, wait_until

pytestmark = pytest.mark.timeout(600)
WELL = ("ACTIVE", "NO_ERROR")
USER, TICKET_LIFE_S = "linker", 12


@pytest.fixture(scope="module")
def kdc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kdc]:
    need_kerberos()
    with Kdc(tmp_path_factory.mktemp("kdc"), TICKET_LIFE_S) as server:
        yield server


@pytest.fixture(scope="module")
def kerberos_source(kdc: Kdc) -> Iterator[LocalCluster]:
    """Its listeners take tickets for kafka/127.0.0.1, and cut a connection whose ticket has run out (KIP-368)."""
    listener = taking("GSSAPI") | tickets_of(kdc)
    options = ClusterOptions(
        protocols=(Protocol.SASL_PLAINTEXT, Protocol.SASL_SSL),
        users={"admin": "admin-secret"},
        super_users=("admin",),
        properties=listener | {n.replace("sasl_plaintext", "sasl_ssl"): each for n, each in listener.items()},
        java_properties=java_of(kdc=kdc),
    )
    with LocalCluster(options) as cluster:
        yield cluster


class KerberosRest(Rest):
    """Of a worker that is told where the KDC is, as its operators would."""

    def __init__(self, worker: WorkerProcess, cluster: LocalCluster) -> None:
        super().__init__(worker, cluster)
        self.worker = worker


@pytest.fixture(scope="module")
def rest(kdc: Kdc, destination: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KerberosRest]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in kdc.environment.items():
            patch.setenv(name, value)
        folder = tmp_path_factory.mktemp("kerberos-worker")
        worker = WorkerProcess(destination.bootstrap_servers, folder, password_encoder_secret="a key for this test")
        with worker, KerberosRest(worker, destination) as made:
            yield made


def linked(keytab: Path, user: str = USER) -> dict[str, str]:
    return by_keytab(keytab, user) | {"availability_check_ms": "1000"}


def state(rest: Rest, link: str) -> tuple[str, str]:
    row = checked(rest.ask("GET", f"/{link}")).json()
    return row["link_state"], row["link_error"]


def verified(
    source: LocalCluster, destination: LocalCluster, rest: KerberosRest, properties: dict[str, str], topic: str
) -> int:
    """Records that `mirror verify` finds equal where it reads the source with the link's properties (CLI-55)."""
    file = rest.worker.folder / "source.properties"
    given = {"bootstrap_servers": source.bootstrap_servers} | properties
    file.write_text("".join(f"{name.replace('_', '.')}={value}\n" for name, value in given.items()), encoding="utf-8")
    words = ["mirror", "verify", topic, "--link", "kerberos", "-o", "json", "--source-command-config", str(file)]
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *words, "--bootstrap-server", destination.bootstrap_servers],
        env={**os.environ, "CLUSTERLINK_URL": rest.worker.url},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return int(json.loads(done.stdout)["records"])


def test_tickets_are_renewed_while_it_copies(
    kerberos_source: LocalCluster, destination: LocalCluster, rest: KerberosRest, kdc: Kdc, topic: str
) -> None:
    """Three tickets long there is load, and the link is never away; then the keytab is lost, and found again.

    In between the copy is compared with its source, which for that is read with tickets too.
    """
    keytab = kdc.keytab(USER)
    create_topic(kerberos_source, topic, 2)
    allow(kerberos_source, USER, "READ DESCRIBE_CONFIGS", topic)
    checked(rest.create_link("kerberos", kerberos_source, **linked(keytab)))
    checked(rest.create_mirror("kerberos", topic))
    rest.wait_for_status("kerberos", topic)

    def tickets() -> int:
        return sum("AS_REQ" in line and "ISSUE" in line and USER in line for line in kdc.log().splitlines())

    in_a_row = InARow(tickets, lambda: state(rest, "kerberos"))
    with Load(kerberos_source, topic, 2):
        wait_until(
            lambda: in_a_row.count() >= 3 and state(rest, "kerberos") == WELL,
            "three more tickets, and nothing else happens",
            200,
            0.25,
        )
    wait_for_ends(kerberos_source, destination, topic, 2)
    seen = assert_equal(kerberos_source, destination, topic, partitions=2)

    assert verified(kerberos_source, destination, rest, linked(keytab), topic) == seen.records

    away = keytab.rename(keytab.with_suffix(".away"))
    wait_until(lambda: state(rest, "kerberos") == ("FAILED", "FILE_NOT_FOUND_ERROR"), "the keytab is missed")
    away.rename(keytab)
    wait_until(lambda: state(rest, "kerberos") == WELL, "the keytab is found")


def test_tickets_over_tls(kerberos_source: LocalCluster, rest: Rest, kdc: Kdc) -> None:
    """SEC-21; no more than the link, which is tried before it is made (LINK-15)."""
    assert kerberos_source.authority is not None
    given = linked(kdc.keytab("over-tls"), "over-tls") | {
        "bootstrap_servers": kerberos_source.bootstrap(Protocol.SASL_SSL),
        "security_protocol": "SASL_SSL",
        "ssl_truststore_certificates": kerberos_source.authority.certificate,
    }
    checked(rest.create_link("tickets-over-tls", kerberos_source, **given))
    assert state(rest, "tickets-over-tls") == WELL


def test_who_has_no_ticket_is_refused(kerberos_source: LocalCluster, rest: Rest, kdc: Kdc) -> None:
    """STATE-11: a principal that the KDC does not know; LINK-95: a keytab that is not there."""
    answer = rest.create_link("nobody", kerberos_source, **linked(kdc.keytab("somebody"), "nobody"))
    assert refusal(answer) == (400, 40002)
    assert "AUTHENTICATION_ERROR" in answer.text and f"nobody@{REALM}" in answer.text, answer.text
    answer = rest.create_link("missing", kerberos_source, **linked(Path("/not/there.keytab")))
    assert refusal(answer) == (400, 40002)
    assert "/not/there.keytab: no such file" in answer.text, answer.text
