"""How far the mirror is behind, in seconds, and what workers take of the machine: sampled all the time."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections import defaultdict
from pathlib import Path

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from pipeline.local.cluster import LocalCluster
from tests.chaos.topics import PLACES, QUIET, Place
from tests.support.clients import configuration

SAMPLE_S = 0.25
KEPT = 2000
Ends = dict[Place, int]


class Watch:
    """Knows when the source's logs ended where; how old what the mirror lacks is."""

    def __init__(self, source: LocalCluster, destination: LocalCluster) -> None:
        self._clusters = source, destination
        self._stop = threading.Event()
        self._history: dict[Place, list[tuple[int, float]]] = defaultdict(list)
        """(end, since when), ascending."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.behind_s = 0.0
        self.most_behind_s = 0.0
        self.source_ends: Ends = {}
        self.mirror_ends: Ends = {}

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)

    def mirror_has(self, wanted: Ends) -> bool:
        """Whether the mirror reaches as far as that."""
        return all(self.mirror_ends.get(place, 0) >= end for place, end in wanted.items())

    def _run(self) -> None:
        admins = self._admins()
        while not self._stop.wait(SAMPLE_S):
            try:
                # a leader that has just started may not know yet how far its log is replicated, and tell an old end
                seen = _ends(admins[1], IsolationLevel.READ_UNCOMMITTED)
                mirror = {place: max(end, self.mirror_ends.get(place, 0)) for place, end in seen.items()}
                source = _ends(admins[0], IsolationLevel.READ_COMMITTED)
            except (KafkaException, TimeoutError):
                # a broker is away: the age of what is missing is known from before. A client that has seen it go may
                # take minutes to see it come back; a new one does not
                admins = self._admins()
                continue
            now = time.monotonic()
            for place, end in source.items():
                history = self._history[place]
                if not history or end > history[-1][0]:
                    history.append((end, now))
                    del history[:-KEPT]
            self.source_ends, self.mirror_ends = source, mirror
            self.behind_s = max((self._age(place, end, now) for place, end in mirror.items()), default=0.0)
            self.most_behind_s = max(self.most_behind_s, self.behind_s)

    def _admins(self) -> list[AdminClient]:
        return [AdminClient(configuration(cluster, **QUIET)) for cluster in self._clusters]

    def _age(self, place: Place, end: int, now: float) -> float:
        """Since when the first record has been there that the mirror lacks; 0 where it lacks none."""
        history = self._history[place]
        at = bisect_right(history, end, key=lambda seen: seen[0])
        return now - history[at][1] if at < len(history) else 0.0


def _ends(admin: AdminClient, level: IsolationLevel) -> Ends:
    asked = {TopicPartition(*place): OffsetSpec.latest() for place in PLACES}
    answers = admin.list_offsets(asked, isolation_level=level, request_timeout=5)
    return {(place.topic, place.partition): future.result(10).offset for place, future in answers.items()}


def resident_mb(pid: int) -> float:
    """Memory of a process that is in use."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / (1 << 20)


def handles(pid: int) -> int:
    """Open files and sockets of a process."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
