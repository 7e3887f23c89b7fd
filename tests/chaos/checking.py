"""The checker: ordinary consumers read both logs all the time, and every difference is a finding.

It knows nothing of the engine. What the source shows to read_committed consumers, and what its producers were told, is
what the mirror has to show to read_uncommitted ones, at the same offsets, in the same order, and nothing else.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass, field

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from pipeline.local.cluster import LocalCluster
from tests.chaos.load import GROUPS
from tests.chaos.topics import COMPACTED, PLACES, QUIET, Place, digest, digest_of
from tests.support.clients import configuration
from tests.support.consuming import consume

MOST_SHOWN = 40


@dataclass
class Findings:
    """What was found wrong, by kind, and the first of them in words."""

    counts: Counter[str] = field(default_factory=Counter)
    shown: list[str] = field(default_factory=list)
    compared: int = 0

    def add(self, kind: str, words: str) -> None:
        self.counts[kind] += 1
        if len(self.shown) < MOST_SHOWN:
            self.shown.append(f"{kind}: {words}")


@dataclass
class _Lane:
    """One partition: what each side has shown and the other has not yet."""

    source: deque[tuple[int, bytes, bytes]] = field(default_factory=deque)
    mirror: deque[tuple[int, bytes, bytes]] = field(default_factory=deque)
    seen: set[bytes] = field(default_factory=set)
    """Of a compacted topic: every record of the source, which may fill a hole at another offset."""
    compared_to: int = 0
    matched: dict[int, bytes] = field(default_factory=dict)
    acknowledged: dict[int, bytes] = field(default_factory=dict)


class Checker:
    """Reads, compares and remembers until it is stopped."""

    def __init__(self, source: LocalCluster, destination: LocalCluster) -> None:
        self.findings = Findings()
        self._clusters = source, destination
        self._lanes: dict[Place, _Lane] = {place: _Lane() for place in PLACES}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._read, self._watch_groups)]
        self.failures: list[BaseException] = []

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def acknowledged(self, place: Place, offset: int, told: bytes) -> None:
        """A producer was told that its record is at this offset."""
        with self._lock:
            self._lanes[place].acknowledged[offset] = told

    def waiting(self) -> dict[Place, int]:
        """Records that one side has shown and the other not, by partition, where there are any."""
        with self._lock:
            found = {place: len(lane.source) + len(lane.mirror) for place, lane in self._lanes.items()}
        return {place: count for place, count in found.items() if count and place[0] not in COMPACTED}

    def settle(self) -> None:
        """Compare what producers were told with what was found, up to where both logs have been read."""
        with self._lock:
            for place, lane in self._lanes.items():
                if place[0] not in COMPACTED:
                    self._settle(place, lane)

    def _settle(self, place: Place, lane: _Lane) -> None:
        for offset in [each for each in lane.acknowledged if each < lane.compared_to]:
            told, found = lane.acknowledged.pop(offset), lane.matched.pop(offset, None)
            if found is None:
                self.findings.add("lost", f"{place} {offset} was acknowledged, and is not there")
            elif found != told:
                self.findings.add("shifted", f"{place} {offset} holds another record than was acknowledged")
        for offset in [each for each in lane.matched if each < lane.compared_to - 100_000]:
            del lane.matched[offset]  # never acknowledged: its producer gave up before it heard

    def _read(self) -> None:
        try:
            readers = [
                _reader(cluster, isolation)
                for cluster, isolation in zip(self._clusters, ("read_committed", "read_uncommitted"), strict=True)
            ]
            while not self._stop.is_set():
                for reader, is_mirror in zip(readers, (False, True), strict=True):
                    self._take(reader, is_mirror)
            for reader in readers:
                reader.close()
        except BaseException as error:
            self.failures.append(error)

    def _take(self, reader: Consumer, is_mirror: bool) -> None:
        touched = set()
        messages = [message for message in reader.consume(1000, 0.1) if message.error() is None]
        with self._lock:
            for message in messages:
                place = (message.topic(), message.partition())
                lane = self._lanes[place]
                inside = digest(message.key(), message.value())
                record = (message.offset(), inside, digest_of(message))
                (lane.mirror if is_mirror else lane.source).append(record)
                touched.add(place)
            for place in touched:
                (self._compare_compacted if place[0] in COMPACTED else self._compare)(place, self._lanes[place])

    def _compare(self, place: Place, lane: _Lane) -> None:
        while lane.source and lane.mirror:
            wanted, found = lane.source[0], lane.mirror[0]
            if wanted[0] == found[0]:
                if wanted[2] != found[2]:
                    self.findings.add("shifted", f"{place} {wanted[0]} differs on the mirror")
                lane.matched[wanted[0]] = wanted[1]
                lane.compared_to = wanted[0] + 1
                self.findings.compared += 1
                lane.source.popleft()
                lane.mirror.popleft()
            elif wanted[0] < found[0]:
                self.findings.add("lost", f"{place} {wanted[0]} is not on the mirror, which goes on at {found[0]}")
                lane.source.popleft()
            else:
                self.findings.add("doubled", f"{place} {found[0]} is on the mirror only; the source has {wanted[0]}")
                lane.mirror.popleft()

    def _compare_compacted(self, place: Place, lane: _Lane) -> None:
        """A mirror record is the source's at that offset, or a copy that fills a hole (I2); the last table is compared
        at the end of a run.
        """
        while lane.source:
            lane.seen.add(lane.source.popleft()[2])
        for offset, _, whole in list(lane.mirror):
            if whole in lane.seen:
                lane.mirror.popleft()
                self.findings.compared += 1
                lane.compared_to = offset + 1
            else:
                return  # the source's reader is behind, or it is a record from nowhere: `tables` tells

    def tables(self) -> None:
        """Compare the tables that both sides of a compacted topic are, after the load has ended."""
        for place in PLACES:
            if place[0] not in COMPACTED:
                continue
            wanted, found = (_table(cluster, place) for cluster in self._clusters)
            for key in wanted.keys() | found.keys():
                if wanted.get(key) != found.get(key):
                    self.findings.add(
                        "lost", f"{place}: the latest of {key!r} is {found.get(key)}, not {wanted.get(key)}"
                    )
            for offset, _, _ in self._lanes[place].mirror:
                self.findings.add("doubled", f"{place} {offset} holds a record that the source never showed")

    def _watch_groups(self) -> None:
        consumers = [
            Consumer(configuration(self._clusters[1], **{"group.id": group, "enable.auto.commit": False, **QUIET}))
            for group in GROUPS
        ]
        asked = [TopicPartition(*place) for place in PLACES]
        while not self._stop.wait(1.0):
            for group, consumer in zip(GROUPS, consumers, strict=True):
                try:
                    for found in consumer.committed(asked, 5):
                        # the end is asked for later than the offset, and only grows
                        if found.offset > 0 and found.offset > (end := _end(consumer, found)):
                            place = (found.topic, found.partition)
                            self.findings.add("past the end", f"{group} is at {found.offset} of {place}, end {end}")
                except (KafkaException, TimeoutError):
                    continue  # the broker is away
        for consumer in consumers:
            consumer.close()


def _end(consumer: Consumer, place: TopicPartition) -> int:
    return int(consumer.get_watermark_offsets(TopicPartition(place.topic, place.partition), 5)[1])


def _reader(cluster: LocalCluster, isolation: str) -> Consumer:
    reader = Consumer(
        configuration(
            cluster,
            **{
                "group.id": "chaos-never-joined",
                "enable.auto.commit": False,
                "isolation.level": isolation,
                "auto.offset.reset": "error",
                "fetch.wait.max.ms": 100,
                **QUIET,
                "topic.metadata.refresh.interval.ms": 5000,
            },
        )
    )
    reader.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for topic, number in PLACES])
    return reader


Table = dict[bytes | None, tuple[bytes | None, int]]


def _table(cluster: LocalCluster, place: Place) -> Table:
    """The latest value and time of each key; a key that was deleted is not in it."""
    table: Table = {}
    for record in consume(cluster, *place):
        if record.value is None:
            table.pop(record.key, None)
        else:
            table[record.key] = (record.value, record.timestamp_ms)
    return table
