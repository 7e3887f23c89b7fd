"""What a cluster's refusal means for the one who gave a command (spec 4.2 and 8.4)."""

from __future__ import annotations

from pipeline.cluster.errors import (
    ClusterError,
    KafkaFailure,
    NotAuthenticated,
    NotAuthorized,
    RemoteLinkNotFound,
    SecurityError,
    TimedOut,
    Unreachable,
    Unsupported,
)
from pipeline.link.errors import Invalid, KafkaRetriable, LinkError, RemoteTimedOut, UnsupportedVersion
from pipeline.link.models import TaskError
from pipeline.link.states import TaskErrorCode

_CODES = {
    3: TaskErrorCode.UNKNOWN_TOPIC_OR_PARTITION_ERROR,
    100: TaskErrorCode.UNKNOWN_TOPIC_OR_PARTITION_ERROR,
    42: TaskErrorCode.INVALID_REQUEST_ERROR,
    44: TaskErrorCode.POLICY_VIOLATION_ERROR,
}


def task_error(error: ClusterError, side: str) -> TaskError:
    """What a task or a transition lists of it (STATE-33..48): a refusal of the `source` or of the `destination`."""
    own = side == "destination"
    if isinstance(error, RemoteLinkNotFound):
        return TaskError(TaskErrorCode.REMOTE_LINK_NOT_FOUND_ERROR, str(error))
    if isinstance(error, NotAuthorized):
        code = TaskErrorCode.BROKER_AUTHORIZATION_ERROR if own else TaskErrorCode.AUTHORIZATION_ERROR
    elif isinstance(error, NotAuthenticated):
        code = TaskErrorCode.BROKER_AUTHENTICATION_ERROR if own else TaskErrorCode.AUTHENTICATION_ERROR
    elif isinstance(error, KafkaFailure):
        code = _CODES.get(error.code, TaskErrorCode.UNKNOWN)
    else:
        code = TaskErrorCode.UNKNOWN
    return TaskError(code, f"{side}: {error}")


def refused_by(error: ClusterError, side: str) -> LinkError:  # noqa: PLR0911 - one row an error
    """The answer to a command that a cluster (`source` or `destination`) refused; names the code of spec 4.2."""
    own = "BROKER_" if side == "destination" else ""
    if isinstance(error, RemoteLinkNotFound):
        return Invalid(f"{TaskErrorCode.REMOTE_LINK_NOT_FOUND_ERROR}: {error}")
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
