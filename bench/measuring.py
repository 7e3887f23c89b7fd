"""How fast a copy grows and what the copier pays for it: samples over time, and the figures computed from them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from bench.measures import Figures, Measure

SAMPLE_EVERY_S = 0.05
WARM_UP_SHARE = 0.25
STALL_S = 60.0
_LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Stalled(Exception):
    """The copy has not grown for a minute, or its copier has ended: nothing can be measured."""


@dataclass(frozen=True, slots=True)
class Sample:
    """offsets: log ends of the copy, summed; cpu_s and rss_bytes of the copier's processes; the brokers' CPU."""

    time_s: float
    offsets: int
    cpu_s: float
    rss_bytes: int
    broker_cpu_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Watched:
    """Whose processes are sampled."""

    copier: Sequence[int]
    brokers: Sequence[int]

    def sample(self, offsets: int) -> Sample:
        """How things are now. Raises Stalled when one of them has ended."""
        try:
            return Sample(
                time.monotonic(),
                offsets,
                sum(map(cpu_seconds, self.copier)),
                sum(map(rss_bytes, self.copier)),
                sum(map(cpu_seconds, self.brokers)),
            )
        except FileNotFoundError:
            raise Stalled("the copier has ended") from None


def figures(samples: Sequence[Sample], records: int, offsets: int, record_bytes: int) -> Figures:
    """Compute the figures from samples that begin before the first record and end with the last, as `watch` takes them.

    The rates are of the part after the warm-up, the first quarter of the records, or of the whole where it is too
    short for that. records is what the source has, offsets how far its log goes (markers and holes count). MB are 10^6
    bytes of payload.
    """
    share = records / offsets
    begun = max((each for each in samples if each.offsets == 0), key=lambda each: each.time_s)
    warm = next(each for each in samples if each.offsets >= WARM_UP_SHARE * offsets)
    last = next(each for each in samples if each.offsets >= offsets)
    if last is warm:
        warm = begun
    copied = (last.offsets - warm.offsets) * share
    seconds = last.time_s - warm.time_s
    gigabytes = copied * record_bytes / 1e9
    return {
        Measure.MB_PER_S: gigabytes * 1e3 / seconds,
        Measure.RECORDS_PER_S: copied / seconds,
        Measure.CPU_S_PER_GB: (last.cpu_s - warm.cpu_s) / gigabytes,
        Measure.BROKER_CPU_S_PER_GB: (last.broker_cpu_s - warm.broker_cpu_s) / gigabytes,
        Measure.RSS_MB: max(each.rss_bytes for each in samples) / 1e6,
    }


def memory_figures(samples: Sequence[Sample], offsets: int) -> Figures:
    """What copying adds to a copier's memory, and whether it goes on growing: medians of two quarters of the copy."""
    quarters: list[list[int]] = [[], [], [], []]
    for each in samples:
        quarters[min(3, 4 * each.offsets // offsets)].append(each.rss_bytes)
    peak = max(each.rss_bytes for each in samples)
    found = {Measure.ADDED_MB: (peak - samples[0].rss_bytes) / 1e6}
    if quarters[1] and quarters[3]:
        found[Measure.RSS_GROWTH] = median(quarters[3]) / median(quarters[1])
    return found


class Ends:
    """The ends of a topic's log, for who asks again and again."""

    def __init__(self, servers: str, topic: str, partitions: int) -> None:
        self._admin = AdminClient({"bootstrap.servers": servers, "log_level": 2})
        self._asked = {TopicPartition(topic, each): _LATEST for each in range(partitions)}

    def total(self) -> int:
        """Their sum; 0 while there is no such topic."""
        try:
            found = self._admin.list_offsets(self._asked, request_timeout=5)
            return sum(future.result().offset for future in found.values())
        except KafkaException:
            return 0


def watch(
    begin: Callable[[], object],
    size: Callable[[], int],
    offsets: int,
    watched: Callable[[], Watched],
    every_s: float = SAMPLE_EVERY_S,
) -> list[Sample]:
    """Sample once, begin the copy, and sample until its size has reached offsets.

    watched is asked before and after the beginning: a copier may have its processes only then. Raises Stalled when the
    copy stands still for a minute.
    """
    samples = [watched().sample(0)]
    begin()
    processes = watched()
    grew_at = time.monotonic()
    while samples[-1].offsets < offsets:
        began = time.monotonic()
        found = processes.sample(size())
        if found.offsets > samples[-1].offsets:
            grew_at = found.time_s
        samples.append(found)
        if found.time_s - grew_at > STALL_S:
            raise Stalled(f"stands at {found.offsets:,} of {offsets:,} offsets")
        time.sleep(max(0.0, every_s - (time.monotonic() - began)))
    return samples


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its living descendants, in seconds."""
    return sum(_ticks(each) for each in family(pid)) / _TICKS_PER_S


def rss_bytes(pid: int) -> int:
    """Resident memory of a process and its living descendants."""
    return sum(int(_read(each, "statm").split()[1]) for each in family(pid)) * _PAGE_BYTES


def family(pid: int) -> Iterator[int]:
    """The process and its descendants. Raises FileNotFoundError when it is gone."""
    yield pid
    for child in _read(pid, f"task/{pid}/children").split():
        yield from family(int(child))


def _ticks(pid: int) -> int:
    # The second field is the command in parentheses and may hold anything; utime and stime are fields 14 and 15.
    after = _read(pid, "stat").rpartition(")")[2].split()
    if after[0] == "Z":
        raise FileNotFoundError(f"process {pid} has ended")
    return int(after[11]) + int(after[12])


def _read(pid: int, name: str) -> str:
    with open(f"/proc/{pid}/{name}", encoding="ascii", errors="replace") as file:
        return file.read()
