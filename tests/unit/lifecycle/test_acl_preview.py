"""Turning ACL sync on tells what its first cycle adds (TASK-36); whom its entries never name (TASK-35)."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Self

import pytest

from pipeline.cluster.administration.acls import Acl
from pipeline.cluster.errors import ClusterError, KafkaFailure, SecretUnreadable, Unreachable
from pipeline.cluster.security import client_arguments
from pipeline.lifecycle import acl_preview
from pipeline.lifecycle.acl_preview import preview
from pipeline.lifecycle.acl_task import principals_of
from pipeline.link.states import TaskErrorCode
from pipeline.local.certificates import Authority
from pipeline.sync.problems import acl_problem
from tests.unit.lifecycle.rows import LINK, Rows

EVERYTHING = (
    '{"aclFilters":[{"resourceFilter":{"resourceType":"any","patternType":"any"},'
    '"accessFilter":{"operation":"any","permissionType":"any"}}]}'
)
ON = replace(LINK, configs={**LINK.configs, "acl.sync.enable": "true", "acl.filters": EVERYTHING})
ALICE = Acl("TOPIC", "orders", "PREFIXED", "User:alice", "*", "READ", "ALLOW")
BOB = Acl("GROUP", "g", "LITERAL", "User:bob", "h", "READ", "DENY")


class Cluster:
    def __init__(self, *acls: Acl, error: ClusterError | None = None) -> None:
        self.acls, self.error = acls, error
        self.client = SimpleNamespace(security=client_arguments({"bootstrap.servers": "here:9092"}))

    async def describe_acls(self) -> list[Acl]:
        if self.error is not None:
            raise self.error
        return list(self.acls)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


async def told(monkeypatch: pytest.MonkeyPatch, source: Cluster, *here: Acl, before: Any = LINK) -> tuple[str, ...]:
    monkeypatch.setattr(acl_preview, "Admin", lambda security, client_id: source)
    return await preview(Rows().context(own=Cluster(*here)), before, ON, lambda: ON.configs)


async def test_what_the_destination_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    (warning,) = await told(monkeypatch, Cluster(ALICE, BOB), ALICE)
    assert warning == "acl.sync.enable: the first cycle adds 1 ACLs: DENY User:bob READ on GROUP g from h"
    (warning,) = await told(monkeypatch, Cluster(ALICE))
    assert "ALLOW User:alice READ on PREFIXED TOPIC orders" in warning


async def test_of_many_only_some_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    (warning,) = await told(monkeypatch, Cluster(*(replace(ALICE, resource_name=f"t{n}") for n in range(30))))
    assert "adds 30 ACLs" in warning and warning.endswith("and 20 more")


async def test_nothing_is_told_of_what_was_on_before(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await told(monkeypatch, Cluster(ALICE), before=ON) == ()


async def test_a_source_that_does_not_answer_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    (warning,) = await told(monkeypatch, Cluster(error=Unreachable("gone")))
    assert "cannot be told: gone" in warning


@pytest.mark.parametrize(
    ("error", "is_limit"),
    [
        (KafkaFailure(44, "The maximum number of ACLs is reached"), True),
        (KafkaFailure(42, "ACL limit exceeded"), True),
        (KafkaFailure(44, "principals must have a type"), False),
        (KafkaFailure(31, "limit"), False),
        (Unreachable("limit"), False),
    ],
)
def test_a_limit_on_acls_has_a_code_of_its_own(error: ClusterError, is_limit: bool) -> None:
    """STATE-42."""
    assert (acl_problem(error).error_code is TaskErrorCode.ACL_LIMIT_EXCEEDED) is is_limit


def test_a_certificates_subject_is_the_links_principal() -> None:
    pair = Authority().issue("link-user")
    properties = {
        "bootstrap.servers": "a:9093",
        "security.protocol": "SSL",
        "ssl.keystore.certificate.chain": pair.certificate,
        "ssl.keystore.key": pair.key,
    }
    assert principals_of(client_arguments(properties)) == {"User:CN=link-user"}
    assert principals_of(client_arguments({"bootstrap.servers": "a:9092"})) == frozenset()


async def test_a_secret_that_cannot_be_read_hinders_no_change() -> None:
    def unreadable() -> dict[str, str]:
        raise SecretUnreadable("sasl.jaas.config", "was stored under another key")

    (told,) = await preview(Rows().context(own=Cluster()), None, ON, unreadable)
    assert "cannot be told: sasl.jaas.config: was stored under another key" in told
