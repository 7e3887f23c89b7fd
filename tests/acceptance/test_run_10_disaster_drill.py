"""RUN-10, RUN-11: roles of a bidirectional pair are reversed and reversed back under load; nothing lost, none twice."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import pytest

from pipeline.local.cluster import LocalCluster
from tests.acceptance.test_run_4_promote_under_load import steady
from tests.support.asking import Rest, assert_equal, checked, wait_for_ends
from tests.support.clients import create_topic, log_ends
from tests.support.consuming import consume
from tests.support.load import Load
from tests.support.producing import numbered, produce

PARTITIONS = 3
log = logging.getLogger(__name__)


def reverse(sides: tuple[Rest, Rest], link: str, topic: str, ends_as: str = "ACTIVE", how: str = "start") -> float:
    """Reverse the mirror that lives on the first side; seconds until the roles have changed."""
    here, there = sides
    began = time.monotonic()
    rows = checked(
        here.ask("POST", f"/{link}/mirrors:reverse-and-{how}-mirror", {"mirror_topic_names": [topic]})
    ).json()
    assert [row["error_code"] for row in rows["data"]] == [None], rows
    here.wait_for_status(link, topic, "STOPPED")
    there.wait_for_status(link, topic, ends_as)
    return time.monotonic() - began


@pytest.fixture
def link(
    source: LocalCluster, destination: LocalCluster, rest: Rest, rest_there: Rest, unique: Callable[[str], str]
) -> str:
    """A bidirectional link between the two, both of its objects made."""
    name = unique("link")[-40:]
    checked(rest.create_side(name, source))
    checked(rest_there.create_side(name, destination))
    return name


@pytest.mark.timeout(400)
def test_run_10(
    *,
    source: LocalCluster,
    destination: LocalCluster,
    rest: Rest,
    rest_there: Rest,
    link: str,
    unique: Callable[[str], str],
) -> None:
    topic = unique("topic")
    create_topic(source, topic, PARTITIONS, retention_ms="86400000")
    checked(rest.create_mirror(link, topic))
    rest.wait_for_status(link, topic)
    times = []
    with Load(source, topic, PARTITIONS) as load, steady(source, topic, PARTITIONS) as more:
        load.goes_on()
        checked(rest.ask("POST", f"/{link}/mirrors:reverse-and-start-mirror", {"mirror_topic_names": [topic]}))
        load.goes_on()
        assert rest.mirror(link, topic)["mirror_status"] == "PENDING_STOPPED", "it waits while its source is written to"
    times.append(reverse((rest, rest_there), link, topic))
    with Load(destination, topic, PARTITIONS, seed=2) as there:
        there.goes_on()
    wait_for_ends(destination, source, topic, PARTITIONS)
    assert_equal(destination, source, topic, partitions=PARTITIONS, was_source=True)
    times.append(reverse((rest_there, rest), link, topic))
    produce(source, topic, numbered(200))
    wait_for_ends(source, destination, topic, PARTITIONS)
    assert_equal(source, destination, topic, partitions=PARTITIONS, was_source=True)
    told = load.committed + len(more) + there.committed + 200
    for cluster in (source, destination):
        records = sum(len(consume(cluster, topic, partition)) for partition in range(PARTITIONS))
        assert records == told, "what producers were told to be there, and no more"
    log.info("RUN-10: roles changed in %.1f s and, back, in %.1f s after the last record", *times)


@pytest.mark.timeout(300)
def test_run_11(
    *,
    source: LocalCluster,
    destination: LocalCluster,
    rest: Rest,
    rest_there: Rest,
    link: str,
    unique: Callable[[str], str],
) -> None:
    """MIRROR-72; that the paused mirror gets nothing is seen by another of the same link, which gets its records."""
    topic, neighbour = unique("topic"), unique("neighbour")
    for each in (topic, neighbour):
        create_topic(source, each, PARTITIONS)
        checked(rest.create_mirror(link, each))
        produce(source, each, numbered(100))
        rest.wait_for_status(link, each)
    reverse((rest, rest_there), link, topic, "PAUSED", "pause")
    reverse((rest, rest_there), link, neighbour)
    before = log_ends(source, topic, PARTITIONS)
    for each in (topic, neighbour):
        produce(destination, each, numbered(100, start=100))
    wait_for_ends(destination, source, neighbour, PARTITIONS)
    assert log_ends(source, topic, PARTITIONS) == before
    checked(rest_there.ask("POST", f"/{link}/mirrors:resume", {"mirror_topic_names": [topic]}))
    rest_there.wait_for_status(link, topic)
    wait_for_ends(destination, source, topic, PARTITIONS)
    assert_equal(destination, source, topic, partitions=PARTITIONS, was_source=True)


@pytest.mark.timeout(300)
def test_a_producer_that_was_overlooked_is_found(
    *,
    source: LocalCluster,
    destination: LocalCluster,
    rest: Rest,
    rest_there: Rest,
    link: str,
    unique: Callable[[str], str],
) -> None:
    """MIRROR-4 (b): the old source's own records are taken for nobody's; one that is written since is found."""
    sleeping, busy = unique("sleeping"), unique("busy")
    for topic in (sleeping, busy):
        create_topic(source, topic)
        produce(source, topic, numbered(100))
        checked(rest.create_mirror(link, topic))
        rest.wait_for_status(link, topic)
        reverse((rest, rest_there), link, topic, "PAUSED", "pause")
        produce(destination, topic, numbered(10))
    checked(rest_there.ask("POST", f"/{link}/mirrors:resume", {"mirror_topic_names": [busy]}))
    wait_for_ends(destination, source, busy)
    late = {topic: produce(source, topic, numbered(1))[0] for topic in (sleeping, busy)}
    produce(destination, busy, numbered(10))
    checked(rest_there.ask("POST", f"/{link}/mirrors:resume", {"mirror_topic_names": [sleeping]}))
    for topic, offset in late.items():
        rest_there.wait_for_status(link, topic, "FAILED")
        failed = rest_there.mirror(link, topic)
        assert failed["mirror_topic_error"] == "ILLEGAL_STATE"
        assert f"{topic}-0" in str(failed) and str(offset) in str(failed), failed
