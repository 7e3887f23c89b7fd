"""The stored form of a secret: one string that says by itself how it is to be read (SEC-31).

    clusterlink.secret:1:AES-256-GCM:PBKDF2-HMAC-SHA512:210000:<salt>:<nonce>:<sealed>

Salt, nonce and the sealed bytes (ciphertext and tag) are base64url without padding. Another default tomorrow changes
nothing about what was stored today.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from pipeline.secrets.errors import NotStored

HEAD = "clusterlink.secret:1:"
CIPHERS = {"AES-256-GCM": 32, "AES-128-GCM": 16}
"""Cipher -> bytes of its key."""
DERIVATIONS = {"PBKDF2-HMAC-SHA512": "sha512", "PBKDF2-HMAC-SHA256": "sha256"}
"""Derivation of the key from what the operator gives -> the hash in it."""
NONCE_BYTES = 12
TAG_BYTES = 16
SALT_BYTES = range(8, 65)
ITERATIONS = range(1_000, 2_000_001)
"""Accepted when reading: what is beyond would only be meant to keep a worker busy."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """How the cipher's key comes from the operator's."""

    cipher: str
    function: str
    iterations: int
    salt: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored secret, taken apart."""

    derivation: Derivation
    nonce: bytes
    sealed: bytes = field(repr=False)

    def __str__(self) -> str:
        d = self.derivation
        parts = (d.cipher, d.function, str(d.iterations), _text(d.salt), _text(self.nonce), _text(self.sealed))
        return HEAD + ":".join(parts)


def is_stored(text: str) -> bool:
    """Whether a text is a stored form that can be read here."""
    try:
        read(text)
    except NotStored:
        return False
    return True


def read(text: str) -> Stored:
    """Take a stored form apart. Raises NotStored; nothing is decrypted yet."""
    parts = text.removeprefix(HEAD).split(":")
    if not text.startswith(HEAD) or len(parts) != 6:
        raise NotStored("is not a stored secret of a version known here")
    cipher, function, iterations, salt, nonce, sealed = parts
    if cipher not in CIPHERS or function not in DERIVATIONS:
        raise NotStored("is stored by an algorithm that is not known here")
    if not (iterations.isascii() and iterations.isdecimal() and len(iterations) < 10 and int(iterations) in ITERATIONS):
        raise NotStored("names a number of iterations that is not accepted")
    stored = Stored(Derivation(cipher, function, int(iterations), _bytes(salt)), _bytes(nonce), _bytes(sealed))
    if len(stored.derivation.salt) not in SALT_BYTES or len(stored.nonce) != NONCE_BYTES:
        raise NotStored("has a salt or nonce of a wrong length")
    if len(stored.sealed) < TAG_BYTES:
        raise NotStored("is cut short")
    return stored


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotStored("is damaged: not base64") from error
