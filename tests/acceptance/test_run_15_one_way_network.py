"""RUN-15, MODE-45: a bidirectional link over a network that lets connections open in one direction only.

Both clusters have users and ACLs. The public worker's network has no way to the private cluster at all; every principal
has what docs/security.md says that it needs, and no more (SEC-8, SEC-11), with a principal of its own on each cluster
(SEC-24). The pair is the example of section 3.3 of the specification: MODE-5 here, MODE-6 there.
A packet capture on both sides shows who opens connections (`OneWay.check_that_nobody_dialled_in`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from confluent_kafka.admin import ResourceType

from pipeline.local.cluster import LocalCluster
from tests.acceptance.one_way import OFTEN, OneWay, create_mirror, one_way, operate, row, wait_for_state
from tests.acceptance.tasks import commit, committed, name_filters
from tests.acceptance.test_run_23_acl_sync import Acls, selecting
from tests.broker.conftest import SUPER_USER
from tests.broker.security.test_least_rights import retain, retention
from tests.support.asking import assert_equal, checked, wait_for_ends
from tests.support.clients import create_topic
from tests.support.permitting import allow, login
from tests.support.producing import numbered, produce
from tests.support.scanning import files, found_in, topics
from tests.support.workers import wait_until

pytestmark = pytest.mark.timeout(400)
PARTITIONS = 2
OFFSETS = {
    "consumer_offset_sync_enable": "true",
    "consumer_offset_sync_ms": "1000",
    "consumer_offset_group_filters": name_filters("groupFilters", ("shared-", "PREFIXED", "INCLUDE")),
}
DIALLER, READER = "link", "alice"
"""Who the private side is on the public cluster, and on its own for the data that it gives (`local.*`)."""


@pytest.fixture(scope="module")
def pair(
    secure_source: LocalCluster, secure_destination: LocalCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OneWay]:
    """Workers that are super users of their own clusters."""
    users = {"public_user": SUPER_USER, "private_user": SUPER_USER}
    folder = tmp_path_factory.mktemp("workers")
    with one_way(secure_destination, secure_source, folder, password_encoder_secret="a key of the tests", **users) as p:
        permit(secure_destination, secure_source, p.public.app_id)
        yield p


def permit(public: LocalCluster, private: LocalCluster, app_id: str) -> None:
    """What docs/security.md lists for a side that dials for its partner, `app_id` being both sides'."""
    allow(public, DIALLER, "DESCRIBE DESCRIBE_CONFIGS READ WRITE", app_id, prefixed=True)
    mirrors = "CREATE DESCRIBE ALTER DESCRIBE_CONFIGS ALTER_CONFIGS READ WRITE DELETE"
    allow(public, DIALLER, mirrors, "shared-", prefixed=True)
    allow(public, DIALLER, "DESCRIBE READ", "shared-", prefixed=True, kind=ResourceType.GROUP)
    allow(public, DIALLER, "READ", app_id, prefixed=True, kind=ResourceType.GROUP)
    allow(public, DIALLER, "DESCRIBE ALTER")
    allow(private, READER, "READ DESCRIBE_CONFIGS", "shared-", prefixed=True)
    allow(private, READER, "DESCRIBE", "shared-", prefixed=True, kind=ResourceType.GROUP)
    allow(private, READER, "DESCRIBE")


@pytest.fixture
def link(
    pair: OneWay, secure_source: LocalCluster, secure_destination: LocalCluster, unique: Callable[[str], str]
) -> str:
    """The example of section 3.3: the public side first."""
    name = unique("link")[-40:]
    checked(pair.here.create_waiting(name, secure_source, "BIDIRECTIONAL", **OFTEN, **OFFSETS))
    local = {f"local_{each}": value for each, value in login(secure_source, READER).items()}
    dialling = login(secure_destination, DIALLER) | local
    checked(pair.there.create_side(name, secure_destination, **dialling, **OFTEN, **OFFSETS))
    wait_for_state(pair.here, name, "ACTIVE")
    return name


def test_run_15(
    pair: OneWay, secure_source: LocalCluster, secure_destination: LocalCluster, link: str, unique: Callable[[str], str]
) -> None:
    public, private = secure_destination, secure_source
    ours, theirs, group = (f"shared-{unique(each)}" for each in ("public", "private", "group"))
    assert row(pair.here, link)["cluster_link_id"] == row(pair.there, link)["cluster_link_id"]
    assert row(pair.here, link)["remote_cluster_id"] == private.cluster_id
    # mirrors both ways, each created where it lives (MODE-20)
    for cluster, topic in ((public, ours), (private, theirs)):
        create_topic(cluster, topic, PARTITIONS)
        produce(cluster, topic, numbered(100))
    create_mirror(pair.here, link, theirs)
    create_mirror(pair.there, link, ours)
    pair.here.wait_for_status(link, theirs)
    pair.there.wait_for_status(link, ours)
    wait_for_ends(private, public, theirs, PARTITIONS)
    wait_for_ends(public, private, ours, PARTITIONS)
    # committed offsets both ways (MODE-21)
    commit(private, group, theirs, 60)
    commit(public, group, ours, 30)
    wait_until(lambda: committed(public, group, theirs) == 60, "an offset came to the public side")
    wait_until(lambda: committed(private, group, ours) == 30, "an offset came to the private side")
    # both mirrors go on after that
    produce(private, theirs, numbered(50, start=100))
    produce(public, ours, numbered(50, start=100))
    wait_for_ends(private, public, theirs, PARTITIONS)
    wait_for_ends(public, private, ours, PARTITIONS)
    assert_equal(private, public, theirs, partitions=PARTITIONS)
    assert_equal(public, private, ours, partitions=PARTITIONS)
    pair.check_that_nobody_dialled_in()
    places = topics(public, pair.public.app_id) | files(pair.public.folder)
    assert any("-links-changelog-" in place and len(places[place]) > 100 for place in places)
    assert found_in(places, [private.options.users[READER]]) == [], "what is local stays so (MODE-41)"


