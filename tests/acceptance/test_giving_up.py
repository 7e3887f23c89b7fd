"""Restores and reverses that cannot end, or were not meant: how an operator gets out of them (MIRROR-68, LINK-103)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import KafkaException

from pipeline.local.cluster import LocalCluster
from tests.acceptance.tasks import commit, committed, configure, name_filters
from tests.acceptance.test_run_02_read_position import member
from tests.broker.security.test_least_rights import retention
from tests.support.asking import checked, wait_for_ends
from tests.support.clients import create_topic, log_ends, topic_names
from tests.support.consuming import consume
from tests.support.pairing import Side, link_both, paired
from tests.support.producing import TransactionalProducer, numbered, produce
from tests.support.workers import wait_until

pytestmark = pytest.mark.timeout(400)
Pair = tuple[Side, Side]
Named = Callable[[str], str]
CUT = 100
SIZE = 20_000
SLOWLY = {"link.max.bytes.per.second": str(SIZE), "replica.fetch.max.bytes": str(SIZE)}
"""One record in a fetch, and one in a second: the way to the cut takes more than a minute."""


@pytest.fixture(scope="module")
def pair(source: LocalCluster, destination: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The old source, and where its mirror is."""
    with paired(source, destination, tmp_path_factory.mktemp("pair")) as sides:
        yield sides


@pytest.fixture
def mirrored(pair: Pair, unique: Named) -> tuple[str, str]:
    """A bidirectional link, and a topic with records that is mirrored from the old side to the new one."""
    old, new = pair
    link, topic = unique("link")[-40:], unique("topic")
    link_both(old, new, link, availability_check_ms="1000", availability_check_consecutive_failure_threshold="3")
    create_topic(old.cluster, topic)
    produce(old.cluster, topic, numbered(CUT, size=SIZE), batch=1)
    checked(new.rest.create_mirror(link, topic))
    new.rest.wait_for_status(link, topic)
    wait_for_ends(old.cluster, new.cluster, topic)
    return link, topic


def operate(side: Side, link: str, topic: str, verb: str) -> dict[str, Any]:
    """The topic's row of the answer."""
    body = {"mirror_topic_names": [topic]}
    (row,) = checked(side.rest.ask("POST", f"/{link}/mirrors:{verb}", body)).json()["data"]
    return dict(row)


def waits_for(side: Side, link: str, topic: str) -> str:
    """What the transition waits for, as one text."""
    path = f"/{link}/mirrors/{topic}"
    answer = checked(side.rest.ask("GET", path, include_state_transition_errors="true")).json()
    return str(answer.get("mirror_state_transition_errors") or "")


def has_records(side: Side, topic: str) -> bool:
    try:
        return log_ends(side.cluster, topic)[0] > 0
    except (KafkaException, TimeoutError):
        return False  # deleted, and not made again yet


def test_a_failover_gives_a_restore_up(pair: Pair, mirrored: tuple[str, str], unique: Named) -> None:
    """Before anything was deleted the topic is as it was; after that it is a regular one with what has come so far."""
    old, new = pair
    link, topic = mirrored
    operate(new, link, topic, "failover")
    new.rest.wait_for_status(link, topic, "STOPPED")
    produce(new.cluster, topic, numbered(20, start=5000))

    never_ends = TransactionalProducer(old.cluster, topic).begin()
    never_ends.send(numbered(5, start=9000))
    assert operate(old, link, topic, "truncate-and-restore")["error_code"] is None
    wait_until(lambda: "transactions are open" in waits_for(old, link, topic), "it says what it waits for")
    assert operate(old, link, topic, "failover")["error_code"] is None
    old.rest.wait_for_status(link, topic, "STOPPED")
    never_ends.commit()
    assert len(consume(old.cluster, topic)) == CUT + 5
    assert "already stopped" in operate(old, link, topic, "failover")["error_message"]

    group = unique("group")
    commit(old.cluster, group, topic, CUT + 3)
    slowly = {"data": [{"name": name, "value": value} for name, value in SLOWLY.items()]}
    checked(old.rest.ask("PUT", f"/{link}/configs:alter", slowly))
    assert operate(old, link, topic, "truncate-and-restore")["error_code"] is None
    wait_until(lambda: committed(old.cluster, group, topic) is None, "the topic is deleted, its offsets with it")
    old.rest.wait_for_status(link, topic, "PENDING_RESTORE")
    wait_until(lambda: has_records(old, topic), "it is copied again")
    assert operate(old, link, topic, "failover")["error_code"] is None
    old.rest.wait_for_status(link, topic, "STOPPED")
    there, here = consume(new.cluster, topic), consume(old.cluster, topic)
    assert 0 < len(here) < CUT and here == there[: len(here)]
    assert committed(old.cluster, group, topic) == len(here), "lowered to what there is"
    produce(old.cluster, topic, numbered(1))


