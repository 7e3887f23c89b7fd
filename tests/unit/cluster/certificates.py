"""Certificates for the tests, made when needed: an authority, and whom it vouches for."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from pipeline.local.certificates import Authority, KeyPair

PASSWORD = "a-store-password"


def encrypted_key(pair: KeyPair, password: str = PASSWORD) -> str:
    """The private key under a password."""
    key = load_pem_private_key(pair.key.encode(), None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password.encode())).decode()


def key_store(pair: KeyPair, password: str = PASSWORD) -> bytes:
    """PKCS12 with key, certificate and authority."""
    key = load_pem_private_key(pair.key.encode(), None)
    certificate = x509.load_pem_x509_certificate(pair.certificate.encode())
    authority = x509.load_pem_x509_certificate(pair.authority.encode())
    return pkcs12.serialize_key_and_certificates(
        b"us",
        key,  # type: ignore[arg-type]
        certificate,
        [authority],
        BestAvailableEncryption(password.encode()),
    )


def trust_store(authority: Authority, password: str = PASSWORD) -> bytes:
    """PKCS12 with a certificate only, as keytool -importcert makes it."""
    certificate = x509.load_pem_x509_certificate(authority.certificate.encode())
    return pkcs12.serialize_key_and_certificates(
        None, None, None, [certificate], BestAvailableEncryption(password.encode())
    )
