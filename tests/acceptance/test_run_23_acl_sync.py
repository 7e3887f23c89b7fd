"""RUN-23: ACLs of the source are followed, and the destination's own are never deleted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from pipeline.local.cluster import LocalCluster
from tests.acceptance.tasks import configure, errors, wait_for_state
from tests.broker.conftest import SUPER_USER
from tests.support.asking import Rest, checked
from tests.support.clients import TIMEOUT_S, admin
from tests.support.permitting import login
from tests.support.workers import WorkerProcess, wait_until

TASK = "AclSync"
Entry = tuple[str, str]
"""Topic and operation."""


@pytest.fixture
def secure_rest(secure_destination: LocalCluster, tmp_path: Path) -> Iterator[Rest]:
    """A worker beside the cluster with an authorizer, as its super user."""
    config = tmp_path / "own.config"
    own = secure_destination.client_properties(SUPER_USER)
    config.write_text("".join(f"{name}={value}\n" for name, value in own.items()))
    settings = {"command_config": str(config), "password_encoder_secret": "a key for the runbook of ACLs"}
    with (
        WorkerProcess(secure_destination.bootstrap_servers, tmp_path, **settings) as worker,
        Rest(worker, secure_destination) as rest,
    ):
        yield rest


class Acls:
    """The ACLs of one principal on one cluster."""

    def __init__(self, cluster: LocalCluster, principal: str) -> None:
        self._cluster, self._principal = cluster, principal

    def add(self, topic: str, operation: str) -> None:
        binding = AclBinding(
            ResourceType.TOPIC,
            topic,
            ResourcePatternType.LITERAL,
            self._principal,
            "*",
            AclOperation[operation],
            AclPermissionType.ALLOW,
        )
        client = admin(self._cluster)
        for future in client.create_acls([binding]).values():
            future.result(TIMEOUT_S)

    def delete(self, topic: str, operation: str) -> None:
        client = admin(self._cluster)
        for future in client.delete_acls([self._filter(topic, AclOperation[operation])]).values():
            future.result(TIMEOUT_S)

    def all(self) -> set[Entry]:
        client = admin(self._cluster)
        found = client.describe_acls(self._filter(None, AclOperation.ANY)).result(TIMEOUT_S)
        return {(each.name, each.operation.name) for each in found}

    def _filter(self, topic: str | None, operation: AclOperation) -> AclBindingFilter:
        return AclBindingFilter(
            ResourceType.TOPIC,
            topic,
            ResourcePatternType.LITERAL,
            self._principal,
            None,
            operation,
            AclPermissionType.ANY,
        )


def selecting(principal: str) -> str:
    access = {"principal": principal, "operation": "any", "permissionType": "any"}
    row = {"resourceFilter": {"resourceType": "any", "patternType": "any"}, "accessFilter": access}
    return json.dumps({"aclFilters": [row]})


@pytest.mark.timeout(300)
def test_run_23(
    secure_source: LocalCluster, secure_destination: LocalCluster, secure_rest: Rest, unique: Callable[[str], str]
) -> None:
    link, principal = unique("link")[-40:], f"User:{unique('ann')}"
    there, here = Acls(secure_source, principal), Acls(secure_destination, principal)

    def follows(wanted: set[Entry], what: str) -> None:
        wait_until(lambda: here.all() == wanted, what, 20, 0.25)

    there.add("one", "READ")
    here.add("own", "WRITE")
    here.add("both", "READ")
    there.add("both", "READ")
    configs = {"acl_sync_enable": "true", "acl_sync_ms": "1000", "acl_filters": selecting(principal)}
    checked(secure_rest.create_link(link, secure_source, **login(secure_source, SUPER_USER), **configs))
    own = {("own", "WRITE"), ("both", "READ")}
    follows(own | {("one", "READ")}, "the first copy")
    wait_for_state(secure_rest, link, TASK, "ACTIVE")

    there.add("two", "WRITE")
    follows(own | {("one", "READ"), ("two", "WRITE")}, "an addition")
    there.delete("one", "READ")
    there.add("one", "DESCRIBE")
    there.delete("both", "READ")
    follows(own | {("one", "DESCRIBE"), ("two", "WRITE")}, "a change, and what was here before stays")
    here.delete("two", "WRITE")
    wait_until(lambda: ("two", "WRITE") not in here.all(), "deleted by hand", 20, 0.02)
    follows(own | {("one", "DESCRIBE"), ("two", "WRITE")}, "it comes back")

    configure(secure_rest, link, acl_sync_enable="false")
    wait_for_state(secure_rest, link, TASK, "NOT_CONFIGURED")
    rows = checked(secure_rest.ask("GET", f"/{link}/configs")).json()["data"]
    assert {row["name"]: row["value"] for row in rows}["acl.filters"] == ""
    there.delete("two", "WRITE")
    there.add("three", "READ")
    configure(secure_rest, link, acl_sync_enable="true")
    wait_until(lambda: errors(secure_rest, link, TASK) == ["MISCONFIGURATION_ERROR"], "filters are missing", 20, 0.25)
    assert here.all() == own | {("one", "DESCRIBE"), ("two", "WRITE")}
    configure(secure_rest, link, acl_filters=selecting(principal))
    follows(own | {("one", "DESCRIBE"), ("three", "READ")}, "on again")


@pytest.mark.timeout(200)
def test_without_an_authorizer(source: LocalCluster, rest: Rest, unique: Callable[[str], str]) -> None:
    """TASK-41: the task says so, the link works."""
    link = unique("link")[-40:]
    checked(rest.create_link(link, source, acl_sync_enable="true", acl_filters=selecting("User:ann")))
    wait_until(lambda: errors(rest, link, TASK) == ["SECURITY_DISABLED_ERROR"], "it is said", 20, 0.25)
    wait_for_state(rest, link, "TopicConfigsSync", "ACTIVE")
