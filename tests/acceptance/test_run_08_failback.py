"""RUN-8: after a disaster the old source becomes the mirror: what diverged is saved and cut off, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipeline.local.cluster import LocalCluster
from tests.acceptance.operating import Operator
from tests.acceptance.tasks import commit, committed, name_filters
from tests.support.asking import assert_equal, checked, wait_for_ends
from tests.support.clients import config, create_topic, log_ends, topic_names
from tests.support.consuming import Received, consume
from tests.support.pairing import Side, link_both, paired
from tests.support.producing import TransactionalProducer, numbered, produce
from tests.support.workers import wait_until

PARTITIONS = 2
GROUPS = {"below": (10, 20), "above": (130, 5)}
"""Groups and what they have committed on A, by partition: the second has read what B never got."""


@pytest.fixture
def doomed() -> Iterator[LocalCluster]:
    """Cluster A of this run: it dies, and comes back."""
    with LocalCluster() as cluster:
        yield cluster


@pytest.mark.timeout(500)
def test_run_8(doomed: LocalCluster, destination: LocalCluster, tmp_path: Path, unique: Callable[[str], str]) -> None:
    link, topic = unique("link")[-40:], unique("topic")
    groups = {unique(name): offsets for name, offsets in GROUPS.items()}
    a = doomed
    with paired(a, destination, tmp_path) as (old, new):
        moved = unique("moved")
        link_both(old, new, link, availability_check_ms="1000", **offset_sync(moved))
        lost, ends = disaster(old, new, (link, topic), groups)
        # 2 and 3: nobody reads or writes on A; the dry run says what would go, and nothing goes
        operator = Operator(old.worker)
        words = ("mirror", "truncate-and-restore", topic, "--link", link)
        shown = operator.knows(*words, "--dry-run", "--include-partitions")
        cut = (0, str(ends[0] - 100), "100")
        assert cut in [(r["partition"], r["messages_truncated"], r["offset_truncated_to"]) for r in shown], shown
        assert log_ends(a, topic, PARTITIONS) == ends and old.rest.mirror(link, topic) == {}

        # 4
        answer = truncate(old.rest, link, topic)
        assert (answer["error_code"], answer["messages_truncated"]) == (None, ends[0] - 100)
        assert answer["partition_level_truncation_data"] == [
            {"partition_id": 0, "offset_truncated_to": 100, "messages_truncated": ends[0] - 100},
            {"partition_id": 1, "offset_truncated_to": None, "messages_truncated": 0},
        ]
        old.rest.wait_for_status(link, topic, within_s=120)
        assert_equal(destination, a, topic, partitions=PARTITIONS)
        (side,) = [name for name in topic_names(a) if name.startswith(f"{topic}.diverged.")]
        assert_saved(consume(a, side), lost)
        assert log_ends(a, side, PARTITIONS) == [37, 0]
        kept = [config(a, topic, name) for name in ("retention.ms", "unclean.leader.election.enable")]
        assert kept == ["86400000", "true"], "what B's mirror took of A, and what is each side's own (MIRROR-85 (4))"
        now = {group: tuple(committed(a, group, topic, p) for p in range(PARTITIONS)) for group in groups}
        assert now == {group: (min(first, 100), second) for group, (first, second) in groups.items()}
        produce(destination, topic, numbered(10, start=7000))
        wait_for_ends(destination, a, topic, PARTITIONS)
        again = truncate(old.rest, link, topic)
        assert again["error_code"] == 400 and "ACTIVE" in again["error_message"]

        # 5 and 6: back to the original topology
        commit(destination, moved, topic, 120)
        back(old, new, link, topic)
        assert (committed(a, moved, topic), committed(destination, moved, topic)) == (120, 120)
        produce(a, topic, numbered(10, start=8000))
        wait_for_ends(a, destination, topic, PARTITIONS)
        assert_equal(a, destination, topic, partitions=PARTITIONS, was_source=True)
        assert len(consume(a, topic)) == 100 + 50 + 10 + 10


def disaster(
    old: Side, new: Side, names: tuple[str, str], groups: dict[str, tuple[int, int]]
) -> tuple[list[Received], list[int]]:
    """1: RUN-6 up to step 5, B lagging when A dies. What B never got, and where A's logs end."""
    (link, topic), a, b = names, old.cluster, new.cluster
    create_topic(a, topic, PARTITIONS, retention_ms="86400000", unclean_leader_election_enable="true")
    produce(a, topic, numbered(100) + numbered(100, partition=1))
    checked(new.rest.create_mirror(link, topic))
    new.rest.wait_for_status(link, topic)
    wait_for_ends(a, b, topic, PARTITIONS)
    checked(new.rest.ask("POST", f"/{link}/mirrors:pause", {"mirror_topic_names": [topic]}))
    new.rest.wait_for_status(link, topic, "PAUSED")
    diverge(a, topic)
    commit_all(a, groups, topic)
    lost = consume(a, topic, start=100)
    assert len(lost) == 37
    ends = log_ends(a, topic, PARTITIONS)
    a.stop_broker(1, hard=True)
    new.wait_for_link(link, "UNAVAILABLE")
    checked(new.rest.ask("POST", f"/{link}/mirrors:failover", {"mirror_topic_names": [topic]}))
    new.rest.wait_for_status(link, topic, "STOPPED")
    produce(b, topic, numbered(50, start=5000) + numbered(20, start=6000, partition=1))
    a.start_broker(1)
    wait_until(lambda: is_back(old, link), f"link {link} is ACTIVE beside A", 120, 0.2)
    new.wait_for_link(link)
    return lost, ends


