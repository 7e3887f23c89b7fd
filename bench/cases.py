"""What is measured, one row each. A new measurement is a new row; a new kind of source is a function in loading.py."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """How the source's log was written."""

    PLAIN = "plain"
    """Full batches, as a busy producer with some linger writes them."""
    TINY_BATCHES = "tiny batches"
    """One record a batch: a producer without linger."""
    TRANSACTIONAL = "transactional"
    """100 records a transaction, each transaction in one partition."""


class Measure(Enum):
    """What a goal is about: how it is called in the table, and whether more is better."""

    MB_PER_S = ("MB/s", True)
    RECORDS_PER_S = ("records/s", True)
    CPU_S_PER_GB = ("CPU s/GB", False)
    RSS_MB = ("memory MB", False)


@dataclass(frozen=True, slots=True)
class Goal:
    """clusterlink's figure divided by MirrorMaker 2's is to be at least (more is better) or at most this ratio."""

    measure: Measure
    ratio: float

    def is_met(self, ratio: float) -> bool:
        return ratio >= self.ratio if self.measure.value[1] else ratio <= self.ratio

    def __str__(self) -> str:
        sign = "≥" if self.measure.value[1] else "≤"
        return f"{self.measure.value[0]} {sign} {self.ratio:.2g}x"


@dataclass(frozen=True, slots=True)
class Case:
    """One source topic and what copying it should cost. records and quick_records are over all partitions."""

    name: str
    record_bytes: int
    codec: str
    partitions: int
    kind: Kind
    records: int
    quick_records: int
    goals: tuple[Goal, ...]

    @property
    def title(self) -> str:
        size = f"{self.record_bytes / 1000:g} KB" if self.record_bytes >= 1000 else f"{self.record_bytes} B"
        return f"{size} {self.codec}, {self.partitions} partitions, {self.kind.value}"


CASES: tuple[Case, ...] = (
    Case(
        "1k-lz4",
        record_bytes=1000,
        codec="lz4",
        partitions=8,
        kind=Kind.PLAIN,
        records=3_000_000,
        quick_records=800_000,
        goals=(Goal(Measure.MB_PER_S, 4.0), Goal(Measure.CPU_S_PER_GB, 0.1)),
    ),
)
"""Issue 3's figure; part 6 adds the other sizes, codecs and kinds here."""
