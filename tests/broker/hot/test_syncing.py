"""Properties of a link's tasks take effect while it runs (LINK-10): intervals, what is asked at once, what follows."""

from __future__ import annotations

from pipeline.link.topic_configs import DEFAULT_INCLUDE
from tests.acceptance.tasks import commit, committed, configure, name_filters
from tests.broker.hot.conftest import NEVER_MS, TOPIC, Running
from tests.support.asking import checked
from tests.support.clients import config, set_config
from tests.support.tapping import Api
from tests.support.workers import wait_until

WITHIN_S = 120.0
GROUP, BATCHES = "hot-group", 3
MANY = [f"hot-many-{number}" for number in range(120)]
"""Groups for three requests of fifty at most."""


def test_offsets(running: Running) -> None:
    """LINK-25, LINK-45: how often, and how many requests at once."""
    source, destination, tap = running.source, running.destination, running.tap
    for group in (GROUP, *MANY):
        commit(source, group, TOPIC, 1)
    running.alter(
        consumer_offset_sync_enable="true",
        consumer_offset_sync_ms=NEVER_MS,
        consumer_offset_group_filters=name_filters("groupFilters", ("hot-", "PREFIXED", "INCLUDE")),
    )

    def is_here(offset: int) -> bool:
        return committed(destination, GROUP, TOPIC) == offset

    wait_until(lambda: is_here(1), "the first cycle", WITHIN_S, 0.25)
    running.alter(consumer_offset_sync_ms="1000", consumer_offset_sync_max_in_flight="1")
    for offset in (2, 3):
        commit(source, GROUP, TOPIC, offset)
        wait_until(lambda o=offset: is_here(o), "a further cycle", WITHIN_S, 0.25)  # type: ignore[misc]

    def cycles(at_once: int) -> None:
        tap.most_at_once.clear()
        before = len(tap.heard(Api.OFFSET_FETCH))
        wait_until(lambda: len(tap.heard(Api.OFFSET_FETCH)) >= before + 2 * BATCHES, "two cycles", WITHIN_S)
        wait_until(lambda: tap.most_at_once[Api.OFFSET_FETCH] == at_once, f"{at_once} at once", WITHIN_S)

    tap.delays[Api.OFFSET_FETCH] = 0.2
    cycles(1)
    running.alter(consumer_offset_sync_max_in_flight="10")
    cycles(BATCHES)
    tap.delays.clear()
    running.alter(consumer_offset_sync_enable="false")


def test_the_prefix_of_groups(running: Running) -> None:
    """LINK-23: from the next cycle on under the other name; what was committed under the first stays."""
    rest, source, destination = running.rest, running.source, running.destination
    link, group, mirror = "hot-prefixed", "prefixed-group", f"dr.{TOPIC}"
    given = {
        "cluster_link_prefix": "dr.",
        "consumer_offset_sync_enable": "true",
        "consumer_offset_sync_ms": "1000",
        "consumer_offset_group_filters": name_filters("groupFilters", (group, "LITERAL", "INCLUDE")),
    }
    checked(rest.create_link(link, source, **given))
    checked(rest.create_mirror(link, TOPIC))
    commit(source, group, TOPIC, 1)
    wait_until(lambda: committed(destination, group, mirror) == 1, "as at the source", WITHIN_S, 0.25)
    configure(rest, link, consumer_group_prefix_enable="true")
    commit(source, group, TOPIC, 2)
    wait_until(lambda: committed(destination, f"dr.{group}", mirror) == 2, "with the prefix", WITHIN_S, 0.25)
    assert committed(destination, group, mirror) == 1
    checked(rest.ask("DELETE", f"/{link}", force="true"))


def test_topic_configs(running: Running) -> None:
    """LINK-33, LINK-34: how often, and which."""
    source, destination = running.source, running.destination

    def follows(name: str, value: str) -> None:
        set_config(source, TOPIC, name, value)
        wait_until(lambda: config(destination, TOPIC, name) == value, f"{name} is {value}", WITHIN_S, 0.25)

    running.alter(topic_config_sync_ms=NEVER_MS)
    running.alter(topic_config_sync_ms="1000")
    for value in ("1000001", "1000002"):
        follows("retention.ms", value)
    running.alter(topic_config_sync_include=",".join(name for name in DEFAULT_INCLUDE if name != "retention.ms"))
    for value in ("2000001", "2000002"):  # the first maybe by a cycle with the list of before
        follows("segment.ms", value)
    set_config(source, TOPIC, "retention.ms", "1000003")
    for value in ("2000003", "2000004"):
        follows("segment.ms", value)
    assert config(destination, TOPIC, "retention.ms") == "1000002"
