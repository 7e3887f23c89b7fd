"""The workers of one side or of both die in the middle of a reverse; whoever comes next finishes it (MIRROR-71)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, assert_equal, checked, wait_for_ends
from tests.support.clients import create_topic
from tests.support.producing import numbered, produce
from tests.support.table_rows import TableRows
from tests.support.workers import WorkerProcess, wait_until

Row = dict[str, Any]
HERE, THERE, BOTH = ("here",), ("there",), ("here", "there")
MOMENTS: dict[str, tuple[str, Callable[[Row], object], tuple[str, ...]]] = {
    "accepted": ("here", lambda row: row.get("status") == "PENDING_STOPPED", HERE),
    "the other side waits": ("there", lambda row: row.get("status") == "PENDING_SYNCHRONIZE", BOTH),
    "drained": ("here", lambda row: row.get("is_drained"), BOTH),
    "the other side is the mirror": ("there", lambda row: row.get("status") == "PENDING_MIRROR", HERE),
    "handed over": ("here", lambda row: row.get("is_handed_over"), BOTH),
}
"""Name -> at which side's row, how it looks, whose workers die."""


@pytest.mark.timeout(600)
def test_kill_9_between_the_steps_of_a_reverse(
    source: LocalCluster, destination: LocalCluster, tmp_path: Path, unique: Callable[[str], str]
) -> None:
    link = unique("link")[-40:]
    one = WorkerProcess(destination.bootstrap_servers, tmp_path)
    two = WorkerProcess(source.bootstrap_servers, tmp_path, one.app_id)
    with one, two, Rest(one, destination) as here, Rest(two, source) as there:
        checked(here.create_side(link, source))
        checked(there.create_side(link, destination))
        workers = {"here": one, "there": two}
        rows = {
            "here": TableRows(destination, one.app_id, "mirrors"),
            "there": TableRows(source, one.app_id, "mirrors"),
        }
        for name, (side, has_come, dying) in MOMENTS.items():
            topic = unique("topic")
            create_topic(source, topic)
            produce(source, topic, numbered(30))
            checked(here.create_mirror(link, topic))
            here.wait_for_status(link, topic)
            wait_for_ends(source, destination, topic)
            checked(here.ask("POST", f"/{link}/mirrors:reverse-and-start-mirror", {"mirror_topic_names": [topic]}))
            key, seen = f"{link}/{topic}", rows[side]
            wait_until(lambda seen=seen, key=key, test=has_come: test(seen.row(key)), name, poll_s=0.001)
            for each in dying:
                workers[each].kill()
            for each in dying:
                workers[each].launch()
            for each in dying:
                workers[each].wait_until_ready()
            here.wait_for_status(link, topic, "STOPPED", 120)
            there.wait_for_status(link, topic, "ACTIVE", 120)
            produce(destination, topic, numbered(20, start=30))
            wait_for_ends(destination, source, topic)
            assert_equal(destination, source, topic)
        for each in rows.values():
            each.close()
