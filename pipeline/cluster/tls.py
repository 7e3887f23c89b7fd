"""TLS settings (LINK-82 to LINK-90) as an ``ssl.SSLContext``, built again when a file behind it changes (SEC-35)."""

from __future__ import annotations

import os
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pipeline.cluster.errors import SecurityError
from pipeline.cluster.stores import Store

VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
_TLS13_SUITES = frozenset({"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})


@dataclass(frozen=True)
class TlsSettings:
    """What the properties say. Without ``trust`` the system's trust counts, without ``keys`` we have no identity."""

    trust: Store | None = None
    keys: Store | None = None
    checks_host: bool = True
    versions: tuple[str, ...] = ("TLSv1.2", "TLSv1.3")
    ciphers: tuple[str, ...] = ()
    head: str = ""

    def context(self) -> ssl.SSLContext:
        """Build the context for connections to brokers. Raises SecurityError naming the property at fault."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = self.checks_host
        context.minimum_version = min(VERSIONS[version] for version in self.versions)
        context.maximum_version = max(VERSIONS[version] for version in self.versions)
        self._set_ciphers(context)
        if self.trust is None:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        else:
            context.load_verify_locations(cadata=self.trust.trusted().decode())
        if self.keys is not None:
            _load_identity(context, self.keys)
        return context

    def _set_ciphers(self, context: ssl.SSLContext) -> None:
        """Set the suites of TLS 1.2 and before; those of 1.3 cannot be chosen one by one in Python."""
        prop = self.head + "ssl.cipher.suites"
        older = [_openssl_name(name) for name in self.ciphers if name not in _TLS13_SUITES]
        if not self.ciphers:
            return
        if not older:
            if "TLSv1.3" not in self.versions:
                raise SecurityError(prop, "names suites of TLSv1.3 only, which ssl.enabled.protocols leaves out")
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            return
        try:
            context.set_ciphers(":".join(older))
        except ssl.SSLError as error:
            raise SecurityError(prop, "names no cipher suite that this system has") from error


@dataclass
class TlsContext:
    """The current context; safe to use from several threads."""

    settings: TlsSettings
    _context: ssl.SSLContext | None = None
    _seen: tuple[object, ...] = ()
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def current(self) -> ssl.SSLContext:
        """Return the context, a new one if a key or trust file has changed. Raises SecurityError, FileMissing."""
        stores = (self.settings.trust, self.settings.keys)
        with self._lock:
            seen = tuple(store.version() if store is not None else None for store in stores)
            if self._context is None or seen != self._seen:
                self._context, self._seen = self.settings.context(), seen
            return self._context

    def for_https(self) -> ssl.SSLContext:
        """Return a context for the token endpoint: the system's trust and, beside it, the link's."""
        context = ssl.create_default_context()
        if self.settings.trust is not None:
            context.load_verify_locations(cadata=self.settings.trust.trusted().decode())
        return context


def _load_identity(context: ssl.SSLContext, keys: Store) -> None:
    identity = keys.identity()
    try:
        with _readable(identity.key + identity.chain) as path:
            context.load_cert_chain(path)
    except ssl.SSLError as error:
        raise SecurityError(keys.name, f"certificate and private key do not fit: {error.reason}") from error


@contextmanager
def _readable(secret: bytes) -> Iterator[str]:
    """Python's ssl reads a chain and its key from a path only: give it one in memory, where there is such."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("identity", os.MFD_CLOEXEC)
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(secret)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        with tempfile.NamedTemporaryFile() as disk:  # readable by its owner only, and gone at the end
            disk.write(secret)
            disk.flush()
            yield disk.name


def _openssl_name(suite: str) -> str:
    """Turn Java's name of a suite before TLS 1.3 into OpenSSL's: TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256 into
    ECDHE-RSA-AES128-SHA256, TLS_RSA_WITH_AES_256_GCM_SHA384 into AES256-GCM-SHA384. Others stay as they are."""
    if not suite.startswith(("TLS_", "SSL_")):
        return suite
    exchange, _, cipher = suite[4:].partition("_WITH_")
    if cipher.startswith("CHACHA20"):
        cipher = cipher.removesuffix("_SHA256")
    cipher = cipher.replace("AES_", "AES").replace("_CBC", "")
    return f"{exchange}_{cipher}".removeprefix("RSA_").replace("_", "-")
