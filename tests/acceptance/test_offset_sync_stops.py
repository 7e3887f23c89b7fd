"""When the offset sync leaves a group alone: its mirror is paused or stopped, it is not selected, the sync is off."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.local.cluster import LocalCluster
from tests.acceptance.tasks import commit, committed, configure, name_filters, wait_for_state
from tests.support.asking import Rest, checked, wait_for_ends
from tests.support.clients import create_topic
from tests.support.producing import numbered, produce
from tests.support.workers import wait_until

TASK = "ConsumerOffsetSync"


@pytest.mark.timeout(300)
def test_offsets_stay_where_they_are(
    source: LocalCluster, destination: LocalCluster, rest: Rest, unique: Callable[[str], str]
) -> None:
    """FILT-14, TASK-13..15. That a cycle has been is seen by a group on another mirror, committed after the first."""
    link, one, other = unique("link")[-40:], unique("one")[-60:], unique("other")[-60:]
    group, witness = unique("group"), unique("witness")
    for topic in (one, other):
        create_topic(source, topic)
        produce(source, topic, numbered(50))

    def selecting(*groups: str) -> str:
        return name_filters("groupFilters", *((each, "LITERAL", "INCLUDE") for each in groups))

    checked(
        rest.create_link(
            link,
            source,
            consumer_offset_sync_enable="true",
            consumer_offset_sync_ms="1000",
            consumer_offset_group_filters=selecting(group, witness),
        )
    )
    for topic in (one, other):
        checked(rest.create_mirror(link, topic))
        rest.wait_for_status(link, topic)
        wait_for_ends(source, destination, topic)

    def arrives(of: str, topic: str, offset: int) -> None:
        commit(source, of, topic, offset)
        wait_until(lambda: committed(destination, of, topic) == offset, f"{of} is at {offset}", poll_s=0.1)

    def operate(what: str, status: str) -> None:
        checked(rest.ask("POST", f"/{link}/mirrors:{what}", {"mirror_topic_names": [one]}))
        rest.wait_for_status(link, one, status)

    arrives(group, one, 10)
    operate("pause", "PAUSED")
    commit(source, group, one, 20)
    arrives(witness, other, 1)
    assert committed(destination, group, one) == 10, "a paused mirror (TASK-14)"
    operate("resume", "ACTIVE")
    wait_until(lambda: committed(destination, group, one) == 20, "resumed", poll_s=0.1)

    configure(rest, link, consumer_offset_group_filters=selecting(witness))
    arrives(witness, other, 2)  # by a cycle with these filters, or by the one that was under way
    commit(source, group, one, 30)
    arrives(witness, other, 3)
    assert committed(destination, group, one) == 20, "no longer selected, and left as it was (FILT-14)"
    configure(rest, link, consumer_offset_group_filters=selecting(group, witness))
    wait_until(lambda: committed(destination, group, one) == 30, "selected again", poll_s=0.1)

    commit(source, group, one, 35)
    operate("promote", "STOPPED")
    assert committed(destination, group, one) == 35, "the last cycle of a promotion (TASK-13)"
    commit(source, group, one, 40)
    arrives(witness, other, 4)
    assert committed(destination, group, one) == 35, "a stopped mirror (TASK-13)"

    configure(rest, link, consumer_offset_sync_enable="false")
    wait_for_state(rest, link, TASK, "NOT_CONFIGURED")
    rows = checked(rest.ask("GET", f"/{link}/configs")).json()["data"]
    assert {row["name"]: row["value"] for row in rows}["consumer.offset.group.filters"] == "", "TASK-15"
    checked(rest.ask("DELETE", f"/{link}", force="true"))
