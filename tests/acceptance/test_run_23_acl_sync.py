"""RUN-23: ACLs of the source are followed, and the destination's own are never deleted."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
from tests.support.asking import Rest, checked, wait_for_ends
from tests.support.clients import TIMEOUT_S, admin, answered, create_topic
from tests.support.permitting import add_acls, login
from tests.support.producing import numbered, produce
from tests.support.workers import WorkerProcess, wait_until

TASK = "AclSync"
APP_ID = f"acls-{uuid.uuid4().hex[:8]}"
"""Of the workers of both clusters: so they find what links have created there (FILT-6)."""
Entry = tuple[str, str]
"""Topic and operation."""


@contextmanager
def working(cluster: LocalCluster, folder: Path) -> Iterator[Rest]:
    """A worker beside a cluster with an authorizer, as its super user."""
    config = folder / f"{cluster.cluster_id}.config"
    own = cluster.client_properties(SUPER_USER)
    config.write_text("".join(f"{name}={value}\n" for name, value in own.items()))
    settings = {"command_config": str(config), "password_encoder_secret": "a key for the runbook of ACLs"}
    with WorkerProcess(cluster.bootstrap_servers, folder, APP_ID, **settings) as worker, Rest(worker, cluster) as rest:
        yield rest


@pytest.fixture(scope="module")
def secure_rest(
    secure_destination: LocalCluster,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Rest]:
    with working(secure_destination, tmp_path_factory.mktemp("acls")) as rest:
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
        add_acls(self._cluster, [binding])

    def delete(self, topic: str, operation: str) -> None:
        client, which = admin(self._cluster), self._filter(topic, AclOperation[operation])
        answered(lambda: [future.result(TIMEOUT_S) for future in client.delete_acls([which]).values()])

    def all(self) -> set[Entry]:
        client = admin(self._cluster)
        found = answered(lambda: client.describe_acls(self._filter(None, AclOperation.ANY)).result(TIMEOUT_S))
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


def selecting(principal: str, *link_ids: str) -> str:
    access: dict[str, Any] = {"principal": principal, "operation": "any", "permissionType": "any"}
    if link_ids:
        access["clusterLinkIds"] = list(link_ids)
    row = {"resourceFilter": {"resourceType": "any", "patternType": "any"}, "accessFilter": access}
    return json.dumps({"aclFilters": [row]})


@pytest.mark.timeout(300)
def test_run_23(
    secure_source: LocalCluster, secure_destination: LocalCluster, secure_rest: Rest, unique: Callable[[str], str]
) -> None:
    link, principal = unique("link")[-40:], f"User:{unique('ann')}"
    there, here = Acls(secure_source, principal), Acls(secure_destination, principal)

    def follows(wanted: set[Entry], what: str) -> None:
        wait_until(lambda: here.all() == wanted, what, 60, 0.25)

    there.add("one", "READ")
    here.add("own", "WRITE")
    here.add("both", "READ")
    there.add("both", "READ")
    own = {("own", "WRITE"), ("both", "READ")}
    configs = {"acl_sync_ms": "86400000", "acl_filters": selecting(principal), **login(secure_source, SUPER_USER)}
    checked(secure_rest.create_link(link, secure_source, **configs))
    on = {"data": [{"name": "acl.sync.enable", "value": "true"}]}
    told = f"acl.sync.enable: the first cycle adds 1 ACLs: ALLOW {principal} READ on TOPIC one"
    tried = checked(secure_rest.ask("PUT", f"/{link}/configs:alter", on, validate_only="true"))
    assert told in tried.headers["Warning"], "a dry run tells what would be added (TASK-36)"
    assert here.all() == own, "and adds nothing"
    assert told in checked(secure_rest.ask("PUT", f"/{link}/configs:alter", on)).headers["Warning"]
    follows(own | {("one", "READ")}, "the first copy")
    wait_for_state(secure_rest, link, TASK, "ACTIVE")
    listed = checked(secure_rest.ask("GET", f"/{link}/acls")).json()["data"]
    assert [(row["principal"], row["resource_name"]) for row in listed] == [(principal, "one")], "TASK-32"

    configure(secure_rest, link, acl_sync_ms="1000")  # hot: LINK-10
    there.add("two", "WRITE")
    follows(own | {("one", "READ"), ("two", "WRITE")}, "an addition")
    there.delete("one", "READ")
    there.add("one", "DESCRIBE")
    there.delete("both", "READ")
    follows(own | {("one", "DESCRIBE"), ("two", "WRITE")}, "a change, and what was here before stays")
    configure(secure_rest, link, acl_sync_ms="86400000")

    def is_deleted() -> bool:
        here.delete("two", "WRITE")  # again where a cycle was under way
        return ("two", "WRITE") not in here.all()

    wait_until(is_deleted, "deleted by hand")
    configure(secure_rest, link, acl_sync_ms="1000")
    follows(own | {("one", "DESCRIBE"), ("two", "WRITE")}, "it comes back")

    configure(secure_rest, link, acl_sync_enable="false")
    wait_for_state(secure_rest, link, TASK, "NOT_CONFIGURED")
    rows = checked(secure_rest.ask("GET", f"/{link}/configs")).json()["data"]
    assert {row["name"]: row["value"] for row in rows}["acl.filters"] == ""
    there.delete("two", "WRITE")
    there.add("three", "READ")
    configure(secure_rest, link, acl_sync_enable="true")
    wait_until(
        lambda: errors(secure_rest, link, TASK) == ["MISCONFIGURATION_ERROR"], "filters are missing", poll_s=0.25
    )
    assert here.all() == own | {("one", "DESCRIBE"), ("two", "WRITE")}
    configure(secure_rest, link, acl_filters=selecting(principal))
    follows(own | {("one", "DESCRIBE"), ("three", "READ")}, "on again")


@pytest.mark.timeout(400)
def test_run_23_what_a_link_created_is_not_taken_for_the_sources_own(
    secure_source: LocalCluster,
    secure_destination: LocalCluster,
    secure_rest: Rest,
    tmp_path: Path,
    unique: Callable[[str], str],
) -> None:
    """FILT-6, FILT-7: from one cluster to the next and on, where the third is the first again."""
    principal = f"User:{unique('ann')}"
    first, second = Acls(secure_destination, principal), Acls(secure_source, principal)
    on = {"acl_sync_enable": "true", "acl_sync_ms": "1000"}
    first.add("copied", "READ")
    with working(secure_source, tmp_path) as there:
        user = login(secure_destination, SUPER_USER)
        checked(there.create_link("first", secure_destination, **user, **on, acl_filters=selecting(principal)))
        wait_until(lambda: second.all() == {("copied", "READ")}, "the first link copies", poll_s=0.25)
        link_id = checked(there.ask("GET", "/first")).json()["cluster_link_id"]
    second.add("plain", "READ")
    first.delete("copied", "READ")
    user = login(secure_source, SUPER_USER)
    checked(secure_rest.create_link("second", secure_source, **user, **on, acl_filters=selecting(principal)))
    wait_until(lambda: first.all() == {("plain", "READ")}, "the second leaves the first's copies out", poll_s=0.25)
    wait_for_state(secure_rest, "second", TASK, "ACTIVE")
    configure(secure_rest, "second", acl_filters=selecting(principal, link_id))
    wait_until(lambda: first.all() == {("copied", "READ")}, "with its id, only those", poll_s=0.25)


@pytest.mark.timeout(300)
def test_without_an_authorizer(
    source: LocalCluster, destination: LocalCluster, rest: Rest, unique: Callable[[str], str], topic: str
) -> None:
    """TASK-41, STATE-30, STATE-61: each task says what is wrong with it; data and the other tasks go on."""
    link = unique("link")[-40:]
    create_topic(source, topic)
    on = {"acl_sync_enable": "true", "consumer_offset_sync_enable": "true", "auto_create_mirror_topics_enable": "true"}
    checked(rest.create_link(link, source, **on, acl_filters=selecting("User:ann")))
    checked(rest.create_mirror(link, topic))
    wait_until(lambda: errors(rest, link, TASK) == ["SECURITY_DISABLED_ERROR"], "it is said", poll_s=0.25)
    for name in ("ConsumerOffsetSync", "AutoCreateMirror"):
        wait_until(
            lambda n=name: errors(rest, link, n) == ["MISCONFIGURATION_ERROR"], f"{name} lacks filters", 60, 0.25
        )  # type: ignore[misc]
    wait_for_state(rest, link, "TopicConfigsSync", "ACTIVE")
    rest.wait_for_status(link, topic)
    produce(source, topic, numbered(10))
    wait_for_ends(source, destination, topic)
