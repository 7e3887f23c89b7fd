"""How fast a copy grows and what the copier pays for it: samples over time, and the figures computed from them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

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
    """offsets: log ends of the copy, summed; cpu_s and rss_bytes of the copier's processes."""

    time_s: float
    offsets: int
    cpu_s: float
    rss_bytes: int


@dataclass(frozen=True, slots=True)
class Figures:
    """One copier in one case. The rates are of the part after the warm-up, the first quarter of the records."""

    mb_per_s: float
    records_per_s: float
    cpu_s_per_gb: float
    rss_mb: float
    whole_mb_per_s: float
    whole_cpu_s: float
    whole_s: float


def figures(samples: list[Sample], records: int, offsets: int, record_bytes: int) -> Figures:
    """Compute the figures from samples that begin before the first record and end with the last.

    records is what the source has, offsets how far its log goes (markers count). MB are 10^6 bytes of payload.
    """
    share = records / offsets
    begun = max((each for each in samples if each.offsets == 0), key=lambda each: each.time_s, default=samples[0])
    warm = next(each for each in samples if each.offsets >= WARM_UP_SHARE * offsets)
    last = next(each for each in samples if each.offsets >= offsets)
    if last is warm:
        raise Stalled("too few records: the whole copy fits between two samples")

    def between(a: Sample, b: Sample) -> tuple[float, float, float]:
        return (b.offsets - a.offsets) * share, b.time_s - a.time_s, b.cpu_s - a.cpu_s

    copied, seconds, cpu_s = between(warm, last)
    whole, whole_s, whole_cpu_s = between(begun, last)
    return Figures(
        mb_per_s=copied * record_bytes / 1e6 / seconds,
        records_per_s=copied / seconds,
        cpu_s_per_gb=cpu_s / (copied * record_bytes / 1e9),
        rss_mb=max(each.rss_bytes for each in samples) / 1e6,
        whole_mb_per_s=whole * record_bytes / 1e6 / whole_s,
        whole_cpu_s=whole_cpu_s,
        whole_s=whole_s,
    )


def watch(
    servers: str, topic: str, partitions: int, *, offsets: int, pid: int, shown: Callable[[Sample], None] | None = None
) -> list[Sample]:
    """Sample until the copy has all offsets. Raises Stalled when it stands still for a minute or the copier ends."""
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 2})
    asked = {TopicPartition(topic, each): _LATEST for each in range(partitions)}
    samples: list[Sample] = []
    grew_at = time.monotonic()
    while not samples or samples[-1].offsets < offsets:
        try:
            ends = sum(future.result().offset for future in admin.list_offsets(asked, request_timeout=5).values())
        except KafkaException:  # the copier has yet to make the topic
            ends = 0
        now = time.monotonic()
        if not samples or ends > samples[-1].offsets:
            grew_at = now
        try:
            samples.append(Sample(now, ends, cpu_seconds(pid), rss_bytes(pid)))
        except FileNotFoundError:
            raise Stalled("the copier has ended") from None
        if now - grew_at > STALL_S:
            raise Stalled(f"stands at {ends:,} of {offsets:,} offsets")
        if shown:
            shown(samples[-1])
        time.sleep(max(0.0, SAMPLE_EVERY_S - (time.monotonic() - now)))
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
