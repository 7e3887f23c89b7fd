"""How far the mirror is behind, in seconds, and what workers take of the machine: sampled all the time."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from pipeline.local.cluster import LocalCluster
from tests.chaos.topics import PLACES, QUIET, Place
from tests.support.clients import configuration

SAMPLE_S = 0.25
ANSWERED_WITHIN_S = 15.0
FAILURES_OF_A_CLIENT = 3
"""In a row, and it is replaced: one that has seen a broker go may take minutes to see it come back.

Not after each: a new one has to find out everything first, which takes seconds on a busy machine.
"""
KEPT = 2000
Ends = dict[Place, int]


class Watch:
    """Knows when the source's logs ended where; how old what the mirror lacks is."""

    def __init__(self, source: LocalCluster, destination: LocalCluster) -> None:
        self._stop = threading.Event()
        self._history: dict[Place, list[tuple[int, float]]] = defaultdict(list)
        """(end, since when), ascending."""
        self._threads = [
            threading.Thread(target=self._sample, args=each, daemon=True)
            for each in (
                (source, IsolationLevel.READ_COMMITTED, self._source),
                (destination, IsolationLevel.READ_UNCOMMITTED, self._mirror),
            )
        ]
        self.behind_s = 0.0
        self.most_behind_s = 0.0
        self.source_ends: Ends = {}
        self.mirror_ends: Ends = {}

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def mirror_has(self, wanted: Ends) -> bool:
        """Whether the mirror reaches as far as that."""
        return all(self.mirror_ends.get(place, 0) >= end for place, end in wanted.items())

    def _sample(self, cluster: LocalCluster, level: IsolationLevel, take: Callable[[Ends, float], None]) -> None:
        """One side, by itself: while the other is away, this one is looked at all the same."""
        failures = FAILURES_OF_A_CLIENT
        while not self._stop.wait(SAMPLE_S):
            if failures >= FAILURES_OF_A_CLIENT:
                admin, failures = AdminClient(configuration(cluster, **QUIET)), 0
            asked_at = time.monotonic()
            try:
                take(_ends(admin, level), asked_at)
                failures = 0
            except (KafkaException, TimeoutError):
                failures += 1  # a broker is away: the age of what is missing is known from before

    def _source(self, ends: Ends, asked_at: float) -> None:
        for place, end in ends.items():
            history = self._history[place]
            if not history or end > history[-1][0]:
                history.append((end, time.monotonic()))
                del history[:-KEPT]
        self.source_ends = ends

    def _mirror(self, ends: Ends, asked_at: float) -> None:
        # a leader that has just started may not know yet how far its log is replicated, and tell an old end
        self.mirror_ends = {place: max(end, self.mirror_ends.get(place, 0)) for place, end in ends.items()}
        self.behind_s = max((self._age(place, end, asked_at) for place, end in self.mirror_ends.items()), default=0.0)
        self.most_behind_s = max(self.most_behind_s, self.behind_s)

    def _age(self, place: Place, end: int, now: float) -> float:
        """Since when the first record has been there that the mirror lacks; 0 where it lacks none."""
        history = list(self._history[place])
        at = bisect_right(history, end, key=lambda seen: seen[0])
        return max(0.0, now - history[at][1]) if at < len(history) else 0.0


def _ends(admin: AdminClient, level: IsolationLevel) -> Ends:
    asked = {TopicPartition(*place): OffsetSpec.latest() for place in PLACES}
    answers = admin.list_offsets(asked, isolation_level=level, request_timeout=ANSWERED_WITHIN_S)
    return {
        (place.topic, place.partition): future.result(2 * ANSWERED_WITHIN_S).offset for place, future in answers.items()
    }


def resident_mb(pid: int) -> float:
    """Memory of a process that is in use."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / (1 << 20)


def handles(pid: int) -> int:
    """Open files and sockets of a process."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
