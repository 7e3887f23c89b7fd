"""Kerberos for SASL GSSAPI (LINK-76 to LINK-79): credentials per link, from a keytab or a ticket cache.

Each link has credentials of its own in memory, whatever the process's default cache holds. The Kerberos library gets
and renews the ticket of a keytab by itself whenever a connection needs one, so ``sasl.kerberos.kinit.cmd`` and the
renewal windows have nothing left to do; a ticket cache is renewed by whoever keeps it.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.cluster.errors import FileMissing, NotAuthenticated

SASL_AUTH_ONLY = 1


def is_available() -> bool:
    """Say whether the Python package ``gssapi`` is installed."""
    return importlib.util.find_spec("gssapi") is not None


@dataclass(frozen=True)
class Kerberos:
    """Who we are, and what the brokers' service is called."""

    service: str = "kafka"
    principal: str | None = None
    keytab: str | None = None
    ticket_cache: str | None = None

    def check(self, property_name: str) -> None:
        """Raise FileMissing when the keytab is not on this worker (LINK-95)."""
        if self.keytab is not None and not Path(self.keytab).is_file():
            raise FileMissing(property_name, f"keytab {self.keytab}: no such file (needed on every worker)")

    def exchange(self, host: str) -> Generator[tuple[bytes, bool], bytes | None, None]:
        """Run the exchange with a broker: yields (what to send, whether an answer follows), is sent the answers."""
        gssapi = importlib.import_module("gssapi")  # an optional package, which links with GSSAPI need
        try:
            yield from self._steps(gssapi, host)
        except gssapi.exceptions.GSSError as error:
            raise NotAuthenticated(f"Kerberos for {self.principal or 'the default principal'}: {error}") from error

    def _steps(self, gssapi: Any, host: str) -> Generator[tuple[bytes, bool], bytes | None, None]:
        target = gssapi.Name(f"{self.service}@{host}", name_type=gssapi.NameType.hostbased_service)
        context = gssapi.SecurityContext(
            name=target.canonicalize(gssapi.MechType.kerberos), creds=self._credentials(gssapi), usage="initiate"
        )
        answer: bytes | None = None
        while not context.complete:
            answer = yield context.step(answer) or b"", True
        offer = context.unwrap(answer).message
        # RFC 4752: the first byte chooses the protection (none beyond the login), three bytes the buffer, then who.
        chosen = bytes([SASL_AUTH_ONLY & offer[0]]) + offer[1:] + f"{self.service}@{host}".encode()
        yield context.wrap(chosen, False).message, True

    def _credentials(self, gssapi: Any) -> Any:
        name = gssapi.Name(self.principal, gssapi.NameType.kerberos_principal) if self.principal else None
        if self.keytab is not None:
            # The library reads the keytab and keeps the ticket in a cache that only this process sees.
            store = {"client_keytab": f"FILE:{self.keytab}", "ccache": f"MEMORY:clusterlink-{self.principal}"}
        elif self.ticket_cache is not None:
            store = {"ccache": f"FILE:{self.ticket_cache}"}
        else:
            return gssapi.Credentials(name=name, usage="initiate")
        return gssapi.Credentials(name=name, usage="initiate", store=store)