def test_the_other_tasks_run_over_the_same_connections(
    pair: OneWay, secure_source: LocalCluster, secure_destination: LocalCluster, unique: Callable[[str], str]
) -> None:
    """ACLs, topic configs and new topics come to the public side; what is its own stays (TASK-31, LINK-104).

    Which ACLs are the link's does not depend on which side has the mirror: they follow after a reverse as before.
    """
    public, private, name = secure_destination, secure_source, unique("link")[-40:]
    topic, principal = f"shared-{unique('auto')}", f"User:{unique('zoe')}"
    tasks = {
        "acl_sync_enable": "true",
        "acl_sync_ms": "1000",
        "acl_filters": selecting(principal),
        "auto_create_mirror_topics_enable": "true",
        "auto_create_mirror_topics_filters": name_filters("topicFilters", (topic, "PREFIXED", "INCLUDE")),
        "topic_config_sync_ms": "1000",
        "metadata_max_age_ms": "1000",
    }
    checked(pair.here.create_waiting(name, private, "BIDIRECTIONAL", **OFTEN, **tasks))
    local = {f"local_{each}": value for each, value in login(private, READER).items()}
    checked(pair.there.create_side(name, public, **login(public, DIALLER), **local, **OFTEN))
    wait_for_state(pair.here, name, "ACTIVE")
    there, here = Acls(private, principal), Acls(public, principal)
    here.add("own", "READ")
    there.add("theirs", "READ")
    there.add("theirs", "WRITE")
    create_topic(private, topic, PARTITIONS, retention_ms="7200000")
    copied = {("theirs", "READ"), ("theirs", "WRITE")}
    wait_until(lambda: here.all() == {("own", "READ")} | copied, "ACLs came over", poll_s=0.25)
    pair.here.wait_for_status(name, topic)
    assert retention(public, topic) == "7200000"
    retain(private, topic, "3600000")
    wait_until(lambda: retention(public, topic) == "3600000", "its configs follow", poll_s=0.25)
    there.delete("theirs", "WRITE")
    left = {("own", "READ"), ("theirs", "READ")}
    wait_until(lambda: here.all() == left, "a deletion came over, and took nothing else", poll_s=0.25)
    operate(pair.here, "reverse-and-start-mirror", name, topic)
    pair.here.wait_for_status(name, topic, "STOPPED")
    pair.there.wait_for_status(name, topic)
    there.delete("theirs", "READ")
    there.add("later", "READ")
    left = {("own", "READ"), ("later", "READ")}
    wait_until(lambda: here.all() == left, "after a reverse they follow, and nothing else goes", poll_s=0.25)
    pair.check_that_nobody_dialled_in()
    deleted = checked(pair.here.ask("DELETE", f"/{name}", force="true"))
    assert "one of two" in deleted.headers["Warning"], "LIM-14"
    assert here.all() == left
    wait_for_state(pair.there, name, "UNAVAILABLE")
    checked(pair.there.ask("DELETE", f"/{name}", force="true"))


def test_roles_are_reversed_both_ways(
    pair: OneWay, secure_source: LocalCluster, secure_destination: LocalCluster, link: str, unique: Callable[[str], str]
) -> None:
    """MIRROR-71 over connections that only one side opens: asked for on the side where the mirror lives."""
    public, private = secure_destination, secure_source
    topic = f"shared-{unique('topic')}"
    create_topic(private, topic, PARTITIONS)
    produce(private, topic, numbered(100))
    create_mirror(pair.here, link, topic)
    pair.here.wait_for_status(link, topic)
    for old, new in ((pair.here, pair.there), (pair.there, pair.here)):
        operate(old, "reverse-and-start-mirror", link, topic)
        old.wait_for_status(link, topic, "STOPPED")
        new.wait_for_status(link, topic)
    produce(private, topic, numbered(50, start=100))
    wait_for_ends(private, public, topic, PARTITIONS)
    assert_equal(private, public, topic, partitions=PARTITIONS, was_source=True)
    pair.check_that_nobody_dialled_in()


def test_an_old_source_that_waits_is_restored(
    pair: OneWay, secure_source: LocalCluster, secure_destination: LocalCluster, link: str, unique: Callable[[str], str]
) -> None:
    """MIRROR-73 on the public side, which was the source: what it takes of the private cluster is brought to it."""
    public, private = secure_destination, secure_source
    topic = f"shared-{unique('topic')}"
    # nobody may be left out of the question who reads the topic
    allow(public, DIALLER, "DESCRIBE READ", "*", kind=ResourceType.GROUP)
    create_topic(public, topic, PARTITIONS)
    produce(public, topic, numbered(100))
    create_mirror(pair.there, link, topic)
    pair.there.wait_for_status(link, topic)
    wait_for_ends(public, private, topic, PARTITIONS)
    operate(pair.there, "failover", link, topic)
    pair.there.wait_for_status(link, topic, "STOPPED")
    produce(private, topic, numbered(20, start=100))
    produce(public, topic, numbered(5, start=900))
    operate(pair.here, "truncate-and-restore", link, topic)
    pair.here.wait_for_status(link, topic, within_s=120)
    wait_for_ends(private, public, topic, PARTITIONS)
    assert_equal(private, public, topic, partitions=PARTITIONS, was_source=True)
    pair.check_that_nobody_dialled_in()
