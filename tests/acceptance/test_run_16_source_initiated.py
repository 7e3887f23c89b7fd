"""RUN-16: a source-initiated link, whose public half waits, through cuts of the network and the end of either side."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

import pytest

from pipeline.local.cluster import LocalCluster
from tests.acceptance.one_way import OFTEN, OneWay, create_mirror, one_way, operate, row, wait_for_state
from tests.acceptance.operating import Operator
from tests.acceptance.tasks import commit, committed, configure, name_filters
from tests.support.asking import assert_equal, checked, refusal, wait_for_ends
from tests.support.clients import create_topic, log_ends
from tests.support.consuming import consume
from tests.support.mirroring import SCALE
from tests.support.producing import numbered, produce
from tests.support.workers import WorkerProcess, wait_until

CUT_S = 60 * SCALE if SCALE > 1 else 0
log = logging.getLogger(__name__)
pytestmark = pytest.mark.timeout(400 + CUT_S)
GROUPS = name_filters("groupFilters", ("*", "LITERAL", "INCLUDE"))
OFFSETS = {
    "consumer_offset_sync_enable": "true",
    "consumer_offset_sync_ms": "1000",
    "consumer_offset_group_filters": GROUPS,
}
PARTITIONS = 3


@pytest.fixture(scope="module")
def pair(source: LocalCluster, destination: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneWay]:
    with one_way(destination, source, tmp_path_factory.mktemp("workers")) as made:
        yield made


@pytest.fixture
def name(unique: Callable[[str], str]) -> str:
    return unique("link")[-40:]


@pytest.fixture
def link(pair: OneWay, source: LocalCluster, destination: LocalCluster, name: str) -> str:
    """Both halves, the waiting one first."""
    checked(pair.here.create_waiting(name, source, **OFTEN, **OFFSETS, metadata_max_age_ms="1000"))
    checked(pair.there.create_source_half(name, destination, **OFTEN, local_listener_name="PLAINTEXT"))
    wait_for_state(pair.here, name, "ACTIVE")
    return name


@pytest.fixture
def mirror(pair: OneWay, source: LocalCluster, destination: LocalCluster, link: str, topic: str) -> str:
    """A mirror of a hundred records, ACTIVE and complete."""
    create_topic(source, topic, partitions=PARTITIONS)
    produce(source, topic, numbered(100))
    create_mirror(pair.here, link, topic)
    pair.here.wait_for_status(link, topic)
    wait_for_ends(source, destination, topic, PARTITIONS)
    return topic


def test_the_public_side_asks_and_the_private_side_carries_out(
    pair: OneWay, source: LocalCluster, destination: LocalCluster, link: str, mirror: str
) -> None:
    """MODE-2, MODE-3, MODE-29, MODE-44: mirrors, offsets, a promotion."""
    here, there = row(pair.here, link), row(pair.there, link)
    assert (here["source_cluster_id"], here["destination_cluster_id"]) == (source.cluster_id, None)
    assert (there["source_cluster_id"], there["destination_cluster_id"]) == (None, destination.cluster_id)
    assert here["cluster_link_id"] == there["cluster_link_id"], "the second half takes the id of the first (MODE-13)"
    assert there["topic_names"] == []
    group = f"{mirror}-group"
    commit(source, group, mirror, 40)
    wait_until(lambda: committed(destination, group, mirror) == 40, "the group's offset came over")
    operate(pair.here, "promote", link, mirror)
    pair.here.wait_for_status(link, mirror, "STOPPED")
    for partition in range(PARTITIONS):
        assert consume(destination, mirror, partition) == consume(source, mirror, partition)
    pair.check_that_nobody_dialled_in()


def test_a_cut_network_shows_and_is_made_good_by_itself(
    pair: OneWay, source: LocalCluster, destination: LocalCluster, link: str, mirror: str
) -> None:
    """Until both sides have seen it; with CLUSTERLINK_TEST_SCALE=10 for the ten minutes of the runbook."""
    pair.network.cuts(pair.port)
    cut_at = time.monotonic()
    produce(source, mirror, numbered(200, start=100))
    wait_for_state(pair.here, link, "UNAVAILABLE")
    wait_for_state(pair.there, link, "UNAVAILABLE")
    assert f"the side that dials for cluster link '{link}'" in row(pair.here, link)["link_error_message"]
    pair.here.wait_for_status(link, mirror, "SOURCE_UNAVAILABLE")
    assert refusal(pair.here.create_mirror(link, f"{mirror}-2")) == (503, 503)
    while time.monotonic() - cut_at < CUT_S:
        produce(source, mirror, numbered(1000, partition=PARTITIONS - 1))
        assert row(pair.here, link)["link_state"] == "UNAVAILABLE"
        time.sleep(1)
    pair.network.mends(pair.port)
    mended_at = time.monotonic()
    wait_for_state(pair.here, link, "ACTIVE")
    wait_for_state(pair.there, link, "ACTIVE")
    is_back_s = time.monotonic() - mended_at
    wait_for_ends(source, destination, mirror, PARTITIONS)
    log.info(
        "RUN-16: cut for %.0f s; ACTIVE %.1f s and complete %.1f s after it was mended, %d records",
        mended_at - cut_at,
        is_back_s,
        time.monotonic() - mended_at,
        sum(log_ends(destination, mirror, PARTITIONS)),
    )
    assert_equal(source, destination, mirror, partitions=PARTITIONS)
    pair.check_that_nobody_dialled_in()


def test_failover_needs_nobody_on_the_private_side(
    pair: OneWay, source: LocalCluster, destination: LocalCluster, link: str, mirror: str
) -> None:
    """MODE-44: before the public side knows that the other has gone; and so with a deletion by force."""
    pair.private.kill()
    operator = Operator(pair.public)
    operator.says("mirror", "failover", mirror, "--link", link)
    (shown,) = [
        each for each in operator.knows("mirror", "list", "--link", link) if each["mirror_topic_name"] == mirror
    ]
    assert shown["source_topic_name"] == mirror, "the command line is answered too"
    pair.here.wait_for_status(link, mirror, "STOPPED", within_s=60)
    produce(destination, mirror, numbered(10, start=900))
    refused = pair.here.create_mirror(link, f"{mirror}-2")
    assert refusal(refused) == (503, 503)
    wait_for_state(pair.here, link, "UNAVAILABLE")
    checked(pair.here.ask("DELETE", f"/{link}", force="true"))
    pair.private.launch()
    pair.private.wait_until_ready()
    wait_for_state(pair.there, link, "UNAVAILABLE")
    wait_until(lambda: row(pair.there, link)["link_error"] == "REMOTE_LINK_NOT_FOUND_ERROR", "its half is alone")
    checked(pair.there.ask("DELETE", f"/{link}"))


def test_the_private_sides_workers_share_the_work_and_replace_each_other(
    pair: OneWay, source: LocalCluster, destination: LocalCluster, link: str, mirror: str
) -> None:
    """TASK-53, MIRROR-17: what is carried for a partner is divided and taken over as links of their own are."""
    folder = pair.private.folder.parent
    other = WorkerProcess(source.bootstrap_servers, folder, pair.public.app_id, network=pair.network)
    with other:
        wait_until(lambda: other.owned and not other.owned & pair.private.owned, "the two share the partitions")
        produce(source, mirror, numbered(100, start=100))
        wait_for_ends(source, destination, mirror, PARTITIONS)
        pair.private.kill()
        produce(source, mirror, numbered(100, start=200))
        wait_for_ends(source, destination, mirror, PARTITIONS)
        second = f"{mirror}-2"
        create_topic(source, second)
        # refused while nobody leads the link there, which may take longer than the link's few seconds of patience
        create_mirror(pair.here, link, second)
        pair.here.wait_for_status(link, second)
        pair.private.launch()
        pair.private.wait_until_ready()
    produce(source, mirror, numbered(100, start=300))
    wait_for_ends(source, destination, mirror, PARTITIONS)
    assert_equal(source, destination, mirror, partitions=PARTITIONS)


def test_deleting_the_source_half_leaves_the_other_waiting(pair: OneWay, link: str, mirror: str) -> None:
    """MODE-30: and nothing without a name is left in the lists."""
    checked(pair.there.ask("DELETE", f"/{link}"))
    wait_for_state(pair.here, link, "UNAVAILABLE")  # maybe for its silence first, before its last word is read
    wait_until(
        lambda: row(pair.here, link)["link_error"] == "REMOTE_LINK_NOT_FOUND_ERROR", "it says what is missing", 60
    )
    assert "was deleted there" in row(pair.here, link)["link_error_message"]
    pair.here.wait_for_status(link, mirror, "SOURCE_UNAVAILABLE")
    assert link not in pair.there.links()
    assert all(pair.there.links())


def test_a_paused_source_half_pauses_the_link(
    pair: OneWay, source: LocalCluster, destination: LocalCluster, link: str, mirror: str
) -> None:
    """LINK-35."""
    pause = {"data": [{"name": "cluster.link.paused", "value": "true"}]}
    checked(pair.there.ask("PUT", f"/{link}/configs:alter", pause))
    wait_for_state(pair.here, link, "UNAVAILABLE")
    assert "is paused there" in row(pair.here, link)["link_error_message"]
    produce(source, mirror, numbered(10, start=100))
    checked(pair.there.ask("DELETE", f"/{link}/configs/cluster.link.paused"))
    wait_for_state(pair.here, link, "ACTIVE")
    wait_for_ends(source, destination, mirror, PARTITIONS)


def test_how_the_dialling_side_reaches_its_own_cluster_and_whom_it_speaks_to(
    pair: OneWay, source: LocalCluster, destination: LocalCluster, link: str, mirror: str
) -> None:
    """LINK-42, LINK-48: hot (LINK-10). No broker is where its REST is, and no workers have the other id."""
    nowhere = pair.private.url.rpartition("/")[2]
    configure(pair.there, link, local_bootstrap_servers=nowhere)
    wait_until(lambda: f"connection to {nowhere}" in pair.private.log(), "the address is dialled")
    configure(pair.there, link, local_bootstrap_servers=source.bootstrap_servers)
    produce(source, mirror, numbered(10, start=100))
    wait_for_ends(source, destination, mirror, PARTITIONS)
    configure(pair.there, link, partner_app_id="nobody")
    wait_until(lambda: row(pair.there, link)["link_error"] == "REMOTE_LINK_NOT_FOUND_ERROR", "nobody is there")
    configure(pair.there, link, partner_app_id=pair.public.app_id)
    wait_for_state(pair.there, link, "ACTIVE")
    produce(source, mirror, numbered(10, start=110))
    wait_for_ends(source, destination, mirror, PARTITIONS)


def test_the_waiting_half_comes_first(
    pair: OneWay, source: LocalCluster, destination: LocalCluster, name: str, topic: str
) -> None:
    """MODE-7, MODE-12, MODE-13, MODE-15, MODE-17, MODE-18, LINK-41, LINK-96, LINK-97."""
    nobody_dials = pair.there.create_waiting(name, destination, "SOURCE")
    assert refusal(nobody_dials) == (400, 40002), "MODE-7"
    refused = pair.there.create_source_half(name, destination)
    assert refusal(refused) == (400, 40002)
    assert f"a cluster link '{name}' of mode DESTINATION, INBOUND, on cluster {destination.cluster_id}" in refused.text
    waiting = {"link.mode": "DESTINATION", "connection.mode": "INBOUND"}
    rows = [{"name": each, "value": value} for each, value in waiting.items()]
    assert refusal(pair.here.ask("POST", "", {"configs": rows}, link_name=name)) == (400, 40002)
    assert refusal(pair.here.create_waiting(name, source, local_security_protocol="PLAINTEXT")) == (400, 40002)
    checked(pair.here.create_waiting(name, source))
    assert refusal(pair.there.create_source_half(name, destination, acl_sync_enable="true")) == (400, 40002)
    assert refusal(pair.there.create_source_half(name, source)) == (400, 40002)
    other_id = pair.there.create_source_half(name, destination, cluster_link_id="AAAAAAAAAAAAAAAAAAAAAA")
    assert refusal(other_id) == (400, 40002)
    nowhere = pair.there.create_source_half(name, destination, local_listener_name="NOWHERE")
    assert refusal(nowhere) == (400, 40002)
    assert "'PLAINTEXT'" in nowhere.text, "it says which there are"
    checked(pair.there.create_source_half(name, destination))
    refused = pair.there.create_mirror(name, topic)
    assert refusal(refused) == (400, 40002)
    assert f"Create them on its DESTINATION half, the cluster link '{name}'" in refused.text
    checked(pair.there.ask("DELETE", f"/{name}"))
    checked(pair.here.ask("DELETE", f"/{name}"))


def test_a_half_that_waits_for_another_cluster_is_not_carried(
    pair: OneWay, destination: LocalCluster, name: str
) -> None:
    """MODE-15: the id that the waiting half expects is compared before anything is done for it."""
    rows = [{"name": "connection.mode", "value": "INBOUND"}]
    body = {"source_cluster_id": "AAAAAAAAAAAAAAAAAAAAAA", "configs": rows}
    checked(pair.here.ask("POST", "", body, link_name=name))
    refused = pair.there.create_source_half(name, destination)
    assert refusal(refused) == (400, 40002)
    assert "AAAAAAAAAAAAAAAAAAAAAA" in refused.text
    checked(pair.here.ask("DELETE", f"/{name}"))
