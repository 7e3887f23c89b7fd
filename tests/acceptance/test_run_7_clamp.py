"""RUN-7: a group ahead of the mirror is lowered to the mirror's end when the mirror is failed over (MIRROR-70).

Through both doors.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.local.cluster import LocalCluster
from tests.acceptance.doors import Door
from tests.acceptance.tasks import commit, committed, name_filters
from tests.support.asking import Rest, wait_for_ends
from tests.support.clients import create_topic, log_ends
from tests.support.consuming import consume
from tests.support.producing import Sent, numbered, produce
from tests.support.workers import wait_until


def test_run_7(
    source: LocalCluster, destination: LocalCluster, door: Door, rest: Rest, unique: Callable[[str], str]
) -> None:
    topic, link, group, witness = unique("topic"), unique("link"), unique("g-ahead"), unique("g-witness")
    create_topic(source, topic, max_message_bytes="2000000")
    produce(source, topic, numbered(100))
    door.create_link(
        link,
        source,
        consumer_offset_sync_enable="true",
        consumer_offset_sync_ms="1000",
        consumer_offset_group_filters=name_filters("groupFilters", ("*", "LITERAL", "INCLUDE")),
    )
    door.create_mirror(link, topic)
    rest.wait_for_status(link, topic)
    wait_for_ends(source, destination, topic)
    # The link is throttled so far that the next records do not come: the first takes its whole allowance for minutes.
    door.configure(link, link_max_bytes_per_second="1024")
    brake = unique("brake")
    create_topic(source, brake, max_message_bytes="2000000")
    door.create_mirror(link, brake)
    rest.wait_for_status(link, brake)
    produce(source, brake, [Sent(bytes(900_000))])
    wait_for_ends(source, destination, brake)
    produce(source, topic, numbered(5, start=100))
    wait_until(lambda: is_committed(source, group, topic, 105), "the groups' coordinator is there")
    commit(source, witness, topic, 60)
    wait_until(lambda: committed(destination, witness, topic) == 60, "offsets are synced", poll_s=0.25)
    assert log_ends(destination, topic) == [100], "the lagged records have not come"

    door.operate("failover", link, topic)
    rest.wait_for_status(link, topic, "STOPPED")
    assert committed(destination, group, topic) in (100, None)
    assert committed(destination, witness, topic) == 60
    assert len(consume(destination, topic)) == 100
    assert door.describe(link, topic).last_source_fetch_offsets == [100]


def is_committed(cluster: LocalCluster, group: str, topic: str, offset: int) -> bool:
    """Commit; a cluster that has had no group yet needs a moment to make the topic of offsets."""
    try:
        commit(cluster, group, topic, offset)
    except AssertionError:
        return False
    return True