def is_back(side: Side, link: str) -> bool:
    """Whether its link is ACTIVE; its worker is started again where it has ended with its cluster."""
    if not side.worker.is_running():
        side.start_again()
    try:
        return side.link_state(link) == "ACTIVE"
    except httpx.TransportError:
        return False  # it has ended at this moment


def offset_sync(group: str) -> dict[str, str]:
    """Properties of a link that carries one group's offsets, names with underscores for dots."""
    return {
        "consumer_offset_sync_enable": "true",
        "consumer_offset_sync_ms": "1000",
        "consumer_offset_group_filters": name_filters("groupFilters", (group, "LITERAL", "INCLUDE")),
    }


def commit_all(cluster: LocalCluster, groups: dict[str, tuple[int, int]], topic: str) -> None:
    for group, offsets in groups.items():
        for partition, offset in enumerate(offsets):
            commit(cluster, group, topic, offset, partition)


def diverge(cluster: LocalCluster, topic: str) -> None:
    """37 records that consumers see, five that none does, and the markers of two transactions: 44 offsets."""
    produce(cluster, topic, numbered(30, start=1000), codec="zstd")
    writer = TransactionalProducer(cluster, topic)
    writer.aborted(numbered(5, start=2000))
    writer.committed(numbered(7, start=3000))


def back(old: Side, new: Side, link: str, topic: str) -> None:
    """Reverse the mirror on A: A's topic is the users' then, B's the mirror."""
    body = {"mirror_topic_names": [topic]}
    (row,) = checked(old.rest.ask("POST", f"/{link}/mirrors:reverse-and-start-mirror", body)).json()["data"]
    assert row["error_code"] is None, row
    old.rest.wait_for_status(link, topic, "STOPPED", within_s=120)
    new.rest.wait_for_status(link, topic, within_s=120)


def truncate(rest: Any, link: str, topic: str) -> dict[str, Any]:
    """Ask for it over REST; the topic's answer."""
    body = {"mirror_topic_names": [topic]}
    path = f"/{link}/mirrors:truncate-and-restore"
    (row,) = checked(rest.ask("POST", path, body, include_partition_level_truncation_data="true")).json()["data"]
    return dict(row)


def assert_saved(saved: list[Any], lost: list[Any]) -> None:
    """Every record as it was, with headers that say where it was."""
    assert [(r.key, r.value, r.timestamp_ms) for r in saved] == [(r.key, r.value, r.timestamp_ms) for r in lost]
    origins = [dict(r.headers) for r in saved]
    assert [int(o["clusterlink.diverged.offset"]) for o in origins] == [r.offset for r in lost]
    assert {o["clusterlink.diverged.partition"] for o in origins} == {b"0"}
