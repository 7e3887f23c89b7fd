"""What a verification found, as values: for the CLI to print, for tests to assert, for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing of a partition that is not the same on both sides.

    offset is None where the whole partition or topic differs; source and mirror describe each side's content for
    people.
    """

    partition: int | None
    offset: int | None
    field: str
    source: str
    mirror: str
    view: str = ""

    def __str__(self) -> str:
        place = "topic" if self.partition is None else f"partition {self.partition}"
        if self.offset is not None:
            place += f" offset {self.offset}"
        view = f" ({self.view} on the mirror)" if self.view else ""
        return f"{place}: {self.field} differs{view}: source {self.source}, mirror {self.mirror}"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where one side's partition begins and ends for consumers.

    start: first offset of the log; end: high watermark; stable_end: last stable offset, which read_committed can reach.
    """

    start: int
    end: int
    stable_end: int


@dataclass(frozen=True, slots=True)
class PartitionReport:
    """One partition: both logs' bounds, the range [first, end) that was compared, how much that was, what differed."""

    partition: int
    source: Bounds
    mirror: Bounds
    first: int
    end: int
    records: int
    bytes: int
    explained_holes: int = 0
    difference: Difference | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """The whole comparison (CLI-55)."""

    source_topic: str
    mirror_topic: str
    partitions: tuple[PartitionReport, ...]
    compacted: bool
    sample: float
    seconds: float
    topic_difference: Difference | None = None
    notes: tuple[str, ...] = ()

    @property
    def records(self) -> int:
        """Records seen at the source and compared with both views of the mirror."""
        return sum(each.records for each in self.partitions)

    @property
    def bytes(self) -> int:
        """Bytes of their keys and values."""
        return sum(each.bytes for each in self.partitions)

    @property
    def difference(self) -> Difference | None:
        """The first difference, topic before partitions, lowest partition first; None when both sides are the same."""
        found = [self.topic_difference, *(each.difference for each in self.partitions)]
        return next((each for each in found if each is not None), None)

    @property
    def is_equal(self) -> bool:
        return self.difference is None

    @property
    def exit_code(self) -> int:
        """0 when equal, 1 when not (CLI-62)."""
        return 0 if self.is_equal else 1

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for json.dumps."""
        difference = self.difference
        return {
            "source_topic": self.source_topic,
            "mirror_topic": self.mirror_topic,
            "equal": self.is_equal,
            "records": self.records,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "sample": self.sample,
            "compacted": self.compacted,
            "difference": None if difference is None else {**asdict(difference), "message": str(difference)},
            "partitions": [asdict(each) for each in self.partitions],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running verification is: offsets passed of all offsets to pass, and what that was so far."""

    offsets: int
    total_offsets: int
    records: int
    bytes: int
    seconds: float


def describe(value: object, most: int = 48) -> str:
    """One side's content in a line: short bytes whole, long ones cut and with their length; never a megabyte on a
    terminal.
    """
    if value is None:
        return "null"
    text = repr(value[:most] if isinstance(value, bytes) else value)
    if isinstance(value, bytes) and len(value) > most:
        return f"{text}… ({len(value)} bytes)"
    return text if len(text) <= 4 * most else f"{text[: 4 * most]}…"


def as_lines(report: Report) -> Mapping[str, str]:
    """The figures people want first, in the order to print them."""
    rate = report.records / report.seconds if report.seconds else 0.0
    ranges = ", ".join(f"{each.partition}: {each.first}..{each.end}" for each in report.partitions[:16])
    return {
        "Compared": f"{report.source_topic} with {report.mirror_topic}",
        "Partitions": str(len(report.partitions)),
        "Offsets": ranges + (", …" if len(report.partitions) > 16 else ""),
        "Records": f"{report.records:,}",
        "Bytes": f"{report.bytes:,}",
        "Time": f"{report.seconds:.1f} s ({rate:,.0f} records/s)",
        "Result": "equal" if report.difference is None else str(report.difference),
    }
