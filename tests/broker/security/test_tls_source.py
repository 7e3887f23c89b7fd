"""A link over TLS, known to the source by its certificate, everything in line as PEM (LINK-82, LINK-84, SEC-21)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.local.certificates import Authority, KeyPair
from pipeline.local.cluster import LocalCluster
from pipeline.local.options import ClusterOptions, Protocol
from tests.support.asking import Rest, checked, refusal
from tests.support.clients import create_topic, log_ends
from tests.support.consuming import consume
from tests.support.producing import numbered, produce
from tests.support.workers import WorkerProcess, wait_until

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def tls_source() -> Iterator[LocalCluster]:
    """PLAINTEXT for the test itself, and TLS that asks for a certificate."""
    options = ClusterOptions(protocols=(Protocol.PLAINTEXT, Protocol.SSL), client_certificates="required")
    with LocalCluster(options) as cluster:
        yield cluster


def mutual_tls(cluster: LocalCluster, keys: KeyPair, trusted: str) -> dict[str, str]:
    """Link properties, with underscores for dots."""
    return {
        "bootstrap_servers": cluster.bootstrap(Protocol.SSL),
        "security_protocol": "SSL",
        "ssl_truststore_type": "PEM",
        "ssl_truststore_certificates": trusted,
        "ssl_keystore_type": "PEM",
        "ssl_keystore_certificate_chain": keys.certificate,
        "ssl_keystore_key": keys.key,
    }


def test_certificates_in_line_are_enough(
    tls_source: LocalCluster, destination: LocalCluster, keyed_worker: WorkerProcess, keyed_rest: Rest, topic: str
) -> None:
    assert tls_source.authority is not None
    create_topic(tls_source, topic)
    produce(tls_source, topic, numbered(100))
    keys = tls_source.authority.issue("link")
    given = mutual_tls(tls_source, keys, tls_source.authority.certificate)
    checked(keyed_rest.create_link("tls", tls_source, **given))
    checked(keyed_rest.create_mirror("tls", topic))
    wanted = log_ends(tls_source, topic)
    wait_until(lambda: log_ends(destination, topic) == wanted, f"the mirror ends at {wanted}", within_s=60)
    assert consume(destination, topic) == consume(tls_source, topic)
    secret = keys.key.splitlines()[1]
    assert len(secret) > 40 and secret not in keyed_worker.log()
    listed = checked(keyed_rest.ask("GET", "/tls/configs/ssl.keystore.key")).json()
    assert (listed["value"], listed["is_sensitive"]) == (None, True)


@pytest.mark.parametrize("wrong", ["authority", "certificate"])
def test_strangers_on_either_side_are_refused(tls_source: LocalCluster, keyed_rest: Rest, wrong: str) -> None:
    """STATE-11: a broker that we do not trust, and a broker that does not trust us."""
    assert tls_source.authority is not None
    stranger = Authority("a stranger")
    trusted = (stranger if wrong == "authority" else tls_source.authority).certificate
    keys = (stranger if wrong == "certificate" else tls_source.authority).issue("link")
    answer = keyed_rest.create_link("strange", tls_source, **mutual_tls(tls_source, keys, trusted))
    assert refusal(answer) == (400, 40002)
    assert "AUTHENTICATION_ERROR" in answer.text, answer.text
    assert "strange" not in keyed_rest.links()
