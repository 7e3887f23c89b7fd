"""Everything that can go wrong with a cluster, split by what the caller should do about it.

    ClusterError                 .retriable says whether the same call may work later as it is
    ├── Unreachable              no connection, or it broke, or no leader is known: try again later
    ├── TimedOut                 no answer in time: what was asked may have happened or not; look before repeating
    ├── NotAuthenticated         TLS or SASL refused us: needs other credentials (STATE-11, STATE-33)
    ├── Unsupported              the broker does not speak a version we need (REST-91)
    ├── RemoteLinkNotFound       the other side of a two-sided link is not there (STATE-31)
    ├── KafkaFailure             the broker answered with an error code; it names operation and resource
    │   └── NotAuthorized        a permission is missing there: needs an ACL (STATE-35)
    └── SecurityError            a property cannot be used as it is; it names the property (LINK-70..95)
        ├── FileMissing          a key, trust or keytab file is not on this worker (STATE-17, LINK-95)
        └── SecretUnreadable     a stored secret cannot be decrypted on this worker (STATE-17, SEC-32)

No error of aiokafka, kafka-python, ssl or the operating system leaves ``pipeline.cluster``: ``translate`` turns each
into one of these at the edge. Kafka's codes meet us in one table, kafka-python's.
"""

from __future__ import annotations

import os
import ssl
from typing import Any

from aiokafka import errors as aiokafka_errors
from kafka import errors as kafka_errors

from pipeline.wire.errors import UnsupportedByBroker

REQUEST_TIMED_OUT = 7
SECURITY_DISABLED = 54
"""The cluster has no authorizer, so it has no ACLs to read or write (STATE-37)."""

_AUTHORIZATION_CODES = frozenset({29, 30, 31, 53, 65})
_AUTHENTICATION_CODES = frozenset({33, 34, 58})
_RETRIABLE_ALSO = frozenset({13, 51, 84, 89, 94})
"""Fencing by an older epoch, concurrent transactions, preferred leaders, throttling, unstable offsets: all pass by."""


class ClusterError(Exception):
    """Something went wrong with a cluster; ``retriable`` says whether the same call may work later as it is."""

    retriable = False
    code: int | None = None
    """The error code of Kafka's protocol, where a broker gave one."""


class Unreachable(ClusterError):
    """No connection, a broken one, or no leader known. The request may have been carried out if one was sent."""

    retriable = True


class TimedOut(ClusterError):
    """No answer within the time limit: what was asked may have happened or may not."""

    retriable = True


class NotAuthenticated(ClusterError):
    """The broker refused our credentials, or one side refused the other's certificate."""


class Unsupported(ClusterError):
    """The broker lacks an API or a version of it that we need; the message names broker, API and versions."""


class RemoteLinkNotFound(ClusterError):
    """The partner of a two-sided link is missing on the remote cluster, or is no partner (STATE-31); it may come."""

    retriable = True

    def __init__(self, why: str = "") -> None:
        text = "Failed to get remote link config due to link not being found on the remote cluster."
        super().__init__(f"{text} ({why})" if why else text)


class KafkaFailure(ClusterError):
    """A broker's answer with an error code: ``code`` and ``name`` as in Kafka, what was asked, and about what."""

    def __init__(self, code: int, message: str = "", operation: str = "", resource: str = "") -> None:
        known = kafka_errors.for_code(code)
        self.code: int = code
        is_known = code in kafka_errors.kafka_errors
        self.name: str = known.message if is_known else f"CODE_{code}"
        self.detail: str = message or (known.description if is_known else "")
        self.operation = operation
        self.resource = resource
        self.retriable = bool(known.retriable) or code in _RETRIABLE_ALSO
        super().__init__(code, message, operation, resource)

    def __str__(self) -> str:
        asked = " of ".join(part for part in (self.operation, self.resource) if part)
        return f"{asked + ': ' if asked else ''}{self.name} ({self.code}){': ' + self.detail if self.detail else ''}"


class NotAuthorized(KafkaFailure):
    """The credential is good but lacks a permission; ``operation`` and ``resource`` say which."""

    def __str__(self) -> str:
        # The broker's own words are left out: they name its sockets, not the permission.
        asked = f"{self.operation or 'access'} on {self.resource or 'the cluster'}"
        return f"{asked} is not allowed: {self.name} ({self.code})"


