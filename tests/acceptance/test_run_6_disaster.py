"""RUN-6: the source dies; its mirrors are failed over within seconds and belong to the users."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from pipeline.local.cluster import LocalCluster
from tests.acceptance.operating import Operator
from tests.support.asking import Rest, checked, wait_for_ends
from tests.support.clients import create_topic, log_ends
from tests.support.consuming import consume
from tests.support.producing import numbered, produce
from tests.support.workers import wait_until

INTERVAL_MS, THRESHOLD = 1000, 3
STOPPED_WITHIN_S = 5.0
TOPICS = 8


@pytest.fixture
def doomed() -> Iterator[LocalCluster]:
    """A source of this run's own."""
    with LocalCluster() as cluster:
        yield cluster


def test_run_6(
    doomed: LocalCluster, destination: LocalCluster, operator: Operator, rest: Rest, unique: Callable[[str], str]
) -> None:
    link, topics = unique("link"), [unique(f"topic-{n}") for n in range(TOPICS)]
    # 1
    configs = {
        "availability_check_ms": str(INTERVAL_MS),
        "availability_check_consecutive_failure_threshold": str(THRESHOLD),
    }
    checked(rest.create_link(link, doomed, **configs))
    for topic in topics:
        create_topic(doomed, topic)
        produce(doomed, topic, numbered(100))
        checked(rest.create_mirror(link, topic))
    for topic in topics:
        rest.wait_for_status(link, topic)
        wait_for_ends(doomed, destination, topic)
    # 2
    doomed.stop_broker(1, hard=True)
    died = time.monotonic()
    wait_until(lambda: state_of(operator, link)[0] == "UNAVAILABLE", "the link is UNAVAILABLE", 30)
    # each failed probe takes a moment of its own, and the command line takes its time on a busy machine
    assert time.monotonic() - died < (THRESHOLD + 1) * INTERVAL_MS / 1000 + 15
    assert state_of(operator, link)[1] == "BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR"
    for topic in topics:
        rest.wait_for_status(link, topic, "SOURCE_UNAVAILABLE", within_s=10)
        assert [row["lag"] for row in rest.mirror(link, topic)["mirror_lags"]] == [0]
    # 3
    began = time.monotonic()
    operator.says("mirror", "failover", *topics, "--link", link)
    for topic in topics:
        rest.wait_for_status(link, topic, "STOPPED", within_s=STOPPED_WITHIN_S)
    assert time.monotonic() - began < STOPPED_WITHIN_S + 3, "the command line's own start aside"
    # 4
    for topic in topics:
        (offset,) = produce(destination, topic, numbered(1, start=900))
        assert offset == 101, "the mirror's end, and the one offset that the fence costs"
        assert [record.offset for record in consume(destination, topic)] == [*range(100), 101]
    # 5
    doomed.start_broker(1)
    wait_until(lambda: state_of(operator, link)[0] == "ACTIVE", "the link is back by itself", 60)
    produce(doomed, topics[0], numbered(5, start=100))
    assert log_ends(doomed, topics[0]) == [105]
    assert log_ends(destination, topics[0]) == [102]
    row = rest.mirror(link, topics[0])
    assert (row["mirror_status"], row["mirror_lags"][0]["last_source_fetch_offset"]) == ("STOPPED", 100)


def state_of(operator: Operator, link: str) -> tuple[str, str]:
    (row,) = [each for each in operator.knows("link", "list") if each["link_name"] == link]
    return row["state"], row.get("error", "")
