"""What a task lists of a cluster's refusal (STATE-33..48)."""

from __future__ import annotations

import re
from enum import StrEnum

from pipeline.cluster.errors import (
    SECURITY_DISABLED,
    ClusterError,
    KafkaFailure,
    NotAuthenticated,
    NotAuthorized,
    RemoteLinkNotFound,
)
from pipeline.link.models import TaskError
from pipeline.link.states import TaskErrorCode
from pipeline.mirror.verdicts import ROWS, Api, judge

IN_USE = frozenset(
    row.code for row in ROWS if Api.OFFSET_COMMIT in row.apis and row.error is TaskErrorCode.CONSUMER_GROUP_IN_USE_ERROR
)
"""What a broker answers to a commit from outside while a group has members: of either protocol (TASK-9)."""


class Side(StrEnum):
    """Which cluster refused."""

    SOURCE = "source"
    DESTINATION = "destination"


_LIMITING = frozenset({42, 44, 89})
"""Invalid request, policy violation, quota exceeded: how a broker says that there are too many of something."""
_LIMIT = re.compile(r"\b(limit|maximum|exceed\w*|too many|quota)\b", re.IGNORECASE)
_CODES = {
    3: TaskErrorCode.UNKNOWN_TOPIC_OR_PARTITION_ERROR,
    100: TaskErrorCode.UNKNOWN_TOPIC_OR_PARTITION_ERROR,
    17: TaskErrorCode.INVALID_TOPIC,
    36: TaskErrorCode.TOPIC_EXISTS_ERROR,
    42: TaskErrorCode.INVALID_REQUEST_ERROR,
    44: TaskErrorCode.POLICY_VIOLATION_ERROR,
    SECURITY_DISABLED: TaskErrorCode.SECURITY_DISABLED_ERROR,
}


def problem(error: ClusterError, side: Side) -> TaskError:
    """The task's error for a cluster's; its message names the side, the operation and the resource."""
    own = side is Side.DESTINATION
    if isinstance(error, RemoteLinkNotFound):
        return TaskError(TaskErrorCode.REMOTE_LINK_NOT_FOUND_ERROR, str(error))
    if isinstance(error, NotAuthorized):
        code = TaskErrorCode.BROKER_AUTHORIZATION_ERROR if own else TaskErrorCode.AUTHORIZATION_ERROR
    elif isinstance(error, NotAuthenticated):
        code = TaskErrorCode.BROKER_AUTHENTICATION_ERROR if own else TaskErrorCode.AUTHENTICATION_ERROR
    else:
        code = _CODES.get(error.code or 0, TaskErrorCode.UNKNOWN)
    return TaskError(code, f"{side}: {error}")


def commit_problem(error: ClusterError, group: str) -> TaskError:
    """As `problem` for an offset that the destination did not take: what its code means is in the table of verdicts."""
    if error.code is None:  # no answer
        return problem(error, Side.DESTINATION)
    if error.code in IN_USE:
        return in_use(group)
    judgement = judge(Api.OFFSET_COMMIT, error.code)
    code = judgement.error if isinstance(judgement.error, TaskErrorCode) else TaskErrorCode.UNKNOWN
    return TaskError(code, f"destination: {error} ({judgement.reason})")


def acl_problem(error: ClusterError) -> TaskError:
    """As `problem` for a change of ACLs on the destination: a limit on their number has a code of its own (STATE-42).

    Kafka itself has no such limit and no error for it; clusters that have one refuse by policy or as invalid, and say
    so in words.
    """
    found = problem(error, Side.DESTINATION)
    if isinstance(error, KafkaFailure) and error.code in _LIMITING and _LIMIT.search(error.detail):
        return TaskError(TaskErrorCode.ACL_LIMIT_EXCEEDED, found.error_message)
    return found


def in_use(group: str) -> TaskError:
    """A selected group has members on the destination, so its offsets there are theirs (TASK-9, STATE-38)."""
    return TaskError(
        TaskErrorCode.CONSUMER_GROUP_IN_USE_ERROR,
        f"destination: group {group} has live members, its offsets are left alone. Stop its consumers on one of the "
        "clusters, or take the group out of consumer.offset.group.filters.",
    )