class SecurityError(ClusterError):
    """A connection or security property cannot be used as it is. Never carries the value of a secret (SEC-34)."""

    def __init__(self, property_name: str, problem: str) -> None:
        self.property_name = property_name
        self.problem = problem
        super().__init__(property_name, problem)

    def __str__(self) -> str:
        return f"{self.property_name}: {self.problem}"


class FileMissing(SecurityError):
    """A file named by a property is not there, or cannot be read, on this worker (LINK-95)."""


class SecretUnreadable(SecurityError):
    """A stored secret cannot be decrypted on this worker: the link cannot work here until the key is right."""


def failure(code: int, message: str | None = None, operation: str = "", resource: str = "") -> ClusterError:
    """Return the error that stands for a code other than 0 in a broker's answer."""
    if code in _AUTHORIZATION_CODES:
        return NotAuthorized(code, message or "", operation, resource)
    error = KafkaFailure(code, message or "", operation, resource)
    if code in _AUTHENTICATION_CODES:
        return _coded(NotAuthenticated(str(error)), code)
    if code == REQUEST_TIMED_OUT:
        return _coded(TimedOut(str(error)), code)
    if code == 35:
        return _coded(Unsupported(str(error)), code)
    return error


def check(code: int, message: str | None = None, operation: str = "", resource: str = "") -> None:
    """Raise the error that stands for ``code``, unless it is 0."""
    if code:
        raise failure(code, message, operation, resource)


def translate(error: BaseException, where: str) -> ClusterError:
    """Return our error for one raised by a library or the operating system; ``where`` says what was being done."""
    if isinstance(error, ClusterError):
        return error
    tls = _tls_refusal(error)
    if tls is not None:
        return NotAuthenticated(f"{where}: TLS handshake failed: {tls}")
    code = getattr(error, "errno", None)
    if isinstance(error, aiokafka_errors.KafkaError | kafka_errors.KafkaError) and isinstance(code, int) and code != 0:
        return failure(code, _words(error), operation=where)
    kind = next((ours for theirs, ours in _BY_CLASS if isinstance(error, theirs)), Unreachable)
    return kind(f"{where}: {_text(error)}")


_BY_CLASS: tuple[tuple[Any, type[ClusterError]], ...] = (
    (TimeoutError, TimedOut),
    (kafka_errors.KafkaTimeoutError, TimedOut),
    (aiokafka_errors.KafkaTimeoutError, TimedOut),
    (aiokafka_errors.IncompatibleBrokerVersion, Unsupported),
    (kafka_errors.IncompatibleBrokerVersion, Unsupported),
    (NotImplementedError, Unsupported),
    (UnsupportedByBroker, Unsupported),
    (aiokafka_errors.AuthenticationFailedError, NotAuthenticated),
    (aiokafka_errors.AuthenticationMethodNotSupported, NotAuthenticated),
    # What the SASL exchanges of both libraries raise when the other side's proof does not fit (SCRAM, GSSAPI).
    (ValueError, NotAuthenticated),
    (AssertionError, NotAuthenticated),
)


def _tls_refusal(error: BaseException | None) -> str | None:
    """Say why TLS was refused, if that is behind ``error``; a connection merely cut in the handshake does not count."""
    while error is not None:
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return getattr(error, "verify_message", "") or error.reason or str(error)
        error = error.__cause__
    return None


def _text(error: BaseException) -> str:
    """Return the error's own words without the class names and numbers that libraries put before them."""
    if isinstance(error, OSError):
        if error.errno is not None and error.errno > 0 and not isinstance(error, ssl.SSLError):
            return os.strerror(error.errno)
        silent = "no answer in time" if isinstance(error, TimeoutError) else "closed by the other side"
        return error.strerror or str(error) or silent
    return _words(error) or type(error).__name__


def _words(error: BaseException) -> str:
    return next((argument for argument in error.args if isinstance(argument, str) and argument), "")


def _coded(error: ClusterError, code: int) -> ClusterError:
    error.code = code
    return error
