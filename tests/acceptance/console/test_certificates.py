"""Mutual TLS in a browser: who has a certificate that is known is signed in by it; who has none gets nowhere."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from pipeline.api.authentication import Authentication, Credential, Method, Role
from pipeline.api.tls import server_context
from tests.acceptance.console.serving import Served, served
from tests.support.browsing import Browser
from tests.support.packages import need
from tests.unit.api.fake_plane import FakePlane
from tests.unit.cli.certificates import Authority, Pem

POLICIES = Path("/etc/chromium/policies/managed")
OPS = Credential.of(Method.CERTIFICATE, "CN=ops", Role.OPERATOR)
VIEWER = Credential.of(Method.CERTIFICATE, "CN=viewer", Role.READER)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def here(plane: FakePlane, authority: Authority) -> Iterator[Served]:
    plane.add_link("east")
    plane.add_mirror("east", "orders", {0: (5, 9)})
    own = authority.issue("worker")
    tls = server_context(own.certificate, own.key, authority.path)
    with served(plane, Authentication((OPS, VIEWER)), tls) as running:
        yield running


def database(folder: Path, authority: Authority, person: Pem | None) -> Path:
    """A home folder with Chromium's certificates: the authority, and the person's own."""
    need({"certutil": "libnss3-tools", "pk12util": "libnss3-tools"})
    store = folder / ".pki" / "nssdb"
    store.mkdir(parents=True)
    where = ("-d", f"sql:{store}")
    commands = [
        ("certutil", *where, "-N", "--empty-password"),
        ("certutil", *where, "-A", "-n", "authority", "-t", "C,,", "-i", authority.path),
    ]
    if person is not None:
        key = serialization.load_pem_private_key(Path(person.key).read_bytes(), None)
        certificate = x509.load_pem_x509_certificate(Path(person.certificate).read_bytes())
        packed = folder / "person.p12"
        closing = serialization.BestAvailableEncryption(b"test")
        packed.write_bytes(pkcs12.serialize_key_and_certificates(b"person", key, certificate, None, closing))  # type: ignore[arg-type]
        commands.append(("pk12util", *where, "-i", str(packed), "-W", "test", "-K", ""))
    for command in commands:
        subprocess.run(command, check=True, capture_output=True, text=True)
    return folder


@contextmanager
def chosen_by_itself(url: str) -> Iterator[None]:
    """Let Chromium show the certificate of its user to this address: without a window nobody could press OK."""
    POLICIES.mkdir(parents=True, exist_ok=True)
    policy = POLICIES / f"clusterlink-{url.rsplit(':', 1)[1]}.json"
    policy.write_text(json.dumps({"AutoSelectCertificateForUrls": [json.dumps({"pattern": url, "filter": {}})]}))
    try:
        yield
    finally:
        policy.unlink()


@pytest.mark.parametrize(
    "name, shown",
    [("ops", "CN=ops"), ("viewer", "CN=viewer (reader)")],
)
def test_a_certificate_signs_in(here: Served, authority: Authority, tmp_path: Path, name: str, shown: str) -> None:
    home = database(tmp_path / "home", authority, authority.issue(name))
    with chosen_by_itself(here.url), Browser(home=home) as browser:
        browser.open(here.console)
        browser.wait_for_text(shown)
        browser.wait_for_text("east", "main")
        assert ("Create link" in browser.text()) == (name == "ops")
        assert browser.complaints() == []


@pytest.mark.parametrize("name", [None, "stranger"])
def test_without_a_known_certificate_it_says_what_is_missing(
    here: Served, authority: Authority, tmp_path: Path, name: str | None
) -> None:
    home = database(tmp_path / "home", authority, None if name is None else authority.issue(name))
    with chosen_by_itself(here.url), Browser(home=home) as browser:
        browser.open(here.console)
        browser.wait_for_text("certificate", "main")
        assert "orders" not in browser.text() and "east" not in browser.text()
