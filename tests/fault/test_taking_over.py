"""A worker that is killed, or only looks dead, under load: another takes over, nothing is lost or doubled (I1-I3)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, assert_equal, checked, wait_for_ends
from tests.support.clients import create_topic, log_ends
from tests.support.load import Load
from tests.support.workers import WorkerProcess, wait_until

PARTITIONS = 4
ALL = {0, 1, 2, 3}
TAKE_OVER_WITHIN_S = 120.0
"""RUN-29 says 30 s, and usually it takes 6 to 8; a machine that does other things besides is given more."""


@dataclass
class Pair:
    """Two workers of one app that share a mirror of `topic`."""

    source: LocalCluster
    destination: LocalCluster
    topic: str
    workers: tuple[WorkerProcess, WorkerProcess]

    def ends(self) -> list[int]:
        return log_ends(self.destination, self.topic, PARTITIONS)

    def wait_until_all_moved(self, since: list[int], within_s: float = 120.0) -> None:
        """Every partition of the mirror has got further than it was."""
        wait_until(
            lambda: all(now > then for now, then in zip(self.ends(), since, strict=True)),
            f"every partition moves on from {since}",
            within_s,
            poll_s=0.25,
        )

    def share(self) -> None:
        """Wait until each has some of the control partitions, no one is missing and none has two owners."""
        one, two = self.workers
        wait_until(
            lambda: one.owned and two.owned and one.owned | two.owned == ALL and not one.owned & two.owned,
            "the work is shared",
            120,
        )

    def assert_nothing_lost_or_doubled(self, link: str) -> None:
        wait_for_ends(self.source, self.destination, self.topic, PARTITIONS, within_s=90)
        assert_equal(self.source, self.destination, self.topic, partitions=PARTITIONS)
        survivor = next(worker for worker in self.workers if worker.is_running())
        with Rest(survivor, self.destination) as rest:

            def errors() -> set[str]:
                return {state["error"] for state in rest.mirror(link, self.topic)["partition_states"]}

            wait_until(lambda: errors() == {"NO_ERROR"}, "every partition is well")
            mirror = rest.mirror(link, self.topic)
        assert mirror["mirror_status"] == "ACTIVE"
        assert all(state["lost"] == [] for state in mirror["partition_states"])


@contextmanager
def shared_mirror(
    source: LocalCluster, destination: LocalCluster, folder: Path, topic: str, link: str
) -> Iterator[Pair]:
    """Two workers, a link, and a mirror that has begun to copy on both."""
    create_topic(source, topic, PARTITIONS)
    one = WorkerProcess(destination.bootstrap_servers, folder)
    two = WorkerProcess(destination.bootstrap_servers, folder, one.app_id)
    with one, two:
        pair = Pair(source, destination, topic, (one, two))
        pair.share()
        with Rest(one, destination) as rest:
            checked(rest.create_link(link, source))
            checked(rest.create_mirror(link, topic))
            rest.wait_for_status(link, topic)
        yield pair


@pytest.mark.timeout(500)
def test_kill_9_under_load(
    source: LocalCluster, destination: LocalCluster, tmp_path: Path, topic: str, unique: Callable[[str], str]
) -> None:
    """The other worker has the killed one's partitions and they move (session timeout 6 s); how soon is printed."""
    link = unique("link")
    with shared_mirror(source, destination, tmp_path, topic, link) as pair:
        with Load(source, topic, PARTITIONS):
            pair.wait_until_all_moved([0] * PARTITIONS)
            victim, survivor = pair.workers
            theirs = set(victim.owned)
            victim.kill()
            killed_at, then = time.monotonic(), pair.ends()
            wait_until(lambda: survivor.owned == ALL, "the survivor has everything", TAKE_OVER_WITHIN_S)
            took_s = time.monotonic() - killed_at
            pair.wait_until_all_moved(then)
            moved_s = time.monotonic() - killed_at
            print(
                f"kill -9: partitions {theirs} were taken over in {took_s:.1f} s, every mirror moved in {moved_s:.1f} s"
            )
            victim.launch()  # it comes back and takes its share again
            victim.wait_until_ready()
            pair.share()
            pair.wait_until_all_moved(pair.ends())
        pair.assert_nothing_lost_or_doubled(link)


@pytest.mark.timeout(500)
def test_a_zombie_that_slept_longer_than_its_session(
    source: LocalCluster, destination: LocalCluster, tmp_path: Path, topic: str, unique: Callable[[str], str]
) -> None:
    """SIGSTOP until the other has taken over and gone on, then SIGCONT: the zombie still believes that it owns them."""
    link = unique("link")
    with shared_mirror(source, destination, tmp_path, topic, link) as pair:
        with Load(source, topic, PARTITIONS):
            pair.wait_until_all_moved([0] * PARTITIONS)
            zombie, other = pair.workers
            for _ in range(2):
                theirs = set(zombie.owned)
                zombie.freeze()
                frozen_at, then = time.monotonic(), pair.ends()
                wait_until(lambda: other.owned == ALL, "the other has everything", TAKE_OVER_WITHIN_S)
                pair.wait_until_all_moved(then)
                print(f"SIGSTOP: {theirs} were taken over and moved in {time.monotonic() - frozen_at:.1f} s")
                zombie.thaw()
                pair.share()
                pair.wait_until_all_moved(pair.ends())
        pair.assert_nothing_lost_or_doubled(link)
        assert zombie.is_running() and other.is_running()
