"""TLS contexts by shaking hands with a server: trust, host names, identity, versions, suites, replaced files."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest

from pipeline.cluster.errors import SecurityError
from pipeline.cluster.properties import Properties
from pipeline.cluster.tls import TlsContext, TlsSettings
from pipeline.cluster.tls_properties import read_tls
from pipeline.local.certificates import Authority, KeyPair

AUTHORITY = Authority()
SERVER = AUTHORITY.issue("broker", ("localhost",))
US = AUTHORITY.issue("us")
TRUST = {"ssl.truststore.certificates": AUTHORITY.certificate}
IDENTITY = {"ssl.keystore.certificate.chain": US.certificate, "ssl.keystore.key": US.key}


def settings(**values: str) -> TlsSettings:
    return read_tls(Properties({name.replace("_", "."): value for name, value in values.items()}))


def context(values: dict[str, str]) -> ssl.SSLContext:
    return read_tls(Properties(values)).context()


def server_context(folder: Path, pair: KeyPair = SERVER, wants_certificate: bool = False) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    file = folder / "server.pem"
    file.write_text(pair.key + pair.certificate)
    made.load_cert_chain(file)
    if wants_certificate:
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(cadata=AUTHORITY.certificate)
    return made


def handshake(client: ssl.SSLContext, server: ssl.SSLContext, host: str = "localhost") -> ssl.SSLObject:
    """Shake hands in memory; return the server's side."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname=host)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    waiting = [ours, theirs]
    for _ in range(10):
        for side in list(waiting):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(side)
    assert not waiting
    return theirs


def test_a_broker_we_trust(tmp_path: Path) -> None:
    handshake(context(TRUST), server_context(tmp_path))


def test_a_broker_of_another_authority_is_refused(tmp_path: Path) -> None:
    stranger = Authority().issue("broker", ("localhost",))
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(context(TRUST), server_context(tmp_path, stranger))


def test_without_a_trust_store_the_system_decides(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(context({}), server_context(tmp_path))


def test_the_host_name_counts_unless_told_otherwise(tmp_path: Path) -> None:
    """LINK-87."""
    server = server_context(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(context(TRUST), server, host="elsewhere")
    handshake(context(TRUST | {"ssl.endpoint.identification.algorithm": ""}), server, host="elsewhere")
    with pytest.raises(SecurityError, match="https or empty"):
        context(TRUST | {"ssl.endpoint.identification.algorithm": "maybe"})


def test_we_show_our_certificate(tmp_path: Path) -> None:
    theirs = handshake(context(TRUST | IDENTITY), server_context(tmp_path, wants_certificate=True))
    certificate = theirs.getpeercert()
    assert certificate is not None
    assert certificate["subject"] == ((("commonName", "us"),),)


def test_a_key_that_does_not_fit_is_refused() -> None:
    other = AUTHORITY.issue("other")
    with pytest.raises(SecurityError, match="do not fit") as caught:
        context(TRUST | IDENTITY | {"ssl.keystore.key": other.key})
    assert caught.value.property_name == "ssl.keystore"


@pytest.mark.parametrize(
    ("values", "version"),
    [
        ({}, "TLSv1.3"),
        ({"ssl.enabled.protocols": "TLSv1.2"}, "TLSv1.2"),
        ({"ssl.protocol": "TLSv1.2"}, "TLSv1.2"),
        ({"ssl.protocol": "TLS"}, "TLSv1.3"),
    ],
)
def test_versions(tmp_path: Path, values: dict[str, str], version: str) -> None:
    """LINK-88."""
    assert handshake(context(TRUST | values), server_context(tmp_path)).version() == version


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"ssl.enabled.protocols": "TLSv1.2,SSLv3"}, "ssl.enabled.protocols"),
        ({"ssl.protocol": "SSLv3"}, "ssl.protocol"),
        ({"ssl.protocol": "TLSv1.2", "ssl.enabled.protocols": "TLSv1.3"}, "ssl.protocol"),
        ({"ssl.cipher.suites": "TLS_NO_SUCH_SUITE"}, "ssl.cipher.suites"),
        (
            {"ssl.cipher.suites": "TLS_AES_128_GCM_SHA256", "ssl.enabled.protocols": "TLSv1.2"},
            "ssl.cipher.suites",
        ),
        ({"ssl.engine.factory.class": "com.example.Engine"}, "ssl.engine.factory.class"),
    ],
)
def test_what_is_refused_is_named(values: dict[str, str], name: str) -> None:
    with pytest.raises(SecurityError) as caught:
        context(TRUST | values)
    assert caught.value.property_name == name


@pytest.mark.parametrize(
    ("suite", "chosen"),
    [
        ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"),
        ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"),
        ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    ],
)
def test_suites_by_javas_names(tmp_path: Path, suite: str, chosen: str) -> None:
    """LINK-89."""
    only = TRUST | {"ssl.enabled.protocols": "TLSv1.2", "ssl.cipher.suites": suite}
    cipher = handshake(context(only), server_context(tmp_path)).cipher()
    assert cipher is not None
    assert cipher[0] == chosen


def test_suites_of_tls_1_3_alone_mean_tls_1_3() -> None:
    made = context(TRUST | {"ssl.cipher.suites": "TLS_AES_128_GCM_SHA256"})
    assert made.minimum_version == ssl.TLSVersion.TLSv1_3


def test_a_replaced_file_makes_a_new_context(tmp_path: Path) -> None:
    """SEC-35: reread at reconnect."""
    path = tmp_path / "trust.pem"
    path.write_text(Authority().certificate)
    current = TlsContext(settings(ssl_truststore_location=str(path))).current
    before = current()
    assert current() is before
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(before, server_context(tmp_path))
    path.write_text(AUTHORITY.certificate)
    os.utime(path, ns=(1, 1))
    handshake(current(), server_context(tmp_path))


def test_what_only_java_understands_is_ignored_aloud(caplog: pytest.LogCaptureFixture) -> None:
    """LINK-90."""
    context(TRUST | {"ssl.provider": "SunJSSE", "ssl.keymanager.algorithm": "SunX509"})
    assert "ssl.provider" in caplog.text
    assert "ssl.keymanager.algorithm" in caplog.text
