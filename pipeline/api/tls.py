"""TLS of the endpoint itself: HTTPS, and client certificates as credentials (REST-95)."""

from __future__ import annotations

import ssl


def server_context(certificate_path: str, key_path: str, client_authority_path: str | None = None) -> ssl.SSLContext:
    """Serve with this certificate chain and key (PEM files), TLS 1.2 or later.

    With `client_authority_path` callers may show a certificate signed by that authority; one signed by another ends
    the handshake. A caller without a certificate gets in as far as a proper 401. Raises OSError (ssl.SSLError is one)
    where a file cannot be used.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=client_authority_path)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate_path, key_path)
    if client_authority_path:
        context.verify_mode = ssl.CERT_OPTIONAL
    return context
