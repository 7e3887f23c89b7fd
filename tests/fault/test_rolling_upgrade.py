"""A rolling upgrade with plain processes, as docs/deployment.md describes it: one worker after the other is ended by
SIGTERM and started again, under load, each when /readyz of the one before says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, assert_equal, checked, wait_for_ends
from tests.support.clients import create_topic, log_ends
from tests.support.load import Load
from tests.support.workers import WorkerProcess, wait_until

PARTITIONS = 4
ALL = set(range(PARTITIONS))


def is_ready(worker: WorkerProcess) -> bool:
    """What a rollout asks."""
    try:
        return httpx.get(f"{worker.url}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.timeout(500)
def test_three_workers_are_replaced_one_after_the_other_under_load(
    source: LocalCluster, destination: LocalCluster, tmp_path: Path, unique: Callable[[str], str], topic: str
) -> None:
    """Partitions spread over those that come, and go to those that stay (RUN-32)."""
    link = unique("link")
    create_topic(source, topic, PARTITIONS)
    workers: list[WorkerProcess] = []
    with ExitStack() as stack:
        with Load(source, topic, PARTITIONS, rest_s=0.2):
            for number in range(3):
                app_id = workers[0].app_id if workers else None
                workers.append(stack.enter_context(WorkerProcess(destination.bootstrap_servers, tmp_path, app_id)))
                wait_until(lambda: is_spread(workers), "each worker has a share", 120)
                if number == 0:
                    with Rest(workers[0], destination) as rest:
                        checked(rest.create_link(link, source))
                        checked(rest.create_mirror(link, topic))
                        rest.wait_for_status(link, topic)
                wait_until_all_move(destination, topic)
            for worker in workers:
                others = [each for each in workers if each is not worker]
                worker.terminate()
                wait_until(lambda w=others: is_spread(w), "the others have all the work")  # type: ignore[misc]
                wait_until_all_move(destination, topic)
                worker.launch()
                for each in (worker, *others):
                    wait_until(lambda w=each: is_ready(w), f"{each.name} is ready", 120, 0.25)  # type: ignore[misc]
        wait_for_ends(source, destination, topic, PARTITIONS, within_s=90)
        assert_equal(source, destination, topic, partitions=PARTITIONS)
        wait_until(lambda: is_spread(workers), "all three have a share again")
        with Rest(workers[0], destination) as rest:
            assert rest.mirror(link, topic)["mirror_status"] == "ACTIVE"


def is_spread(workers: Sequence[WorkerProcess]) -> bool:
    """Whether each has a share, no partition is missing, and none has two owners."""
    owned = [worker.owned for worker in workers]
    return all(owned) and set().union(*owned) == ALL and sum(map(len, owned)) == len(ALL)


def wait_until_all_move(destination: LocalCluster, topic: str) -> None:
    """Every partition of the mirror gets further than it is now."""
    before = log_ends(destination, topic, PARTITIONS)

    def move() -> bool:
        return all(now > then for now, then in zip(log_ends(destination, topic, PARTITIONS), before, strict=True))

    wait_until(move, "every partition moves on", poll_s=0.25)
