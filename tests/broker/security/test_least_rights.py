"""One worker and one link with the rights that docs/security.md lists and no others: every feature works (SEC-12)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import ResourceType

from pipeline.local.cluster import LocalCluster
from tests.acceptance.tasks import commit, committed, name_filters, task
from tests.broker.conftest import SUPER_USER
from tests.support.asking import Rest, checked
from tests.support.clients import config, create_topic, log_ends, set_config, topic_names
from tests.support.consuming import consume
from tests.support.permitting import allow, login
from tests.support.producing import TransactionalProducer, numbered, produce
from tests.support.workers import WorkerProcess, wait_until

pytestmark = pytest.mark.timeout(300)
DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "security.md"
OWN, SOURCE = "What the workers' principal needs", "What the link's principal needs at the source"
APP, USER = "least-app", "least"
"""The user is the worker's at the destination and the link's at the source; what it may do, this file alone says."""
LEFT_OUT = "socket.request.max.bytes"
"""The one check that wants more, DESCRIBE_CONFIGS on the cluster, and is left out without (docs/tasks.md)."""


def rights(sentence: str) -> list[tuple[str, str]]:
    """(resource, operations) of the rows of the table that follows a sentence of the document."""
    table = DOCUMENT.read_text("utf-8").partition(sentence)[2].partition("|---|---|---|\n")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return [(row[0], row[1].replace(",", "")) for row in rows]


def grant(cluster: LocalCluster, sentence: str, head: str) -> None:
    """Allow the user just that; mirrors and groups have names with a head of the test's own."""
    topic, group = ResourceType.TOPIC, ResourceType.GROUP
    places = {
        "Topics with the prefix `clusterlink`": (topic, APP),
        "Groups with the prefix `clusterlink`": (group, APP),
        "Mirror topics": (topic, head),
        "Mirrored topics": (topic, head),
        "Synced groups": (group, head),
    }
    for resource, operations in rights(sentence):
        if resource == "Cluster":
            allow(cluster, USER, operations)
        else:
            kind, name = places[resource]
            allow(cluster, USER, operations, name, prefixed=True, kind=kind)


@pytest.fixture
def head(unique: Callable[[str], str]) -> str:
    return unique("least")


@pytest.fixture
def worker(secure_destination: LocalCluster, head: str, tmp_path: Path) -> Iterator[WorkerProcess]:
    grant(secure_destination, OWN, head)
    config = tmp_path / "own.config"
    own = secure_destination.client_properties(USER)
    config.write_text("".join(f"{name}={value}\n" for name, value in own.items()))
    settings = {"command_config": str(config), "password_encoder_secret": "least-rights-encoder-key"}
    with WorkerProcess(secure_destination.bootstrap_servers, tmp_path, APP, **settings) as process:
        yield process


def test_every_feature_works_with_the_rights_that_are_documented(
    secure_source: LocalCluster, secure_destination: LocalCluster, worker: WorkerProcess, head: str
) -> None:
    grant(secure_source, SOURCE, head)
    topic, automatic, group, link = f"{head}-orders", f"{head}-auto-bills", f"{head}-group", f"{head}-link"
    for each in (topic, automatic):
        create_topic(secure_source, each)
        produce(secure_source, each, numbered(50))
    TransactionalProducer(secure_source, topic).aborted(numbered(5))
    commit(secure_source, group, topic, 20)
    allow(secure_source, "alice", "READ", topic)
    resource = {"resourceType": "topic", "patternType": "literal", "name": topic}
    access = {"principal": "User:alice", "operation": "any", "permissionType": "any"}
    with Rest(worker, secure_destination) as rest:
        checked(
            rest.create_link(
                link,
                secure_source,
                **login(secure_source, USER),
                consumer_offset_sync_enable="true",
                consumer_offset_sync_ms="1000",
                consumer_offset_group_filters=name_filters("groupFilters", (group, "LITERAL", "INCLUDE")),
                acl_sync_enable="true",
                acl_sync_ms="1000",
                acl_filters=json.dumps({"aclFilters": [{"resourceFilter": resource, "accessFilter": access}]}),
                auto_create_mirror_topics_enable="true",
                auto_create_mirror_topics_filters=name_filters("topicFilters", (f"{head}-auto", "PREFIXED", "INCLUDE")),
            )
        )
        checked(rest.create_mirror(link, topic))
        for each in (topic, automatic):
            wait_until(
                lambda each=each: rest.mirror(link, each).get("mirror_status") == "ACTIVE", f"{each} mirrors", 60
            )
        wanted = log_ends(secure_source, topic)
        wait_until(lambda: log_ends(secure_destination, topic) == wanted, "markers are written")
        wait_until(lambda: committed(secure_destination, group, topic) == 20, "offsets are synced", poll_s=0.25)
        retain(secure_source, topic, "7200000")
        wait_until(lambda: retention(secure_destination, topic) == "7200000", "configs are synced", poll_s=0.25)
        wait_until(lambda: may_read(secure_destination, topic, "alice"), "ACLs are synced", poll_s=0.25)
        for name in ("ConsumerOffsetSync", "AclSync", "TopicConfigsSync", "AutoCreateMirror"):
            wait_until(
                lambda name=name: task(rest, link, name).get("state") == "ACTIVE", f"{name} is ACTIVE", poll_s=0.25
            )

        checked(rest.ask("POST", f"/{link}/mirrors:promote", {"mirror_topic_names": [topic]}))
        rest.wait_for_status(link, topic, "STOPPED")
        checked(rest.ask("DELETE", f"/{link}/mirrors/{automatic}"))
        checked(rest.ask("DELETE", f"/{link}", force="true"))
    assert [r.offset for r in consume(secure_destination, topic, user=SUPER_USER)] == [*range(50)]
    refusals = re.findall(r"[^\n]*(?:is not allowed|AUTHORIZATION_ERROR|AUTHORIZATION_FAILED)[^\n]*", worker.log())
    assert not [each for each in refusals if LEFT_OUT not in each], refusals


def retain(cluster: LocalCluster, topic: str, value: str) -> None:
    set_config(cluster, topic, "retention.ms", value)


def retention(cluster: LocalCluster, topic: str) -> str:
    return config(cluster, topic, "retention.ms")


def may_read(cluster: LocalCluster, topic: str, user: str) -> bool:
    return topic in topic_names(cluster, user)
