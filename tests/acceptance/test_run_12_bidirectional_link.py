"""RUN-12: a bidirectional link between clusters with authorizers; what one side does when the other is missing.

Both sides dial (MODE-4), as one principal with the rights of SEC-9 (SEC-24), under one name (MODE-10).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka.admin import ResourceType

from pipeline.local.cluster import LocalCluster
from tests.acceptance.tasks import errors, name_filters, wait_for_state
from tests.acceptance.test_run_10_disaster_drill import reverse
from tests.broker.conftest import SUPER_USER
from tests.broker.security.test_read_only_guard import is_refused
from tests.support.asking import Rest, checked, refusal, wait_for_ends
from tests.support.clients import create_topic, log_ends
from tests.support.permitting import allow, login
from tests.support.producing import numbered, produce
from tests.support.workers import WorkerProcess, wait_until

APP_ID = f"two-{uuid.uuid4().hex[:8]}"
OFFSETS, CONFIGS = "ConsumerOffsetSync", "TopicConfigsSync"
SYNCING = {
    "consumer_offset_sync_enable": "true",
    "consumer_offset_sync_ms": "1000",
    "consumer_offset_group_filters": name_filters("groupFilters", ("*", "LITERAL", "INCLUDE")),
}


@contextmanager
def working(cluster: LocalCluster, folder: Path) -> Iterator[Rest]:
    """A worker beside a cluster with an authorizer, as its super user; the link's user may do what the docs say."""
    config = folder / f"{cluster.cluster_id}.config"
    own = cluster.client_properties(SUPER_USER)
    config.write_text("".join(f"{name}={value}\n" for name, value in own.items()))
    settings = {"command_config": str(config), "password_encoder_secret": "a key for the runbook of two sides"}
    allow(cluster, "link", "DESCRIBE")
    allow(cluster, "link", "READ DESCRIBE_CONFIGS", "public.", prefixed=True)
    allow(cluster, "link", "DESCRIBE", "*", kind=ResourceType.GROUP)
    for table in ("links", "mirrors", "tasks", "synced_offsets", "positions"):
        allow(cluster, "link", "READ", f"{APP_ID}-{table}-changelog")
    allow(cluster, "link", "READ", f"{APP_ID}.results")
    allow(cluster, "link", "WRITE", f"{APP_ID}.commands")
    with WorkerProcess(cluster.bootstrap_servers, folder, APP_ID, **settings) as worker, Rest(worker, cluster) as rest:
        yield rest
        refused = re.search("cannot be carried.*is not allowed.*", worker.log())
        assert refused is None, f"where both sides dial nobody needs more than that: {refused}"


@pytest.mark.timeout(400)
def test_run_12(
    secure_source: LocalCluster, secure_destination: LocalCluster, tmp_path: Path, unique: Callable[[str], str]
) -> None:
    a, b, link = secure_source, secure_destination, unique("link")[-40:]
    on_a, on_b, private = f"public.{unique('topic-on-a')}", f"public.{unique('b-was-here')}", unique("private")
    for cluster, topic in ((a, on_a), (b, on_b), (a, private)):
        create_topic(cluster, topic)
        produce(cluster, topic, numbered(50))
    with working(a, tmp_path) as rest_a, working(b, tmp_path) as rest_b:

        def create(rest: Rest, name: str, remote: LocalCluster, **configs: str) -> None:
            checked(rest.create_side(name, remote, **login(remote, "link"), **SYNCING, **configs))

        create(rest_b, link, a)
        assert checked(rest_b.ask("GET", f"/{link}")).json()["link_state"] == "ACTIVE", "the first side works alone"
        wait_for_state(rest_b, link, OFFSETS, "IN_ERROR")
        assert errors(rest_b, link, OFFSETS) == ["REMOTE_LINK_NOT_FOUND_ERROR"]
        create(rest_a, link, b)
        one, two = (checked(rest.ask("GET", f"/{link}")).json() for rest in (rest_a, rest_b))
        assert one["cluster_link_id"] == two["cluster_link_id"], "the second side takes the id of the first (MODE-13)"
        assert (one["remote_cluster_id"], two["remote_cluster_id"]) == (b.cluster_id, a.cluster_id)
        checked(rest_b.create_mirror(link, on_a))
        checked(rest_a.create_mirror(link, on_b))
        refused = rest_b.create_mirror(link, private)
        assert refusal(refused)[0] in (400, 404) and "AUTHORIZATION_ERROR" in refused.text and private in refused.text
        rest_b.wait_for_status(link, on_a)
        rest_a.wait_for_status(link, on_b)
        wait_for_ends(a, b, on_a)
        wait_for_ends(b, a, on_b)
        for rest in (rest_a, rest_b):
            wait_for_state(rest, link, OFFSETS, "ACTIVE")
        assert refusal(rest_a.create_mirror(link, on_a)) == (400, 40002), "MODE-22, MODE-23"

        for cluster in (a, b):
            allow(cluster, "alice", "WRITE DESCRIBE", on_a)
        assert is_refused(b, on_a, "alice")
        reverse((rest_b, rest_a), link, on_a)
        assert is_refused(a, on_a, "alice"), "the guard has changed sides (MIRROR-4)"
        wait_until(lambda: not is_refused(b, on_a, "alice"), "nobody guards the old mirror")
        wait_for_ends(b, a, on_a)

        create(rest_b, f"{link}-b", a)
        wait_until(
            lambda: errors(rest_b, f"{link}-b", OFFSETS) == ["REMOTE_LINK_NOT_FOUND_ERROR"], "other names, no pair", 120
        )
        deleting_one_side((rest_a, rest_b), (a, b), link, on_b, lambda: create(rest_b, link, a))


def deleting_one_side(
    sides: tuple[Rest, Rest],
    clusters: tuple[LocalCluster, LocalCluster],
    link: str,
    on_b: str,
    create_again: Callable[[], None],
) -> None:
    """MODE-24, LIM-14: data stops in both directions; the other side says so, and works again with a new partner."""
    (rest_a, rest_b), (a, b) = sides, clusters
    deleted = checked(rest_b.ask("DELETE", f"/{link}", force="true"))
    assert "data stops in both directions" in deleted.headers["Warning"]

    def row() -> dict[str, str]:
        return dict(checked(rest_a.ask("GET", f"/{link}")).json())

    wait_until(lambda: row()["link_state"] == "UNAVAILABLE", "the side that is left is UNAVAILABLE", 120, 0.1)
    assert row()["link_error"] == "REMOTE_LINK_NOT_FOUND_ERROR"
    rest_a.wait_for_status(link, on_b, "SOURCE_UNAVAILABLE")
    for task in (OFFSETS, CONFIGS):
        wait_until(lambda t=task: errors(rest_a, link, t) == ["REMOTE_LINK_NOT_FOUND_ERROR"], f"{task} says so")
    stood = log_ends(a, on_b)
    produce(b, on_b, numbered(50))
    assert log_ends(a, on_b) == stood, "nothing is copied meanwhile"
    create_again()
    wait_until(lambda: row()["link_state"] == "ACTIVE", "it is ACTIVE again", 120, 0.1)
    assert row()["cluster_link_id"] == checked(rest_b.ask("GET", f"/{link}")).json()["cluster_link_id"]
    rest_a.wait_for_status(link, on_b)
    wait_for_ends(b, a, on_b)
