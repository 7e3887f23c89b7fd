"""What a dashboard is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Shape(Enum):
    """How a panel shows its values, in Grafana's words."""

    STAT = "stat"
    COURSE = "timeseries"
    TABLE = "table"


@dataclass(frozen=True)
class Query:
    """`legend` with labels in double braces. A rate's window is $__rate_interval."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """`unit` in Grafana's words (short, s, Bps, dateTimeAsIso ...); `bad_from`: red from this value on."""

    title: str
    shape: Shape
    queries: tuple[Query, ...]
    unit: str = "short"
    sentence: str = ""
    bad_from: float | None = None
    width: int = 0


@dataclass(frozen=True)
class Variable:
    """What a reader chooses: a label's values."""

    name: str
    query: str
    many: bool = False


@dataclass(frozen=True)
class Dashboard:
    """`name` is the file's and the id's."""

    name: str
    title: str
    variables: tuple[Variable, ...]
    panels: tuple[Panel, ...]


def stat(title: str, expr: str, *, unit: str = "short", bad_from: float | None = None, sentence: str = "") -> Panel:
    """One number."""
    return Panel(title, Shape.STAT, (Query(expr),), unit, sentence, bad_from, 4)


def course(title: str, *queries: tuple[str, str], unit: str = "short", sentence: str = "", width: int = 12) -> Panel:
    """Lines over time: (expression, legend)."""
    return Panel(title, Shape.COURSE, tuple(Query(*query) for query in queries), unit, sentence, None, width)


def table(title: str, expr: str, *, unit: str = "short", sentence: str = "", width: int = 12) -> Panel:
    """One row for each series."""
    return Panel(title, Shape.TABLE, (Query(expr),), unit, sentence, None, width)
