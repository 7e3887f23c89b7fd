"""What libraries and brokers report, as errors that say what to do about it."""

from __future__ import annotations

import socket
import ssl

import pytest
from aiokafka import errors as aiokafka_errors
from kafka import errors as kafka_errors

from pipeline.cluster import errors
from pipeline.wire.errors import MalformedMessage, UnsupportedByBroker


@pytest.mark.parametrize(
    ("code", "kind", "retriable"),
    [
        (3, errors.KafkaFailure, True),
        (6, errors.KafkaFailure, True),
        (7, errors.TimedOut, True),
        (29, errors.NotAuthorized, False),
        (30, errors.NotAuthorized, False),
        (31, errors.NotAuthorized, False),
        (53, errors.NotAuthorized, False),
        (33, errors.NotAuthenticated, False),
        (34, errors.NotAuthenticated, False),
        (35, errors.Unsupported, False),
        (36, errors.KafkaFailure, False),
        (41, errors.KafkaFailure, True),
        (51, errors.KafkaFailure, True),
        (54, errors.KafkaFailure, False),
        (58, errors.NotAuthenticated, False),
        (89, errors.KafkaFailure, True),
        (9999, errors.KafkaFailure, False),
    ],
)
def test_codes(code: int, kind: type[errors.ClusterError], retriable: bool) -> None:
    error = errors.failure(code)
    assert type(error) is kind
    assert error.code == code
    assert error.retriable is retriable


def test_a_failure_says_what_was_asked_about_what() -> None:
    """STATE-35."""
    error = errors.failure(40, "Unknown topic config name: retention.mss", "CREATE", "topic orders")
    assert str(error) == "CREATE of topic orders: INVALID_CONFIG (40): Unknown topic config name: retention.mss"
    assert isinstance(error, errors.KafkaFailure)
    assert (error.name, error.operation, error.resource) == ("INVALID_CONFIG", "CREATE", "topic orders")


def test_a_missing_permission_is_named_without_the_brokers_sockets() -> None:
    error = errors.failure(31, "Request Request(processor=5, session=...) needs ALTER permission", "ALTER", "cluster")
    assert str(error) == "ALTER on cluster is not allowed: CLUSTER_AUTHORIZATION_FAILED (31)"


def test_unknown_codes_keep_their_number() -> None:
    assert str(errors.failure(9999)).startswith("CODE_9999 (9999)")


def test_no_error_is_none() -> None:
    errors.check(0)
    with pytest.raises(errors.KafkaFailure):
        errors.check(87)


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


EXPIRED = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
EXPIRED.verify_message = "certificate has expired"


@pytest.mark.parametrize(
    ("raised", "kind", "words"),
    [
        (
            ConnectionRefusedError(111, "Connect call failed ('1.2.3.4', 9092)"),
            errors.Unreachable,
            "Connection refused",
        ),
        (ConnectionResetError(), errors.Unreachable, "closed by the other side"),
        (socket.gaierror(-2, "Name or service not known"), errors.Unreachable, "Name or service not known"),
        (TimeoutError(), errors.TimedOut, "no answer in time"),
        (EXPIRED, errors.NotAuthenticated, "TLS handshake failed: certificate has expired"),
        (ssl.SSLEOFError(8, "EOF occurred"), errors.Unreachable, "EOF"),
        (caused(aiokafka_errors.KafkaConnectionError("x"), EXPIRED), errors.NotAuthenticated, "has expired"),
        (aiokafka_errors.KafkaConnectionError("Connection at a:1 closed"), errors.Unreachable, "closed"),
        (aiokafka_errors.RequestTimedOutError(), errors.TimedOut, "REQUEST_TIMED_OUT"),
        (aiokafka_errors.UnsupportedSaslMechanismError("no PLAIN"), errors.NotAuthenticated, "no PLAIN"),
        (aiokafka_errors.IncompatibleBrokerVersion("too old"), errors.Unsupported, "too old"),
        (NotImplementedError("v0 has not been added"), errors.Unsupported, "v0"),
        (UnsupportedByBroker("Fetch", 1, (11, 13), (0, 8)), errors.Unsupported, "Fetch"),
        (MalformedMessage("ends early"), errors.Unreachable, "ends early"),
        (ValueError("Server sent wrong signature!"), errors.NotAuthenticated, "wrong signature"),
        (kafka_errors.KafkaTimeoutError("late"), errors.TimedOut, "late"),
        (kafka_errors.TopicAuthorizationFailedError("t"), errors.NotAuthorized, "29"),
    ],
)
def test_foreign_errors(raised: Exception, kind: type[errors.ClusterError], words: str) -> None:
    error = errors.translate(raised, "connection to a:1")
    assert type(error) is kind
    assert words in str(error)
    assert "connection to a:1" in str(error)


def test_our_own_pass_unchanged() -> None:
    error = errors.Unreachable("gone")
    assert errors.translate(error, "elsewhere") is error
