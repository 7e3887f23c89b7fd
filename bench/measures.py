"""The figures that exist, and what is demanded of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

OURS, THEIRS = "clusterlink", "MirrorMaker 2"
PLAIN = "plain"


class Measure(Enum):
    """How a figure is called in the table, and whether more is better."""

    MB_PER_S = ("MB/s", True)
    RECORDS_PER_S = ("records/s", True)
    CPU_S_PER_GB = ("CPU s/GB", False)
    BROKER_CPU_S_PER_GB = ("brokers' CPU s/GB", False)
    RSS_MB = ("memory MB", False)
    ADDED_MB = ("memory MB above idle", False)
    RSS_GROWTH = ("memory, last by second quarter", False)
    P50_MS = ("p50 ms", False)
    P99_MS = ("p99 ms", False)
    CPU_SHARE = ("% of a core", False)
    SEEN_S = ("a new record seen, s", False)
    OFFSETS_PER_S = ("offsets/s", True)
    DEVIATION = ("% off the cap", False)
    SECONDS = ("seconds", False)

    @property
    def title(self) -> str:
        return self.value[0]

    @property
    def is_more_better(self) -> bool:
        return self.value[1]


Figures = Mapping[Measure, float]


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure of `ours`, divided by the same one of `against` where there is one, is to reach this bound."""

    measure: Measure
    bound: float
    ours: str = OURS
    against: str | None = THEIRS

    def is_met(self, reached: float) -> bool:
        return reached >= self.bound if self.measure.is_more_better else reached <= self.bound

    def shown(self, reached: float) -> str:
        """What was reached, in the goal's unit."""
        return f"{reached:,.3g}x" if self.against else number(reached)

    def __str__(self) -> str:
        sign = "≥" if self.measure.is_more_better else "≤"
        bound = f"{self.bound:.2g}x {self.against}" if self.against else number(self.bound)
        return f"{self.measure.title} {sign} {bound}"


def number(figure: float) -> str:
    """A figure as the tables show it."""
    return f"{figure:,.0f}" if figure >= 1000 else f"{figure:,.1f}" if figure >= 10 else f"{figure:,.2f}"
