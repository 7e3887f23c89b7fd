"""The endpoint as the worker's settings want it: who may call, over TLS or not, how often (REST-81, REST-95)."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

from pipeline.api.authentication import Authentication, read_authentication
from pipeline.api.known_hosts import read_hosts
from pipeline.api.rate import RateLimit
from pipeline.api.tls import server_context
from pipeline.settings import SettingsError, WorkerSettings

LEAST_BURST = 10


def authentication(settings: WorkerSettings) -> Authentication:
    """Who may call REST. Raises SettingsError where the credentials file cannot be used."""
    if settings.rest_authentication == "none":
        own = {socket.gethostname().lower(), settings.web_host.lower()}
        return Authentication.off(read_hosts(settings.rest_allowed_hosts) | own)
    name, path = "CLUSTERLINK_REST_CREDENTIALS_FILE", settings.rest_credentials_file
    lines: list[str] = []
    if path:
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError([f"{name}: cannot be read: {_reason(error)}"]) from error
    try:
        return read_authentication(settings.rest_authentication, lines)
    except ValueError as error:
        raise SettingsError([f"{name}: {error}"]) from error


def tls_context(settings: WorkerSettings) -> ssl.SSLContext | None:
    """What to serve HTTPS with, None for HTTP. Raises SettingsError where a file cannot be used."""
    if not settings.web_certificate_file:
        return None
    names = ("web_certificate_file", "web_key_file", "web_client_authority_file")
    paths = [getattr(settings, name) for name in names]
    for name, path in zip(names, paths, strict=True):
        if path and not Path(path).is_file():
            raise SettingsError([f"CLUSTERLINK_{name.upper()}: {path} is not a file"])
    try:
        return server_context(paths[0], paths[1], paths[2] or None)
    except OSError as error:
        raise SettingsError([f"CLUSTERLINK_WEB_CERTIFICATE_FILE: cannot be used: {_reason(error)}"]) from error


def rate_limit(settings: WorkerSettings) -> RateLimit:
    """How often one caller may ask; twice a second's worth at once."""
    per_second = settings.rest_rate_limit
    return RateLimit(per_second, burst=max(LEAST_BURST, round(2 * per_second)))


def _reason(error: Exception) -> str:
    """In words that hold nothing of a file's content."""
    if isinstance(error, ssl.SSLError):
        return f"certificate, key or authority is no PEM, or they do not belong together ({error.reason})"
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "it is not text"
