"""Who dials for a partner that waits, by certificate, token and ticket: guards do not hit him (MODE-43, MIRROR-4).

Two clusters with users and ACLs, a worker beside each with the least rights, which logs in to one by ticket and to the
other by certificate. One cluster knows certificates by their subjects, the other by names that its rules make of them.
The links between the two have credentials of their own (SEC-22).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka.admin import ResourceType

from pipeline.local.certificates import KeyPair
from pipeline.local.cluster import LocalCluster
from pipeline.local.options import ClusterOptions, Protocol
from tests.broker.security.test_read_only_guard import denied, is_refused
from tests.support.asking import Rest, assert_equal, checked, wait_for_ends
from tests.support.clients import create_topic
from tests.support.kerberos import Kdc, need_kerberos
from tests.support.listeners import both, by_keytab, by_token, java_of, taking, tickets_of, tokens_of
from tests.support.permitting import allow
from tests.support.producing import numbered, produce
from tests.support.token_server import TokenServer
from tests.support.workers import WorkerProcess, wait_until

pytestmark = pytest.mark.timeout(500)
APP, HEAD, SECRET = "names-app", "named", "planted-client-secret-5d0e"
RULES = {"listener.name.ssl.ssl.principal.mapping.rules": "RULE:^CN=(.*?),O=Example$/$1-by-rule/,DEFAULT"}
DIALLER, DIALLER_BY_RULE, WORKER_BY_RULE = "CN=dialler,O=Example", "dialler-by-rule", "worker-by-rule"
CARRYING = {
    "cluster": "DESCRIBE ALTER",
    "app": "CREATE DESCRIBE DESCRIBE_CONFIGS READ WRITE",
    "mirrors": "CREATE DESCRIBE ALTER DESCRIBE_CONFIGS ALTER_CONFIGS READ WRITE DELETE",
}
"""What docs/security.md lists for workers, their own and those that dial for them."""


@dataclass
class World:
    """`plain` knows certificates by their subjects, `ruled` by names of its own; links are dialled by `means`."""

    plain: LocalCluster
    ruled: LocalCluster
    folder: Path
    means: dict[str, dict[str, str]]

    def by_certificate(self, **settings: str) -> WorkerProcess:
        """Beside `ruled`; not started yet."""
        assert self.ruled.authority is not None
        own = in_files(self.ruled, self.ruled.authority.issue("worker", organization="Example"), self.folder)
        return WorkerProcess(self.ruled.bootstrap(Protocol.SSL), self.folder, APP, **self._settings(own), **settings)

    def by_ticket(self, kdc: Kdc) -> WorkerProcess:
        """Beside `plain`; not started yet."""
        settings = self._settings(by_keytab(kdc.keytab("worker"), "worker"))
        servers = self.plain.bootstrap_servers
        return WorkerProcess(servers, self.folder, APP, environment=kdc.environment, **settings)

    def _settings(self, own: dict[str, str]) -> dict[str, str]:
        config = self.folder / f"{uuid.uuid4().hex}.config"
        config.write_text("".join(f"{name.replace('_', '.')}={value}\n" for name, value in own.items()))
        return {"command_config": str(config), "password_encoder_secret": "a key for names"}


def in_files(cluster: LocalCluster, keys: KeyPair, folder: Path) -> dict[str, str]:
    """Properties of a client, with underscores for dots; keys and trust in files of PEM (LINK-83, LINK-85)."""
    at = folder / cluster.cluster_id
    at.mkdir(exist_ok=True)
    (at / "keys.pem").write_text(keys.key + keys.certificate)
    (at / "trust.pem").write_text(keys.authority)
    return {
        "bootstrap_servers": cluster.bootstrap(Protocol.SSL),
        "security_protocol": "SSL",
        "ssl_truststore_type": "PEM",
        "ssl_truststore_location": str(at / "trust.pem"),
        "ssl_keystore_type": "PEM",
        "ssl_keystore_location": str(at / "keys.pem"),
    }


def in_line(cluster: LocalCluster, head: str = "") -> dict[str, str]:
    """Properties of a link that dials by certificate, with underscores for dots."""
    assert cluster.authority is not None
    keys = cluster.authority.issue("dialler", organization="Example")
    given = {
        "bootstrap_servers": cluster.bootstrap(Protocol.SSL),
        "security_protocol": "SSL",
        "ssl_truststore_type": "PEM",
        "ssl_truststore_certificates": keys.authority,
        "ssl_keystore_type": "PEM",
        "ssl_keystore_certificate_chain": keys.certificate,
        "ssl_keystore_key": keys.key,
    }
    return {f"{head}{name}": value for name, value in given.items()}


@pytest.fixture(scope="module")
def kdc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kdc]:
    need_kerberos()
    with Kdc(tmp_path_factory.mktemp("kdc")) as server:
        yield server


@pytest.fixture(scope="module")
def world(kdc: Kdc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    def options(tokens: TokenServer, **properties: str) -> ClusterOptions:
        return ClusterOptions(
            protocols=(Protocol.SASL_PLAINTEXT, Protocol.SSL),
            users={"admin": "admin-secret", "alice": "alice-secret"},
            super_users=("admin",),
            client_certificates="required",
            properties=taking("OAUTHBEARER", "GSSAPI") | tokens_of(tokens, 0) | tickets_of(kdc, 0) | properties,
            java_properties=java_of(tokens, kdc),
        )

    with (
        TokenServer({"token-client": SECRET}) as tokens,
        LocalCluster(options(tokens)) as plain,
        LocalCluster(options(tokens, **RULES)) as ruled,
    ):
        own = {"local_bootstrap_servers": plain.bootstrap_servers}
        means = {
            "certified": in_line(ruled) | in_line(plain, "local_"),
            "token": both(by_token(tokens, "token-client", SECRET)) | own,
            "ticket": both(by_keytab(kdc.keytab("ticketed"), "ticketed")) | own,
        }
        permit(plain, "worker", DIALLER, "token-client", "ticketed")
        permit(ruled, WORKER_BY_RULE, DIALLER_BY_RULE, "token-client", "ticketed")
        yield World(plain, ruled, tmp_path_factory.mktemp("workers"), means)


def permit(cluster: LocalCluster, *users: str) -> None:
    for user in users:
        allow(cluster, user, CARRYING["cluster"])
        allow(cluster, user, CARRYING["app"], APP, prefixed=True)
        allow(cluster, user, "READ", APP, prefixed=True, kind=ResourceType.GROUP)
        allow(cluster, user, CARRYING["mirrors"], HEAD, prefixed=True)
    allow(cluster, "alice", "WRITE DESCRIBE", HEAD, prefixed=True)


@contextmanager
def at_work(*workers: tuple[WorkerProcess, LocalCluster]) -> Iterator[list[Rest]]:
    """The workers, started at once, and what they say over REST."""
    with ExitStack() as stack:
        for worker, _ in workers:
            stack.enter_context(worker.ended_with_us())
            worker.launch()
        for worker, _ in workers:
            worker.wait_until_ready()
        yield [stack.enter_context(Rest(worker, cluster)) for worker, cluster in workers]


def pair(waiting: tuple[Rest, LocalCluster], dialling: tuple[Rest, LocalCluster], link: str, **means: str) -> None:
    """A source-initiated link, and a mirror of the topic of its name."""
    (here, public), (there, private) = waiting, dialling
    create_topic(private, f"{HEAD}-{link}")
    produce(private, f"{HEAD}-{link}", numbered(20))
    checked(here.create_waiting(link, private, availability_check_ms="1000"))
    checked(there.create_source_half(link, public, **means))
    wait_until(lambda: here.create_mirror(link, f"{HEAD}-{link}").is_success, f"{link} is carried", 120, 1)
    here.wait_for_status(link, f"{HEAD}-{link}", within_s=120)
    wait_for_ends(private, public, f"{HEAD}-{link}")


def test_guards_spare_who_dials_by_whatever_name(world: World, kdc: Kdc) -> None:
    """A name that cannot be tried is one that an operator has to tell; until then there is no guard, which is said."""
    plain, ruled = world.plain, world.ruled
    private = world.by_ticket(kdc)
    with at_work((private, plain)) as (there,):
        public = world.by_certificate()
        with at_work((public, ruled)) as (here,):
            for link, means in world.means.items():
                pair((here, ruled), (there, plain), link, **means)
            said = "no read-only guards (MIRROR-4)"
            wait_until(lambda: f"Link certified: {said}" in public.log(), "it is said of a name by rule")
            assert denied(ruled, f"{HEAD}-certified") == set()
            # the other way the subject of the certificate is the name
            pair((there, plain), (here, ruled), "subject", **in_line(plain))
            for cluster, link, name in (
                (ruled, "token", "token-client"),
                (ruled, "ticket", "ticketed"),
                (plain, "subject", DIALLER),
            ):
                wait_for_guard(cluster, link, name)
            for worker in (public, private):
                assert not any(f"Link {link}: {said}" in worker.log() for link in ("token", "ticket", "subject"))
            public.terminate()
        with at_work((world.by_certificate(guard_spares=f"User:{DIALLER_BY_RULE}"), ruled)) as (here,):
            wait_for_guard(ruled, "certified", DIALLER_BY_RULE)
            for link in world.means:
                goes_on(plain, ruled, link)
            goes_on(ruled, plain, "subject")
            assert here.mirror("certified", f"{HEAD}-certified")["mirror_status"] == "ACTIVE"


def wait_for_guard(cluster: LocalCluster, link: str, name: str) -> None:
    """Others are refused, and not the one of this name."""
    topic = f"{HEAD}-{link}"
    wait_until(lambda: "User:alice" in denied(cluster, topic), f"{topic} is guarded", poll_s=0.25)
    assert is_refused(cluster, topic, "alice")
    wait_until(lambda: f"User:{name}" not in denied(cluster, topic), f"{name} is spared on {topic}", poll_s=0.25)


def goes_on(source: LocalCluster, destination: LocalCluster, link: str) -> None:
    topic = f"{HEAD}-{link}"
    produce(source, topic, numbered(20, start=20))
    wait_for_ends(source, destination, topic, within_s=120)
    assert_equal(source, destination, topic)
