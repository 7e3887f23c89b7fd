"""RUN-22: mirrors of one link that begin at the end, at a time, and at the beginning (MIRROR-60..65).

Through both doors.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from pipeline.local.cluster import LocalCluster
from tests.acceptance.doors import Door
from tests.support.asking import Rest, wait_for_ends
from tests.support.clients import create_topic, log_starts
from tests.support.consuming import consume
from tests.support.producing import Sent, produce


def test_run_22(
    source: LocalCluster, destination: LocalCluster, door: Door, rest: Rest, unique: Callable[[str], str]
) -> None:
    link = unique("staging")
    now_ms = int(time.time() * 1000)
    moment = now_ms - 60_000
    topics = {name: unique(name) for name in ("latest", "time", "earliest")}
    for topic in topics.values():
        create_topic(source, topic)
        old = [Sent(b"old", timestamp_ms=moment - 1000 + n) for n in range(10)]
        produce(source, topic, [*old, *(Sent(b"new", timestamp_ms=moment + n) for n in range(10))])
    door.create_link(link, source, mirror_start_offset_spec="latest")
    door.create_mirror(link, topics["latest"])
    spec = datetime.fromtimestamp(moment / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment % 1000:03d}"
    door.configure(link, mirror_start_offset_spec=spec)
    door.create_mirror(link, topics["time"])
    door.configure(link, mirror_start_offset_spec="earliest")
    door.create_mirror(link, topics["earliest"])
    for topic in topics.values():
        rest.wait_for_status(link, topic)
        produce(source, topic, [Sent(b"last")])
        wait_for_ends(source, destination, topic)
    starts = {name: log_starts(destination, topic) for name, topic in topics.items()}
    assert starts == {"latest": [20], "time": [10], "earliest": [0]}
    for name, topic in topics.items():
        wanted = consume(source, topic, start=starts[name][0])
        assert consume(destination, topic) == wanted, "the same records at the same offsets, later changes do not count"
