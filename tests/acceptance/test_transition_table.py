"""Every operation in every state that a mirror of a one-way link can be in, over REST on real clusters (MIRROR-37).

What the table has is accepted and what it has not is refused, topic by topic (MIRROR-50, MIRROR-52); a dry run says
the same and changes nothing (MIRROR-53). The states are reached as they come about: by pauses, a dead address, another
cluster behind it, a source topic made again, a drain that an open transaction keeps from its end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from pipeline.link.states import MirrorStatus
from pipeline.link.transitions import TRANSITIONS, Event, applies_to
from pipeline.local.cluster import LocalCluster
from tests.acceptance.tasks import configure
from tests.support.asking import Rest, assert_equal, checked, refusal, wait_for_ends
from tests.support.clients import create_topic, delete_topic
from tests.support.producing import TransactionalProducer, numbered, produce

OPERATIONS = {
    "pause": Event.PAUSE,
    "resume": Event.RESUME,
    "promote": Event.PROMOTE,
    "failover": Event.FAILOVER,
}
TWO_WAY = ("reverse-and-start-mirror", "reverse-and-pause-mirror", "truncate-and-restore")
RESTORING = (MirrorStatus.PENDING_SETUP_FOR_RESTORE, MirrorStatus.PENDING_RESTORE)
"""Only on bidirectional links."""
CATEGORY = {
    "ACTIVE": "ACTIVE",
    "PAUSED": "PAUSED",
    "PENDING_STOPPED": "PENDING",
    "FAILED": "IN_ERROR",
    "STOPPED": "NOT_APPLICABLE",
}
QUICKLY = {
    "availability_check_ms": "1000",
    "availability_check_consecutive_failure_threshold": "2",
    "metadata_max_age_ms": "1000",
    "cluster_link_retry_timeout_ms": "1000",
}


@dataclass
class Walk:
    """The mirrors of one link and the states they are in."""

    rest: Rest
    link: str
    source: LocalCluster
    states: dict[str, MirrorStatus] = field(default_factory=dict)
    met: set[tuple[MirrorStatus, str]] = field(default_factory=set)

    def add(self, topic: str, status: str = "ACTIVE") -> str:
        """A topic with ten records, and its mirror."""
        create_topic(self.source, topic)
        produce(self.source, topic, numbered(10))
        checked(self.rest.create_mirror(self.link, topic))
        return self.reaches(topic, status)

    def reaches(self, topic: str, status: str) -> str:
        self.rest.wait_for_status(self.link, topic, status)
        self.states[topic] = MirrorStatus(status)
        return topic

    def ask(self, operation: str, topics: list[str], **params: str) -> dict[str, dict[str, Any]]:
        """One call for all; HTTP says 200 whatever becomes of each."""
        answer = self.rest.ask("POST", f"/{self.link}/mirrors:{operation}", {"mirror_topic_names": topics}, **params)
        return {row["mirror_topic_name"]: row for row in checked(answer).json()["data"]}

    def operates(self, operation: str, topic: str, status: str) -> None:
        """A legal step, and what comes of it."""
        row = self.ask(operation, [topic])[topic]
        assert row["error_code"] is None, row
        self.reaches(topic, status)

    def look(self) -> None:
        """Ask for everything of every mirror: dry runs of all, and in earnest for what the table has not."""
        topics = list(self.states)
        for operation, event in OPERATIONS.items():
            dry = self.ask(operation, topics, validate_only="true")
            illegal = [topic for topic in topics if not self.is_legal(topic, event)]
            wet = self.ask(operation, illegal)
            for topic, status in self.states.items():
                row, which = dry[topic], f"{operation} of {topic}, which is {status}"
                self.met.add((status, operation))
                if topic in illegal:
                    assert row["error_code"] == 400, f"{which}: {row}"
                    assert str(status) in row["error_message"] or "already stopped" in row["error_message"], row
                    assert (wet[topic]["error_code"], wet[topic]["error_message"]) == (400, row["error_message"])
                else:
                    assert row["error_code"] is None, f"{which}: {row}"
        for operation in TWO_WAY:
            names = {"mirror_topic_names": topics}
            answer = self.rest.ask("POST", f"/{self.link}/mirrors:{operation}", names)
            assert refusal(answer) == (400, 40002), operation
            assert "DESTINATION" in answer.json()["message"]
        for topic, status in self.states.items():
            assert self.rest.mirror(self.link, topic)["mirror_status"] == status, f"{topic} was to stay as it is"

    def is_legal(self, topic: str, event: Event) -> bool:
        """By the table; a drain may be asked for again while it goes on (MIRROR-54)."""
        status = self.states[topic]
        again = status is MirrorStatus.PENDING_STOPPED and event is Event.PROMOTE
        return again or (status, event) in TRANSITIONS


@pytest.fixture
def walk(rest: Rest, source: LocalCluster, unique: Callable[[str], str]) -> Iterator[Walk]:
    link = unique("link")[-40:]
    checked(rest.create_link(link, source, **QUICKLY))
    yield Walk(rest, link, source)
    checked(rest.ask("DELETE", f"/{link}", force="true"))


@pytest.mark.timeout(400)
def test_every_operation_in_every_state(
    walk: Walk, source: LocalCluster, destination: LocalCluster, unique: Callable[[str], str]
) -> None:
    rest, link = walk.rest, walk.link
    active, paused, draining, stopped, failed = (
        walk.add(unique(name)) for name in ("active", "paused", "draining", "stopped", "failed")
    )
    victims = [walk.add(unique(f"victim-{number}")) for number in range(3)]
    walk.operates("pause", paused, "PAUSED")
    walk.operates("failover", stopped, "STOPPED")
    held = TransactionalProducer(source, draining).begin()
    held.send(numbered(5))
    walk.operates("promote", draining, "PENDING_STOPPED")
    delete_topic(source, failed)
    create_topic(source, failed)
    walk.reaches(failed, "FAILED")
    walk.look()
    assert counted(rest, link) == Counter(CATEGORY[status] for status in walk.states.values())

    configure(rest, link, cluster_link_paused="true")
    for topic in (active, paused, *victims):
        walk.reaches(topic, "LINK_PAUSED")
    pending = walk.add(unique("pending"), "PENDING_MIRROR")
    walk.look()
    walk.operates("failover", victims[0], "STOPPED")
    configure(rest, link, cluster_link_paused="false")
    walk.reaches(paused, "PAUSED")
    for topic in (active, pending, *victims[1:]):
        walk.reaches(topic, "ACTIVE")

    configure(rest, link, bootstrap_servers="127.0.0.1:1")
    for topic in (active, pending, *victims[1:]):
        walk.reaches(topic, "SOURCE_UNAVAILABLE")
    walk.look()
    walk.operates("failover", victims[1], "STOPPED")

    configure(rest, link, bootstrap_servers=destination.bootstrap_servers)
    for topic in (active, paused, pending, victims[2]):
        walk.reaches(topic, "LINK_FAILED")
    walk.look()
    walk.operates("failover", victims[2], "STOPPED")

    configure(rest, link, bootstrap_servers=source.bootstrap_servers)
    walk.reaches(active, "ACTIVE")
    walk.operates("resume", paused, "ACTIVE")
    walk.operates("promote", pending, "STOPPED")
    held.commit()
    walk.reaches(draining, "STOPPED")
    walk.operates("failover", failed, "STOPPED")
    produce(source, paused, numbered(10, start=10))
    wait_for_ends(source, destination, paused)
    assert_equal(source, destination, paused)
    legal = {(status, operation) for operation, event in OPERATIONS.items() for status in applies_to(event)}
    assert {(status, operation) for status, operation in legal if status not in RESTORING} <= walk.met


def counted(rest: Rest, link: str) -> Counter[str]:
    """Mirror partitions by category, as the link's description has them (STATE-60)."""
    rows = checked(rest.ask("GET", f"/{link}")).json()["category_counts"]
    return Counter({row["state_category"]: row["count"] for row in rows if row["count"]})
