"""PEM, as files hold it and as property values hold it: there often on one line, or with ``\\n`` written out."""

from __future__ import annotations

import re

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

CERTIFICATE = "CERTIFICATE"
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_KEY_KINDS = frozenset({"PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"})


def blocks(text: str) -> list[tuple[str, bytes]]:
    """Return (kind, PEM) of each block in ``text``, with its lines put right."""
    found = []
    for kind, body in _BLOCK.findall(text):
        base64 = re.sub(r"\\[nr]|\s", "", body)
        lines = "\n".join(base64[at : at + 64] for at in range(0, len(base64), 64))
        found.append((kind, f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----\n".encode()))
    return found


def certificates(text: str) -> list[x509.Certificate]:
    """Return the certificates in ``text`` in their order; none is an empty list. Raises ValueError for a broken one."""
    return [x509.load_pem_x509_certificate(block) for kind, block in blocks(text) if kind == CERTIFICATE]


def private_key(text: str, password: str | None) -> bytes:
    """Return the private key in ``text`` as unencrypted PKCS8 PEM.

    Raises ValueError when there is none or the password does not open it, TypeError when one is missing or too many.
    """
    for kind, block in blocks(text):
        if kind in _KEY_KINDS:
            key = load_pem_private_key(block, password.encode() if password and "ENCRYPTED" in kind else None)
            return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    raise ValueError("no private key in it")


def as_pem(certificates: list[x509.Certificate]) -> bytes:
    """Write certificates as PEM."""
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)
