"""A commands topic that is open to all is warned of, and only that one."""

from __future__ import annotations

import logging

import pytest

from pipeline.cluster.administration.acls import Acl, AclFilter
from pipeline.cluster.errors import ClusterError, KafkaFailure, NotAuthorized, Unreachable
from pipeline.lifecycle.command_door import warn_if_open

TOPIC = "clusterlink.commands"


class Own:
    """A cluster with these entries, or with an error for whoever asks for them."""

    def __init__(self, *entries: Acl, error: ClusterError | None = None) -> None:
        self.entries, self.error = entries, error

    async def describe_acls(self, which: AclFilter) -> list[Acl]:
        assert which == AclFilter("TOPIC", TOPIC, "MATCH"), "patterns and * that apply to the topic too"
        if self.error is not None:
            raise self.error
        return list(self.entries)


def acl(principal: str, operation: str, permission: str = "ALLOW") -> Acl:
    return Acl("TOPIC", TOPIC, "LITERAL", principal, "*", operation, permission)


@pytest.mark.parametrize(
    ("own", "why"),
    [
        (Own(error=KafkaFailure(54)), "the cluster has no authorizer"),
        (Own(acl("User:*", "WRITE")), "an ACL allows it to User:*"),
        (Own(acl("User:ops", "WRITE"), acl("User:*", "ALL")), "an ACL allows it to User:*"),
    ],
)
async def test_open(own: Own, why: str, caplog: pytest.LogCaptureFixture) -> None:
    assert why in await warn_if_open(own, TOPIC)  # type: ignore[arg-type]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


@pytest.mark.parametrize(
    "own",
    [
        Own(),
        Own(acl("User:ops", "WRITE"), acl("User:*", "READ")),
        Own(acl("User:*", "WRITE", "DENY")),
        Own(error=NotAuthorized(31)),
        Own(error=Unreachable("no connection")),
    ],
)
async def test_not_open_or_not_known(own: Own, caplog: pytest.LogCaptureFixture) -> None:
    assert await warn_if_open(own, TOPIC) == ""  # type: ignore[arg-type]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
