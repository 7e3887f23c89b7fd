"""What one metric is: a row of the tables beside this file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

SECONDS = (0.005, 0.02, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Buckets of histograms of times."""


class Kind(Enum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Giver(Enum):
    """Which worker gives a series, so that nothing is counted twice (MET-65); the value is for the documentation."""

    LEADER = "the worker that leads the link"
    COPIER = "the worker that copies the partition"
    EACH = "each worker, what it did itself"


class Over(Enum):
    """How the values of several workers become one."""

    SUM = "sum"
    MAX = "max"
    NONE = ""
    """Each worker's value stands for itself."""


class Detail(Enum):
    """From which level of the setting `metrics_detail` on a metric is given (MET-63)."""

    LINK = 0
    TOPIC = 1
    PARTITION = 2


@dataclass(frozen=True)
class Metric:
    """`name` is what Prometheus shows, a counter's with its `_total`. `unit` is a base unit (MET-64), `ids` are ids of
    the specification, empty where the metric is an addition of ours.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    unit: str
    sentence: str
    giver: Giver
    over: Over
    ids: tuple[str, ...] = ()
    detail: Detail = Detail.LINK
    buckets: tuple[float, ...] = ()

    @property
    def family(self) -> str:
        """The name as Prometheus' client library wants it, which adds `_total` to a counter's by itself."""
        return self.name.removesuffix("_total") if self.kind is Kind.COUNTER else self.name
