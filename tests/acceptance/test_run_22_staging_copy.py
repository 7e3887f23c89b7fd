"""RUN-22: mirrors of one link that begin at the end, at a time, and at the beginning (MIRROR-60..65)."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from pipeline.local.cluster import LocalCluster
from tests.acceptance.operating import Operator
from tests.acceptance.tasks import configure
from tests.support.asking import Rest, checked, wait_for_ends
from tests.support.clients import create_topic, log_starts
from tests.support.consuming import consume
from tests.support.producing import Sent, produce

SPEC = "mirror.start.offset.spec"


def test_run_22(
    source: LocalCluster, destination: LocalCluster, operator: Operator, rest: Rest, unique: Callable[[str], str]
) -> None:
    link = unique("staging")
    now_ms = int(time.time() * 1000)
    moment = now_ms - 60_000
    topics = {name: unique(name) for name in ("latest", "time", "earliest")}
    for topic in topics.values():
        create_topic(source, topic)
        old = [Sent(b"old", timestamp_ms=moment - 1000 + n) for n in range(10)]
        produce(source, topic, [*old, *(Sent(b"new", timestamp_ms=moment + n) for n in range(10))])
    checked(rest.create_link(link, source, mirror_start_offset_spec="latest"))
    operator.says("mirror", "create", topics["latest"], "--link", link)
    spec = datetime.fromtimestamp(moment / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment % 1000:03d}"
    operator.says("link", "update", link, "--config", f"{SPEC}={spec}")
    operator.says("mirror", "create", topics["time"], "--link", link)
    configure(rest, link, mirror_start_offset_spec="earliest")
    operator.says("mirror", "create", topics["earliest"], "--link", link)
    for topic in topics.values():
        rest.wait_for_status(link, topic)
        produce(source, topic, [Sent(b"last")])
        wait_for_ends(source, destination, topic)
    starts = {name: log_starts(destination, topic) for name, topic in topics.items()}
    assert starts == {"latest": [20], "time": [10], "earliest": [0]}
    for name, topic in topics.items():
        wanted = consume(source, topic, start=starts[name][0])
        assert consume(destination, topic) == wanted, "the same records at the same offsets, later changes do not count"
