"""What is measured, one row each. A new measurement is a new row; a new way of measuring is a file of its own.

`make bench` runs every row; bench/methods.py says which file runs which method.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bench.measures import PLAIN, Goal, Measure

MB_PER_S, RECORDS_PER_S, CPU, MEMORY = Measure.MB_PER_S, Measure.RECORDS_PER_S, Measure.CPU_S_PER_GB, Measure.RSS_MB
FETCH_MEMORY_MB = 134.2
"""What `fetch_memory_bytes` is unless told otherwise."""


class Kind(Enum):
    """How the source's log was written."""

    PLAIN = "plain"
    """Full batches, as a busy producer with some linger writes them."""
    TINY_BATCHES = "tiny batches"
    """One record a batch: a producer without linger."""
    TRANSACTIONAL = "transactional"
    """100 records a transaction, each transaction in one partition."""
    COMPACTED = "compacted"
    """Every other record has the same key, and the cleaner has been there."""


class Method(Enum):
    """How it is measured."""

    COPYING = "one copier after the other copies a topic"
    CONTRAST = "one worker copies a plain topic, then one of another kind"
    FOLLOWERS = "the copy against reassignment from one broker to the other in a cluster of two"
    BACKLOG = "one worker catches up with a large backlog; its memory is watched"
    LATENCY = "records at a steady rate, timed from the producer to a consumer of the copy"
    FAIRNESS = "the latency of one link, alone and while another link has a backlog"
    IDLE = "mirror partitions in which nothing happens"
    SEEDING = "a source whose log does not begin at 0"
    CAP = "the link has a bandwidth cap"
    SCALING = "one worker and two; each may fetch no more than the cap"
    GROUPS = "one cycle of the consumer offset sync"
    GROWTH = "one worker copies the same records in more and more partitions, and over several links"


@dataclass(frozen=True, slots=True)
class Size:
    """How much of it: records, or what the method counts. quick is None for what `--quick` leaves out."""

    full: int
    quick: int | None
    tiny: int
    """Enough to see it run to its end; the figures mean nothing."""


@dataclass(frozen=True, slots=True)
class Case:
    """One measurement: what the source is like, how much of it, what it should cost."""

    name: str
    method: Method
    size: Size
    goals: tuple[Goal, ...]
    record_bytes: int = 1000
    codec: str = "lz4"
    partitions: int = 8
    kind: Kind = Kind.PLAIN
    about: str = ""
    """The title, where it is not about the records."""

    @property
    def title(self) -> str:
        if self.about:
            return self.about
        size = f"{self.record_bytes / 1000:g} KB" if self.record_bytes >= 1000 else f"{self.record_bytes} B"
        return f"{size} {self.codec}, {self.partitions} partitions, {self.kind.value}"


AGAINST_MIRROR_MAKER = (Goal(MB_PER_S, 5), Goal(CPU, 1 / 15), Goal(MEMORY, 1 / 5))

CASES: tuple[Case, ...] = (
    Case("1k-lz4", Method.COPYING, Size(3_000_000, 800_000, 60_000), AGAINST_MIRROR_MAKER),
    Case("100b-lz4", Method.COPYING, Size(20_000_000, None, 500_000), AGAINST_MIRROR_MAKER, record_bytes=100),
    Case("1k-none", Method.COPYING, Size(3_000_000, None, 60_000), AGAINST_MIRROR_MAKER, codec="none"),
    Case("10k-zstd", Method.COPYING, Size(300_000, None, 6_000), AGAINST_MIRROR_MAKER, 10_000, "zstd"),
    Case(
        "tiny-batches",
        Method.COPYING,
        Size(2_000_000, 200_000, 20_000),
        (Goal(RECORDS_PER_S, 2),),
        record_bytes=100,
        codec="none",
        kind=Kind.TINY_BATCHES,
    ),
    Case(
        "transactional",
        Method.CONTRAST,
        Size(1_500_000, 200_000, 20_000),
        (Goal(MB_PER_S, 0.5, ours=Kind.TRANSACTIONAL.value, against=PLAIN),),
        kind=Kind.TRANSACTIONAL,
    ),
    Case(
        "compacted",
        Method.CONTRAST,
        Size(1_000_000, 200_000, 40_000),
        (Goal(MB_PER_S, 0.2, ours=Kind.COMPACTED.value, against=PLAIN),),
        kind=Kind.COMPACTED,
    ),
    Case(
        "followers",
        Method.FOLLOWERS,
        Size(3_000_000, None, 60_000),
        (Goal(MB_PER_S, 1.0, against="follower replication"),),
        about="1 KB lz4, 8 partitions, against in-cluster replication",
    ),
    Case(
        "backlog",
        Method.BACKLOG,
        Size(5_000_000, None, 100_000),
        (Goal(Measure.ADDED_MB, FETCH_MEMORY_MB, against=None), Goal(Measure.RSS_GROWTH, 1.1, against=None)),
        about="catch-up of a backlog: 5 GB, 1 KB lz4",
    ),
    Case(
        "latency",
        Method.LATENCY,
        Size(40_000, 12_000, 3_000),
        (Goal(Measure.P50_MS, 1 / 3), Goal(Measure.P99_MS, 1 / 3), Goal(Measure.P99_MS, 20, against=None)),
        record_bytes=100,
        codec="none",
        about="1,000 records/s, producer to reader of the mirror",
    ),
    Case(
        "fairness",
        Method.FAIRNESS,
        Size(4_000_000, None, 100_000),
        (Goal(Measure.P99_MS, 3, ours="beside a backlog", against="alone"),),
        about="1,000 records/s of one link while another link of the worker copies a backlog",
    ),
    Case(
        "idle",
        Method.IDLE,
        Size(5_000, None, 200),
        (
            Goal(Measure.CPU_SHARE, 5, against=None),
            Goal(MEMORY, 400, against=None),
            Goal(Measure.SEEN_S, 1, against=None),
        ),
        about="idle mirror partitions on one worker",
    ),
    Case(
        "seeding",
        Method.SEEDING,
        Size(100_000_000, 50_000_000, 2_000_000),
        (Goal(Measure.OFFSETS_PER_S, 5_000_000, against=None),),
        partitions=1,
        about="seeding of a mirror whose source does not begin at 0",
    ),
    Case(
        "cap",
        Method.CAP,
        Size(800_000, 400_000, 40_000),
        (Goal(Measure.DEVIATION, 5, against=None),),
        codec="none",
        about="bandwidth cap of a link (LINK-44): 20 MB/s",
    ),
    Case(
        "two-workers",
        Method.SCALING,
        Size(600_000, None, 40_000),
        (Goal(MB_PER_S, 1.8, ours="two workers", against="one worker"),),
        codec="none",
        about="two workers against one, 20 MB/s each",
    ),
    Case(
        "groups",
        Method.GROUPS,
        Size(1_000, 200, 10),
        (Goal(Measure.SECONDS, 30, against=None),),
        partitions=100,
        about="first cycle of the consumer offset sync, groups of 100 partitions",
    ),
    Case(
        "growth",
        Method.GROWTH,
        Size(2_000_000, None, 40_000),
        (Goal(MB_PER_S, 0.5, ours="512 partitions", against="8 partitions"),),
        about="2 GB, 1 KB lz4, in more and more partitions and over several links",
    ),
)
