"""Seal and open secrets: AES-GCM under a key derived with PBKDF2 from the operator's (SEC-30..32, SEC-37).

Deriving is slow on purpose (some 0.1 s), so each derived key is kept, and all that one process seals has one salt: the
one it found in what it opened first, else a random one. Nonces are random: with 96 bits the 2^32 secrets that one key
may seal are out of reach here.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pipeline.secrets.errors import NoKey, Unopened
from pipeline.secrets.stored import CIPHERS, DERIVATIONS, NONCE_BYTES, Derivation, Stored, read

CIPHER, FUNCTION, ROUNDS, SALT_LENGTH = "AES-256-GCM", "PBKDF2-HMAC-SHA512", 210_000, 16
MOST_DERIVED = 256


@dataclass(frozen=True, slots=True)
class Opened:
    """A secret in the clear; `is_current`: stored under the current key, not still under the old one."""

    text: str = field(repr=False)
    is_current: bool


def _none() -> str:
    return ""


class Encoder:
    """`current` gives the key to seal with and to open with, `old` one more to open with; empty means none."""

    def __init__(
        self, current: Callable[[], str] = _none, old: Callable[[], str] = _none, iterations: int = ROUNDS
    ) -> None:
        self._current = current
        self._old = old
        self._iterations = iterations
        self._derived: OrderedDict[tuple[str, Derivation], AESGCM] = OrderedDict()
        self._sealing: dict[str, Derivation] = {}
        self._lock = threading.Lock()

    @property
    def can_seal(self) -> bool:
        """Whether there is a key (SEC-30)."""
        return bool(self._current())

    def seal(self, text: str, about: Sequence[str]) -> str:
        """Give the stored form of a secret that belongs to `about`. Raises NoKey. Slow the first time."""
        key = self._current()
        if not key:
            raise NoKey("no key to store secrets under is set")
        derivation = self._derivation(key)
        nonce = os.urandom(NONCE_BYTES)
        return str(Stored(derivation, nonce, self._cipher(key, derivation).encrypt(nonce, text.encode(), bound(about))))

    def open(self, stored: str, about: Sequence[str]) -> Opened:
        """Give the secret back. Raises NotStored, NoKey, Unopened. Slow for a salt that was not seen before."""
        taken = read(stored)
        keys = [key for key in (self._current(), self._old()) if key]
        if not keys:
            raise NoKey("no key to read stored secrets with is set")
        for key in keys:
            cipher = self._cipher(key, taken.derivation)
            try:
                text = cipher.decrypt(taken.nonce, taken.sealed, bound(about)).decode()
            except (InvalidTag, UnicodeDecodeError):
                continue
            if self._is_default(taken.derivation):
                self._sealing.setdefault(key, taken.derivation)
            return Opened(text, key == self._current())
        raise Unopened("was stored under another key or for another link, or has been changed")

    def _derivation(self, key: str) -> Derivation:
        """How this process derives the key that it seals with."""
        if key not in self._sealing:
            fresh = Derivation(CIPHER, FUNCTION, self._iterations, os.urandom(SALT_LENGTH))
            self._sealing.setdefault(key, fresh)
        return self._sealing[key]

    def _is_default(self, derivation: Derivation) -> bool:
        ours = (CIPHER, FUNCTION, self._iterations, SALT_LENGTH)
        return (derivation.cipher, derivation.function, derivation.iterations, len(derivation.salt)) == ours

    def _cipher(self, key: str, derivation: Derivation) -> AESGCM:
        with self._lock:
            found = self._derived.pop((key, derivation), None)
            if found is None:
                raw = hashlib.pbkdf2_hmac(
                    DERIVATIONS[derivation.function],
                    key.encode(),
                    derivation.salt,
                    derivation.iterations,
                    CIPHERS[derivation.cipher],
                )
                found = AESGCM(raw)
            self._derived[key, derivation] = found
            while len(self._derived) > MOST_DERIVED:
                self._derived.popitem(last=False)
            return found


def bound(about: Sequence[str]) -> bytes:
    """The words a secret belongs to, as the cipher's associated data: no two sequences give the same bytes."""
    return json.dumps(["clusterlink", *about]).encode()
