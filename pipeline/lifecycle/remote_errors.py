"""What a cluster's refusal means for the one who gave a command (spec 4.2 and 8.4)."""

from __future__ import annotations

from pipeline.cluster.errors import (
    ClusterError,
    KafkaFailure,
    NotAuthenticated,
    NotAuthorized,
    SecurityError,
    TimedOut,
    Unreachable,
    Unsupported,
)
from pipeline.link.errors import Invalid, KafkaRetriable, LinkError, RemoteTimedOut, UnsupportedVersion


def refused_by(error: ClusterError, side: str) -> LinkError:
    """The answer to a command that a cluster (`source` or `destination`) refused; names the code of spec 4.2."""
    own = "BROKER_" if side == "destination" else ""
    if isinstance(error, NotAuthorized):
        return Invalid(f"{own}AUTHORIZATION_ERROR: {side}: {error}")
    if isinstance(error, NotAuthenticated):
        return Invalid(f"{own}AUTHENTICATION_ERROR: {side}: {error}")
    if isinstance(error, SecurityError):
        return Invalid(str(error))
    if isinstance(error, Unsupported):
        return UnsupportedVersion(f"{side}: {error}")
    if isinstance(error, TimedOut):
        return (
            RemoteTimedOut(f"TIMEOUT_ERROR: {side}: {error}")
            if side == "source"
            else KafkaRetriable(f"{side}: {error}")
        )
    if isinstance(error, Unreachable):
        return (
            Invalid(f"BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR: {side}: {error}")
            if side == "source"
            else KafkaRetriable(f"{side}: {error}")
        )
    if isinstance(error, KafkaFailure) and error.retriable:
        return KafkaRetriable(f"{side}: {error}")
    return Invalid(f"{side}: {error}")
