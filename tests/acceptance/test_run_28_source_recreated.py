"""RUN-28: the source topic is deleted and made again: the mirror is FAILED, and nothing of the new topic comes over."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, checked, wait_for_ends
from tests.support.clients import create_topic, delete_topic, log_ends
from tests.support.consuming import consume
from tests.support.producing import numbered, produce

PARTITIONS, BEFORE, AFTER = 2, 40, 1000


@pytest.mark.timeout(300)
@pytest.mark.parametrize("is_paused", [False, True], ids=["while it mirrors", "while it is paused"])
def test_run_28(
    *,
    source: LocalCluster,
    destination: LocalCluster,
    rest: Rest,
    unique: Callable[[str], str],
    is_paused: bool,
) -> None:
    """MIRROR-19, LINK-36: nobody may be looking while it happens; the mirror goes by the topic's id."""
    link, topic, neighbour = unique("link")[-40:], unique("topic"), unique("neighbour")
    checked(rest.create_link(link, source, metadata_max_age_ms="1000"))
    for each in (topic, neighbour):
        create_topic(source, each, PARTITIONS)
        produce(source, each, numbered(BEFORE))
        checked(rest.create_mirror(link, each))
        rest.wait_for_status(link, each)
        wait_for_ends(source, destination, each, PARTITIONS)
    copied = consume(destination, topic)
    if is_paused:
        checked(rest.ask("POST", f"/{link}/mirrors:pause", {"mirror_topic_names": [topic]}))
        rest.wait_for_status(link, topic, "PAUSED")
    delete_topic(source, topic)
    create_topic(source, topic, PARTITIONS)
    produce(source, topic, numbered(AFTER, start=5000) + numbered(10, start=7000, partition=1))
    if is_paused:
        checked(rest.ask("POST", f"/{link}/mirrors:resume", {"mirror_topic_names": [topic]}))
    rest.wait_for_status(link, topic, "FAILED", within_s=90)
    failed = rest.mirror(link, topic)
    assert failed["mirror_topic_error"] == "SOURCE_TOPIC_ID_CHANGED", failed
    produce(source, neighbour, numbered(10, start=BEFORE))
    wait_for_ends(source, destination, neighbour, PARTITIONS)
    assert log_ends(destination, topic, PARTITIONS) == [BEFORE, 0]
    assert consume(destination, topic) == copied, "no record of the new topic"
    assert rest.mirror(link, neighbour)["mirror_status"] == "ACTIVE"
