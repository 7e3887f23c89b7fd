"""SASL GSSAPI end to end: MIT's KDC, a broker with a keytab, a link with another (LINK-76..79, LINK-95)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.local.cluster import LocalCluster
from pipeline.local.options import ClusterOptions, Protocol
from pipeline.local.ports import HOST
from tests.support.asking import Rest, assert_equal, checked, refusal, wait_for_ends
from tests.support.clients import create_topic
from tests.support.kerberos import REALM, Kdc, need_kerberos
from tests.support.load import Load
from tests.support.permitting import allow
from tests.support.workers import WorkerProcess, wait_until

pytestmark = pytest.mark.timeout(600)
USER, TICKET_LIFE_S = "linker", 12
ACCEPTOR = "storeKey=true isInitiator=false"
MODULE = "com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true"


@pytest.fixture(scope="module")
def kdc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kdc]:
    need_kerberos()
    with Kdc(tmp_path_factory.mktemp("kdc"), TICKET_LIFE_S) as server:
        yield server


@pytest.fixture(scope="module")
def kerberos_source(kdc: Kdc) -> Iterator[LocalCluster]:
    """Its listener takes tickets for kafka/127.0.0.1, and cuts a connection whose ticket has run out (KIP-368)."""
    service = f"kafka/{HOST}"
    keys = f'{MODULE} keyTab="{kdc.keytab(service)}" principal="{service}@{REALM}" {ACCEPTOR};'
    listener = "listener.name.sasl_plaintext"
    options = ClusterOptions(
        protocols=(Protocol.SASL_PLAINTEXT,),
        users={"admin": "admin-secret"},
        super_users=("admin",),
        properties={
            f"{listener}.sasl.enabled.mechanisms": "PLAIN,GSSAPI",
            f"{listener}.gssapi.sasl.jaas.config": keys,
            f"{listener}.sasl.kerberos.service.name": "kafka",  # Kafka wants it of every mechanism beside GSSAPI
            f"{listener}.gssapi.connections.max.reauth.ms": "60000",
        },
        java_properties={"java.security.krb5.conf": str(kdc.krb5_conf)},
    )
    with LocalCluster(options) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def rest(kdc: Kdc, destination: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rest]:
    """Of a worker that is told where the KDC is, as its operators would."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in kdc.environment.items():
            patch.setenv(name, value)
        folder = tmp_path_factory.mktemp("kerberos-worker")
        worker = WorkerProcess(destination.bootstrap_servers, folder, password_encoder_secret="a key for this test")
        with worker, Rest(worker, destination) as made:
            yield made


def by_keytab(keytab: Path, user: str = USER) -> dict[str, str]:
    """Link properties, with underscores for dots."""
    return {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "GSSAPI",
        "sasl_kerberos_service_name": "kafka",
        "sasl_jaas_config": f'{MODULE} keyTab="{keytab}" principal="{user}@{REALM}";',
        "availability_check_ms": "1000",
    }


def state(rest: Rest, link: str) -> tuple[str, str]:
    row = checked(rest.ask("GET", f"/{link}")).json()
    return row["link_state"], row["link_error"]


def test_tickets_are_renewed_while_it_copies(
    kerberos_source: LocalCluster, destination: LocalCluster, rest: Rest, kdc: Kdc, topic: str
) -> None:
    """Three lives of a ticket long there is load; then the keytab is lost, and found again."""
    keytab = kdc.keytab(USER)
    create_topic(kerberos_source, topic, 2)
    allow(kerberos_source, USER, "READ DESCRIBE_CONFIGS", topic)
    checked(rest.create_link("kerberos", kerberos_source, **by_keytab(keytab)))
    checked(rest.create_mirror("kerberos", topic))
    rest.wait_for_status("kerberos", topic)
    seen = set[tuple[str, str]]()

    def tickets() -> int:
        seen.add(state(rest, "kerberos"))
        return sum("AS_REQ" in line and "ISSUE" in line and USER in line for line in kdc.log().splitlines())

    enough = tickets() + 3
    with Load(kerberos_source, topic, 2):
        wait_until(lambda: tickets() >= enough, "three more tickets were asked for", within_s=120, poll_s=0.25)
    wait_for_ends(kerberos_source, destination, topic, 2)
    assert seen == {("ACTIVE", "NO_ERROR")}
    assert_equal(kerberos_source, destination, topic, partitions=2)

    away = keytab.rename(keytab.with_suffix(".away"))
    wait_until(lambda: state(rest, "kerberos") == ("FAILED", "FILE_NOT_FOUND_ERROR"), "the keytab is missed")
    away.rename(keytab)
    wait_until(lambda: state(rest, "kerberos") == ("ACTIVE", "NO_ERROR"), "the keytab is found")


def test_who_has_no_ticket_is_refused(kerberos_source: LocalCluster, rest: Rest, kdc: Kdc) -> None:
    """STATE-11: a principal that the KDC does not know; LINK-95: a keytab that is not there."""
    answer = rest.create_link("nobody", kerberos_source, **by_keytab(kdc.keytab("somebody"), "nobody"))
    assert refusal(answer) == (400, 40002)
    assert "AUTHENTICATION_ERROR" in answer.text and f"nobody@{REALM}" in answer.text, answer.text
    answer = rest.create_link("missing", kerberos_source, **by_keytab(Path("/not/there.keytab")))
    assert refusal(answer) == (400, 40002)
    assert "/not/there.keytab: no such file" in answer.text, answer.text
