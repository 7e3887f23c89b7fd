"""Trust stores and key stores: in-line PEM, PEM files and PKCS12 files (LINK-82 to LINK-86). Java's own JKS is refused.

A store without a declared type (whose default is ``JKS``) is judged by its first bytes, as Java itself opens a PKCS12
file under the type JKS.
"""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from pipeline.cluster import pem
from pipeline.cluster.errors import FileMissing, SecurityError

log = logging.getLogger(__name__)

_JKS_MAGIC = b"\xfe\xed\xfe\xed"
_ASN1_SEQUENCE = b"\x30"
_TYPES = ("JKS", "PEM", "PKCS12")


@dataclass(frozen=True)
class Identity:
    """Our certificate chain and its key, as PEM without a password. The key stays out of ``repr``."""

    chain: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True)
class Store:
    """Where one side of TLS comes from. ``name`` is ``ssl.truststore`` or ``ssl.keystore``, with its head if any."""

    name: str
    location: str | None = None
    kind: str | None = None
    password: str | None = field(default=None, repr=False)
    certificates: str | None = field(default=None, repr=False)
    """In-line PEM: ``ssl.truststore.certificates`` or ``ssl.keystore.certificate.chain``."""
    key: str | None = field(default=None, repr=False)
    key_password: str | None = field(default=None, repr=False)

    def check(self) -> None:
        """Refuse what cannot be meant: both a file and in-line material, an unknown type."""
        if self.kind is not None and self.kind.upper() not in _TYPES:
            raise SecurityError(f"{self.name}.type", f"must be one of {', '.join(_TYPES)}, not {self.kind!r}")
        if self.location is not None and (self.certificates is not None or self.key is not None):
            raise SecurityError(f"{self.name}.location", "cannot be given together with in-line PEM")

    def trusted(self) -> bytes:
        """Return the certificates to trust, as PEM. Raises SecurityError."""
        if self.certificates is not None:
            return self._certificates(f"{self.name}.certificates", self.certificates)
        prop = f"{self.name}.location"
        data = self._read()
        if not self._is_pkcs12(data):
            return self._certificates(prop, data.decode("utf-8", "replace"))
        bundle = self._open(data)
        found = [each.certificate for each in bundle.additional_certs]
        found += [bundle.cert.certificate] if bundle.cert is not None else []
        if not found:
            raise SecurityError(prop, f"{self.location} holds no certificate")
        return pem.as_pem(found)

    def identity(self) -> Identity:
        """Return our certificate chain and key. Raises SecurityError."""
        if self.certificates is not None or self.key is not None:
            if self.key is None:
                raise SecurityError(f"{self.name}.key", f"is required with {self.name}.certificate.chain")
            if self.certificates is None:
                raise SecurityError(f"{self.name}.certificate.chain", f"is required with {self.name}.key")
            chain = self._certificates(f"{self.name}.certificate.chain", self.certificates)
            return Identity(chain, self._private_key(f"{self.name}.key", self.key))
        prop = f"{self.name}.location"
        data = self._read()
        if not self._is_pkcs12(data):
            text = data.decode("utf-8", "replace")
            return Identity(self._certificates(prop, text), self._private_key(prop, text))
        bundle = self._open(data)
        if bundle.key is None or bundle.cert is None:
            raise SecurityError(prop, f"{self.location} holds no private key with its certificate")
        chain = pem.as_pem([bundle.cert.certificate, *(each.certificate for each in bundle.additional_certs)])
        return Identity(chain, bundle.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def subject(self) -> str:
        """The subject of our certificate as brokers write it: ``CN=worker,O=Example``. Raises SecurityError."""
        certificate, *_ = pem.certificates(self.identity().chain.decode())
        return certificate.subject.rfc4514_string()

    def version(self) -> tuple[int, int] | None:
        """Return what changes when the file is replaced (SEC-35); None for in-line material. Raises FileMissing."""
        if self.location is None:
            return None
        try:
            status = Path(self.location).stat()
        except OSError as error:
            raise self._missing(error) from error
        return status.st_mtime_ns, status.st_size

    def _read(self) -> bytes:
        if self.location is None:
            raise SecurityError(f"{self.name}.location", "is required")
        if Path(self.location).is_relative_to(tempfile.gettempdir()):
            _warn_of_temporary(self.name, self.location)
        try:
            return Path(self.location).read_bytes()
        except OSError as error:
            raise self._missing(error) from error

    def _missing(self, error: OSError) -> FileMissing:
        return FileMissing(f"{self.name}.location", f"{self.location}: {error.strerror} (needed on every worker)")

    def _is_pkcs12(self, data: bytes) -> bool:
        kind = (self.kind or "JKS").upper()
        if data.startswith(_JKS_MAGIC):
            raise SecurityError(
                f"{self.name}.location",
                f"{self.location} is a JKS store, which only Java reads; convert it with: keytool -importkeystore "
                f"-srckeystore {self.location} -destkeystore store.p12 -deststoretype PKCS12, then set "
                f"{self.name}.type=PKCS12 (or give PEM in line)",
            )
        if kind == "JKS":
            return data.startswith(_ASN1_SEQUENCE)
        return kind == "PKCS12"

    def _open(self, data: bytes) -> pkcs12.PKCS12KeyAndCertificates:
        password = self.password.encode() if self.password is not None else None
        try:
            return pkcs12.load_pkcs12(data, password)
        except (ValueError, TypeError) as error:
            problem = f"does not open {self.location}, or the file is not PKCS12"
            raise SecurityError(f"{self.name}.password", problem) from error

    def _certificates(self, prop: str, text: str) -> bytes:
        try:
            found = pem.certificates(text)
        except ValueError as error:
            raise SecurityError(prop, "holds a certificate that cannot be read") from error
        if not found:
            raise SecurityError(prop, "holds no PEM certificate (-----BEGIN CERTIFICATE-----)")
        return pem.as_pem(found)

    def _private_key(self, prop: str, text: str) -> bytes:
        try:
            return pem.private_key(text, self.key_password)
        except TypeError as error:
            raise SecurityError(prop, "the private key is encrypted and ssl.key.password is not set") from error
        except ValueError as error:
            problem = "the private key cannot be read: it is none, or ssl.key.password does not open it"
            raise SecurityError(prop, problem) from error


@cache
def _warn_of_temporary(name: str, location: str) -> None:
    """Once: a file is read again with every look at the cluster (LINK-95)."""
    log.warning("%s.location: %s is in the folder for temporary files and may vanish", name, location)
