"""LINK-82 to LINK-86, LINK-95: where certificates and keys come from, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.cluster.errors import FileMissing, SecurityError
from pipeline.cluster.stores import Store
from pipeline.local.certificates import Authority
from tests.unit.cluster.certificates import PASSWORD, encrypted_key, key_store, trust_store

AUTHORITY = Authority()
US = AUTHORITY.issue("us")
ON_ONE_LINE = AUTHORITY.certificate.replace("\n", " ")
WITH_WRITTEN_ENDS = AUTHORITY.certificate.replace("\n", r"\n")


@pytest.mark.parametrize("text", [AUTHORITY.certificate, ON_ONE_LINE, WITH_WRITTEN_ENDS, f"# ours\n{ON_ONE_LINE}"])
def test_in_line_certificates_as_people_write_them(text: str) -> None:
    assert Store("ssl.truststore", certificates=text).trusted().decode() == AUTHORITY.certificate


@pytest.mark.parametrize("key", [US.key, US.key.replace("\n", ""), encrypted_key(US)])
def test_in_line_identity(key: str) -> None:
    identity = Store("ssl.keystore", certificates=US.certificate, key=key, key_password=PASSWORD).identity()
    assert identity.chain.decode() == US.certificate
    assert identity.key.decode() == US.key


@pytest.mark.parametrize("kind", [None, "PEM", "JKS"])
def test_pem_files(tmp_path: Path, kind: str | None) -> None:
    """Without a type, and under Java's default type, the first bytes decide."""
    (tmp_path / "trust.pem").write_text(AUTHORITY.certificate)
    (tmp_path / "keys.pem").write_text(US.certificate + encrypted_key(US))
    trust = Store("ssl.truststore", location=str(tmp_path / "trust.pem"), kind=kind)
    keys = Store("ssl.keystore", location=str(tmp_path / "keys.pem"), kind=kind, key_password=PASSWORD)
    assert trust.trusted().decode() == AUTHORITY.certificate
    assert keys.identity().key.decode() == US.key


@pytest.mark.parametrize("kind", [None, "PKCS12", "pkcs12"])
def test_pkcs12_files(tmp_path: Path, kind: str | None) -> None:
    (tmp_path / "trust.p12").write_bytes(trust_store(AUTHORITY))
    (tmp_path / "keys.p12").write_bytes(key_store(US))
    trust = Store("ssl.truststore", location=str(tmp_path / "trust.p12"), kind=kind, password=PASSWORD)
    keys = Store("ssl.keystore", location=str(tmp_path / "keys.p12"), kind=kind, password=PASSWORD)
    assert trust.trusted().decode() == AUTHORITY.certificate
    assert keys.identity().chain.decode() == US.certificate + AUTHORITY.certificate
    assert keys.identity().key.decode() == US.key


def test_jks_is_refused_with_the_command_that_converts_it(tmp_path: Path) -> None:
    (tmp_path / "trust.jks").write_bytes(b"\xfe\xed\xfe\xed\x00\x00\x00\x02")
    store = Store("local.ssl.truststore", location=str(tmp_path / "trust.jks"))
    with pytest.raises(SecurityError, match=r"keytool -importkeystore .* -deststoretype PKCS12") as caught:
        store.trusted()
    assert caught.value.property_name == "local.ssl.truststore.location"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    store = Store("ssl.keystore", location=str(tmp_path / "gone.pem"))
    for read in (store.identity, store.version):
        with pytest.raises(FileMissing, match=r"gone\.pem: No such file .* every worker"):
            read()


def refused(store: Store, kind: str) -> SecurityError:
    with pytest.raises(SecurityError) as caught:
        _ = store.trusted() if kind == "trust" else store.identity()
    return caught.value


def test_wrong_passwords_name_their_property(tmp_path: Path) -> None:
    (tmp_path / "keys.p12").write_bytes(key_store(US))
    store = Store("ssl.keystore", location=str(tmp_path / "keys.p12"), password="not-the-password")
    assert refused(store, "keys").property_name == "ssl.keystore.password"
    for password in ("not-the-password", None):
        store = Store("ssl.keystore", certificates=US.certificate, key=encrypted_key(US), key_password=password)
        error = refused(store, "keys")
        assert error.property_name == "ssl.keystore.key"
        assert "ssl.key.password" in str(error)
        assert "not-the-password" not in str(error)


@pytest.mark.parametrize(
    ("store", "kind", "property_name"),
    [
        (Store("ssl.truststore", certificates="nothing"), "trust", "ssl.truststore.certificates"),
        (
            Store("ssl.truststore", certificates="-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
            "trust",
            "ssl.truststore.certificates",
        ),
        (Store("ssl.keystore", certificates=US.certificate), "keys", "ssl.keystore.key"),
        (Store("ssl.keystore", key=US.key), "keys", "ssl.keystore.certificate.chain"),
        (Store("ssl.keystore", certificates=US.certificate, key="nothing"), "keys", "ssl.keystore.key"),
    ],
)
def test_incomplete_material(store: Store, kind: str, property_name: str) -> None:
    assert refused(store, kind).property_name == property_name


@pytest.mark.parametrize(
    "store", [Store("ssl.truststore", location="/x", certificates="y"), Store("ssl.keystore", kind="BCFKS")]
)
def test_what_cannot_be_meant(store: Store) -> None:
    with pytest.raises(SecurityError):
        store.check()


def test_secrets_stay_out_of_repr(tmp_path: Path) -> None:
    store = Store("ssl.keystore", password="s1", certificates="s2", key="s3", key_password="s4")
    assert not any(secret in repr(store) for secret in ("s1", "s2", "s3", "s4"))
    identity = Store("ssl.keystore", certificates=US.certificate, key=US.key).identity()
    assert "PRIVATE" not in repr(identity)


def test_version_changes_with_the_file(tmp_path: Path) -> None:
    """SEC-35."""
    path = tmp_path / "keys.pem"
    path.write_text("one")
    store = Store("ssl.keystore", location=str(path))
    before = store.version()
    path.write_text("two")
    os.utime(path, ns=(1, 1))
    assert store.version() != before
    assert Store("ssl.keystore", certificates="in line").version() is None
