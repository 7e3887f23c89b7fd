"""Which code a task lists for what a cluster refused (STATE-31..37, STATE-40, 43, 45, 48)."""

from __future__ import annotations

import pytest

from pipeline.cluster.errors import (
    ClusterError,
    KafkaFailure,
    NotAuthenticated,
    NotAuthorized,
    RemoteLinkNotFound,
    Unreachable,
)
from pipeline.link.states import TaskErrorCode
from pipeline.sync.problems import Side, problem

FORBIDDEN = NotAuthorized(29, "", "READ", "topic t")


@pytest.mark.parametrize(
    ("error", "side", "code"),
    [
        (RemoteLinkNotFound("no link there"), Side.SOURCE, "REMOTE_LINK_NOT_FOUND_ERROR"),
        (NotAuthenticated("refused"), Side.SOURCE, "AUTHENTICATION_ERROR"),
        (NotAuthenticated("refused"), Side.DESTINATION, "BROKER_AUTHENTICATION_ERROR"),
        (FORBIDDEN, Side.SOURCE, "AUTHORIZATION_ERROR"),
        (FORBIDDEN, Side.DESTINATION, "BROKER_AUTHORIZATION_ERROR"),
        (KafkaFailure(54, ""), Side.DESTINATION, "SECURITY_DISABLED_ERROR"),
        (KafkaFailure(36, ""), Side.DESTINATION, "TOPIC_EXISTS_ERROR"),
        (KafkaFailure(44, "not here"), Side.DESTINATION, "POLICY_VIOLATION_ERROR"),
        (KafkaFailure(3, ""), Side.SOURCE, "UNKNOWN_TOPIC_OR_PARTITION_ERROR"),
        (KafkaFailure(100, ""), Side.SOURCE, "UNKNOWN_TOPIC_OR_PARTITION_ERROR"),
        (KafkaFailure(42, ""), Side.SOURCE, "INVALID_REQUEST_ERROR"),
        (Unreachable("no broker answers"), Side.SOURCE, "UNKNOWN"),
    ],
)
def test_a_refusal_has_its_code_and_names_its_side(error: ClusterError, side: Side, code: str) -> None:
    found = problem(error, side)
    assert found.error_code is TaskErrorCode(code)
    assert str(error) in found.error_message
    if not isinstance(error, RemoteLinkNotFound):
        assert found.error_message.startswith(side)


def test_a_missing_permission_names_operation_and_resource() -> None:
    """STATE-35, STATE-36."""
    assert "READ on topic t" in problem(FORBIDDEN, Side.SOURCE).error_message
