"""truncate-and-restore: what it refuses, what it waits for, and workers that die over it (MIRROR-73, MIRROR-85)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicCollection

from pipeline.local.cluster import LocalCluster
from tests.acceptance.tasks import commit, committed
from tests.support.asking import assert_equal, checked, wait_for_ends
from tests.support.clients import TIMEOUT_S, admin, config, configuration, create_topic, log_ends, topic_names
from tests.support.consuming import consume
from tests.support.pairing import Side, link_both, paired
from tests.support.producing import TransactionalProducer, numbered, produce
from tests.support.workers import wait_until

pytestmark = pytest.mark.timeout(500)
Pair = tuple[Side, Side]
Named = Callable[[str], str]
DIVERGED = 20_000
REQUEST_LIMIT = str(100 << 20)
"""What a broker takes at once unless it is told otherwise (socket.request.max.bytes)."""


@pytest.fixture(scope="module")
def pair(source: LocalCluster, destination: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The old source and what its clients were moved to."""
    with paired(source, destination, tmp_path_factory.mktemp("pair")) as sides:
        yield sides


def failed_over(pair: Pair, unique: Named) -> tuple[str, str]:
    """A link, and a topic of which both sides have 100 records, each its own behind them."""
    old, new = pair
    link, topic = unique("link")[-40:], unique("topic")
    link_both(old, new, link, availability_check_ms="1000")
    create_topic(old.cluster, topic)
    produce(old.cluster, topic, numbered(100))
    checked(new.rest.create_mirror(link, topic))
    new.rest.wait_for_status(link, topic)
    wait_for_ends(old.cluster, new.cluster, topic)
    operate(new, link, topic, "failover")
    new.rest.wait_for_status(link, topic, "STOPPED")
    produce(new.cluster, topic, numbered(50, start=5000))
    return link, topic


def operate(side: Side, link: str, topic: str, verb: str = "truncate-and-restore", **more: Any) -> dict[str, Any]:
    """The topic's row of the answer."""
    body = {"mirror_topic_names": [topic], **more}
    (row,) = checked(side.rest.ask("POST", f"/{link}/mirrors:{verb}", body)).json()["data"]
    return dict(row)


def side_topics(side: Side, topic: str) -> list[str]:
    return [name for name in topic_names(side.cluster) if f"{topic}.diverged." in name]


def topic_id(side: Side, topic: str) -> str:
    """Empty while there is no such topic."""
    client = admin(side.cluster)
    try:
        (future,) = client.describe_topics(TopicCollection([topic]), request_timeout=TIMEOUT_S).values()
        return str(future.result().topic_id)
    except Exception:
        return ""


def errors(side: Side, link: str, topic: str) -> str:
    """What the transition waits for, as one text."""
    path = f"/{link}/mirrors/{topic}"
    answer = checked(side.rest.ask("GET", path, include_state_transition_errors="true"))
    return answer.text if answer.json().get("mirror_state_transition_errors") else ""


def test_workers_that_die_in_every_stage_leave_nothing_undone(pair: Pair, unique: Named) -> None:
    """MIRROR-85 (5): nothing is lost, nothing is saved twice, and groups have their offsets."""
    old, new = pair
    link, topic = failed_over(pair, unique)
    group = unique("group")
    records = numbered(DIVERGED, start=1000, size=600)
    produce(old.cluster, topic, records)
    commit(old.cluster, group, topic, 5000)
    before = topic_id(old, topic)

    def die() -> None:
        old.worker.kill()
        old.start_again()

    answer = operate(old, link, topic)
    assert (answer["error_code"], answer["messages_truncated"]) == (None, DIVERGED)
    die()
    assert old.rest.mirror(link, topic), "it is known to whoever goes on with it"
    wait_until(lambda: [log_ends(old.cluster, each) for each in side_topics(old, topic)] > [[0]], "it is saving")
    die()
    wait_until(lambda: topic_id(old, topic) != before, "the topic is made anew", poll_s=0.01)
    die()
    old.rest.wait_for_status(link, topic, within_s=120)
    (side,) = side_topics(old, topic)
    assert config(old.cluster, side, "max.message.bytes") == REQUEST_LIMIT
    assert [record.value for record in consume(old.cluster, side)] == [record.value for record in records]
    assert_equal(new.cluster, old.cluster, topic)
    assert committed(old.cluster, group, topic) == 100


def test_what_it_refuses_and_what_it_waits_for(pair: Pair, unique: Named) -> None:
    """A live group, an open transaction; and a counterpart that still is a mirror."""
    old, new = pair
    link, topic = failed_over(pair, unique)
    group = unique("group")
    consumer = Consumer(configuration(old.cluster, **{"group.id": group, "auto.offset.reset": "earliest"}))
    consumer.subscribe([topic])
    wait_until(lambda: consumer.poll(1.0) is not None, "the consumer reads")
    refused = operate(old, link, topic)
    assert refused["error_code"] == 40002
    assert "CONSUMER_GROUP_IN_USE_ERROR" in refused["error_message"] and group in refused["error_message"]
    consumer.close()
    unknown = operate(old, link, f"{topic}-unknown")
    assert "REMOTE_MIRROR_NOT_FOUND_ERROR" in unknown["error_message"]

    open_one = TransactionalProducer(old.cluster, topic).begin()
    open_one.send(numbered(5, start=9000))
    accepted = operate(old, link, topic, save_diverged=False)
    assert (accepted["error_code"], accepted["messages_truncated"]) == (None, 5)
    wait_until(lambda: "transactions are open" in errors(old, link, topic), "it says what it waits for")
    assert old.rest.mirror(link, topic)["mirror_status"] == "PENDING_SETUP_FOR_RESTORE"
    repeated = operate(old, link, topic)
    assert (repeated["error_code"], repeated["messages_truncated"]) == (None, 5)  # MIRROR-54
    open_one.abort()
    old.rest.wait_for_status(link, topic)
    assert_equal(new.cluster, old.cluster, topic)
    assert side_topics(old, topic) == [], "nothing was to be saved"

    theirs = unique("theirs")
    create_topic(old.cluster, theirs)
    checked(new.rest.create_mirror(link, theirs))
    new.rest.wait_for_status(link, theirs)
    still = operate(old, link, theirs)
    assert "REMOTE_MIRROR_NOT_FOUND_ERROR" in still["error_message"] and "is ACTIVE" in still["error_message"]