def test_a_deletion_gives_a_restore_up_and_takes_the_topic(pair: Pair, mirrored: tuple[str, str]) -> None:
    """MIRROR-69."""
    old, new = pair
    link, topic = mirrored
    operate(new, link, topic, "failover")
    new.rest.wait_for_status(link, topic, "STOPPED")
    never_ends = TransactionalProducer(old.cluster, topic).begin()
    never_ends.send(numbered(5, start=9000))
    assert operate(old, link, topic, "truncate-and-restore")["error_code"] is None
    checked(old.rest.ask("DELETE", f"/{link}/mirrors/{topic}"))
    wait_until(lambda: not [n for n in topic_names(old.cluster) if n.startswith(topic)], "the topic is gone")
    assert old.rest.mirror(link, topic) == {}
    assert len(consume(new.cluster, topic)) == CUT


def test_a_reverse_whose_other_side_is_away(pair: Pair, mirrored: tuple[str, str]) -> None:
    """MIRROR-37: no failover overtakes a reverse, and the refusal says what to do instead."""
    old, new = pair
    link, topic = mirrored
    old.worker.kill()
    assert operate(new, link, topic, "reverse-and-start-mirror")["error_code"] is None
    refused = operate(new, link, topic, "failover")
    assert refused["error_code"] == 400
    assert "PENDING_STOPPED (for reverse-and-start)" in refused["error_message"]
    assert "delete the link with force" in refused["error_message"]
    checked(new.rest.ask("DELETE", f"/{link}", force="true"))
    assert log_ends(new.cluster, topic) == [CUT + 1], "every record, and the fence"
    produce(new.cluster, topic, numbered(1, start=CUT))
    old.start_again()
    old.wait_for_link(link, "UNAVAILABLE")
    produce(old.cluster, topic, numbered(1, start=CUT))
    checked(old.rest.ask("DELETE", f"/{link}", force="true"))
    assert link not in old.rest.links()


def test_a_topic_that_waits_for_a_reverse_whose_mirror_has_gone(
    pair: Pair, mirrored: tuple[str, str], unique: Named
) -> None:
    """PENDING_SYNCHRONIZE: with the link goes what it waits for, and the topic is what it was."""
    old, new = pair
    link, topic = mirrored
    group = unique("group")
    # an interval that never comes round: the reverse syncs by itself, and waits for the group that is live
    filters = name_filters("groupFilters", (group, "LITERAL", "INCLUDE"))
    syncing = {"consumer_offset_sync_ms": "600000", "consumer_offset_group_filters": filters}
    configure(new.rest, link, consumer_offset_sync_enable="true", **syncing)
    commit(old.cluster, group, topic, 7)
    before = retention(old.cluster, topic)
    with member(new.cluster, group, topic) as reader:
        wait_until(lambda: reader.poll(0.1) is None and reader.assignment(), "the group is live", 60, 0)
        assert operate(new, link, topic, "reverse-and-start-mirror")["error_code"] is None
        old.rest.wait_for_status(link, topic, "PENDING_SYNCHRONIZE")
        new.worker.kill()
    refused = operate(old, link, topic, "failover")
    assert refused["error_code"] == 400 and "delete the link with force" in refused["error_message"]
    checked(old.rest.ask("DELETE", f"/{link}", force="true"))
    wait_until(lambda: retention(old.cluster, topic) == before, "it is what it was")
    produce(old.cluster, topic, numbered(1, start=CUT))
    assert len(consume(old.cluster, topic)) == CUT + 1
    new.start_again()
    new.wait_for_link(link, "UNAVAILABLE")
    checked(new.rest.ask("DELETE", f"/{link}", force="true"))
    produce(new.cluster, topic, numbered(1, start=CUT))
