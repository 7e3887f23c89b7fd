"""The worker that promotes, fails over or deletes dies between two steps; another ends it, with one answer (CLI-65)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.control.keys import link_partition
from pipeline.local.cluster import LocalCluster
from tests.fault.test_half_done_commands import two_workers
from tests.support.asking import CommandsTopic, Rest, wait_for_ends
from tests.support.clients import create_topic, topic_names
from tests.support.consuming import consume
from tests.support.producing import numbered, produce
from tests.support.table_rows import TableRows
from tests.support.workers import wait_until

RECORDS, MORE = 30, 10
MOMENT_S = 10.0
"""How long the moment is looked for without looking for the result too, which takes the time of many moments."""


@dataclass(frozen=True)
class Seen:
    """What can be seen of a command while it is carried out."""

    request: Callable[[], dict[str, Any]]
    mirror: Callable[[], dict[str, Any]]
    is_there: Callable[[], bool]
    """Whether the mirror's topic is."""


Moment = Callable[[Seen], object]
MOMENTS: dict[str, tuple[str, Moment]] = {
    "promotion accepted": ("mirror.promote", lambda seen: seen.mirror().get("status") == "PENDING_STOPPED"),
    "drained": ("mirror.promote", lambda seen: seen.mirror().get("is_drained")),
    "failover accepted": ("mirror.failover", lambda seen: seen.mirror().get("status") == "PENDING_STOPPED"),
    "deletion remembered": ("mirror.delete", lambda seen: seen.request()),
    "topic gone": ("mirror.delete", lambda seen: not seen.is_there()),
    "link's mirrors failing over": ("link.delete", lambda seen: seen.mirror().get("status") == "PENDING_STOPPED"),
}
"""Name -> the command, and when its worker dies."""


def _wait_for(has_come: Moment, seen: Seen, commands: CommandsTopic, command_id: str) -> None:
    """Return in the moment; one that was too short to be seen is over when the command has its result."""
    patience_ends = time.monotonic() + MOMENT_S

    def is_over() -> bool:
        return time.monotonic() > patience_ends and commands.poll() and bool(commands.results_of(command_id))

    wait_until(lambda: has_come(seen) or is_over(), "the moment to die in", 120, poll_s=0.001)


@pytest.mark.timeout(900)
def test_kill_9_between_the_steps_of_an_ending(
    source: LocalCluster, destination: LocalCluster, tmp_path: Path, unique: Callable[[str], str]
) -> None:
    with two_workers(destination, tmp_path) as (one, two), CommandsTopic(destination, one.app_id) as commands:
        requests = TableRows(destination, one.app_id, "requests", commands.partitions)
        mirrors = TableRows(destination, one.app_id, "mirrors", commands.partitions)
        for number, (name, (kind, has_come)) in enumerate(MOMENTS.items()):
            link, topic = f"{unique('link')[-30:]}-{number}", unique("topic")
            home = link_partition(link, commands.partitions)
            create_topic(source, topic)
            produce(source, topic, numbered(RECORDS))
            wait_until(lambda home=home: (home in one.owned) != (home in two.owned), "the link has one leader", 120)
            leader, other = (one, two) if home in one.owned else (two, one)
            with Rest(other, destination) as rest:
                wait_until(other.is_ready, "the other one is ready", 120)
                configs = [{"name": "bootstrap.servers", "value": source.bootstrap_servers}]
                for what, of_it in (
                    ("link.create", {"source_cluster_id": source.cluster_id, "configs": configs}),
                    ("mirror.create", {"source_topic_name": topic}),
                ):
                    made = commands.result(commands.command(what, link, of_it), 120)
                    assert made["status"] in (200, 201), made
                rest.wait_for_status(link, topic, within_s=120)
                wait_for_ends(source, destination, topic)
                given = {"force": True} if kind == "link.delete" else {"mirror_topic_names": [topic]}
                command_id = commands.command(kind, link, given)
                seen = Seen(
                    lambda i=command_id: requests.row(i),
                    lambda key=f"{link}/{topic}": mirrors.row(key),
                    lambda t=topic: t in topic_names(destination),
                )
                _wait_for(has_come, seen, commands, command_id)
                leader.kill()
                result = commands.result(command_id, 120)
                assert result["status"] in (200, 204), (name, result)
                if kind == "mirror.delete":
                    wait_until(lambda s=seen: not s.is_there(), "the topic is gone")
                    wait_until(lambda r=rest, name=link: r.mirrors(name) == [], "it is listed no more (REST-96)")
                else:
                    if kind == "link.delete":
                        wait_until(lambda r=rest, name=link: name not in r.links(), "the link is gone", 120)
                    else:
                        rest.wait_for_status(link, topic, "STOPPED", 120)
                    produce(destination, topic, numbered(MORE, RECORDS))  # it is the users' now
                    wanted = [sent.value for sent in numbered(RECORDS + MORE)]
                    assert [record.value for record in consume(destination, topic)] == wanted, name
            leader.launch()
            leader.wait_until_ready()
            commands.poll()
            # a worker that died before it had committed what it did says it again; it never says anything else
            assert commands.results_of(command_id) == [result] * len(commands.results_of(command_id)), name
        requests.close()
        mirrors.close()
