"""RUN-19: the owner of a cluster grants one topic; the team that consumes it makes and deletes its link alone."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, checked, refusal, wait_for_ends
from tests.support.clients import create_topic
from tests.support.consuming import consume
from tests.support.permitting import allow, login
from tests.support.producing import numbered, produce
from tests.support.workers import WorkerProcess

RECORDS, SIZE = 20_000, 500
ONE_CONSUMER = 1.25
"""What comes over the link in times of the log: the records once, and the talk around them."""


@pytest.mark.timeout(300)
def test_run_19(
    secure_source: LocalCluster,
    destination: LocalCluster,
    worker: WorkerProcess,
    rest: Rest,
    unique: Callable[[str], str],
) -> None:
    link, shared, private = unique("link")[-40:], unique("shared"), unique("private")
    for topic in (shared, private):
        create_topic(secure_source, topic)
        produce(secure_source, topic, numbered(RECORDS, size=SIZE))
    # what the owner does, and all of it
    allow(secure_source, "alice", "READ DESCRIBE_CONFIGS", shared)
    # what the team does
    checked(rest.create_link(link, secure_source, **login(secure_source, "alice")))
    refused = rest.create_mirror(link, private)
    assert refusal(refused)[0] in (400, 404), "other topics are out of reach"
    checked(rest.create_mirror(link, shared))
    rest.wait_for_status(link, shared)
    wait_for_ends(secure_source, destination, shared)
    assert consume(destination, shared) == consume(secure_source, shared)
    assert RECORDS * SIZE < fetched_bytes(worker, link) < ONE_CONSUMER * RECORDS * (SIZE + 20)
    checked(rest.ask("DELETE", f"/{link}", force="true"))
    assert link not in rest.links()


def fetched_bytes(worker: WorkerProcess, link: str) -> float:
    """What the worker has received from the link's source."""
    lines = httpx.get(f"{worker.url}/metrics", timeout=30).text.splitlines()
    head, wanted = "clusterlink_network_received_bytes_total{", (f'link="{link}"', 'cluster="source"')
    found = [line for line in lines if line.startswith(head) and all(label in line for label in wanted)]
    return sum(float(line.rpartition(" ")[2]) for line in found)
