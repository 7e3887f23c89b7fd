"""What an examination says: one row for each thing looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from pipeline.wording import counted


class Status(StrEnum):
    OK = "ok"
    NOTE = "note"
    """Worth knowing; nothing fails by it."""
    WARNING = "warning"
    """Something will not work, or not well, that not everybody needs."""
    ERROR = "error"
    """A link would not work."""
    UNKNOWN = "unknown"
    """It could not be told."""


class Side(StrEnum):
    SOURCE = "source"
    DESTINATION = "destination"
    BOTH = "both"


@dataclass(frozen=True)
class Finding:
    """`found` says what is, `mend` what to do where that is not good."""

    side: Side
    check: str
    status: Status
    found: str
    mend: str = ""

    def to_json(self) -> dict[str, str]:
        return {name: str(value) for name, value in asdict(self).items()}


def exit_code(findings: Sequence[Finding]) -> int:
    """1 where a link would not work."""
    return int(any(finding.status is Status.ERROR for finding in findings))


def verdict(findings: Sequence[Finding]) -> str:
    """What it all comes to, in a sentence: the rows are many."""
    counts = {status: sum(finding.status is status for finding in findings) for status in Status}
    names = {Status.ERROR: "error", Status.WARNING: "warning"}
    found = [counted(counts[status], name) for status, name in names.items() if counts[status]]
    if counts[Status.UNKNOWN]:
        found.append(f"{counts[Status.UNKNOWN]} unknown")
    answer = "A link would not work" if counts[Status.ERROR] else "A link would work"
    return f"{answer}: {', '.join(found) or 'nothing to mend'}."
