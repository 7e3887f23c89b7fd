"""Why a verification could not be done; a difference found is no error but the Report's business.

VerifyError
├── BadProperty      a client property the comparing consumers cannot use; says which and what to give instead
├── TopicMissing     one of the two topics does not exist, or may not be described
├── Unreachable      no broker answered, or the log on was refused; worth another try once that is mended
├── LogStartMoved    retention took records away under the reader; the verification handles it by itself
└── Stopped          another partition differs, or the caller gave up; the verification handles it by itself
"""

from __future__ import annotations


class VerifyError(Exception):
    """The comparison could not be made, or not to its end."""


class BadProperty(VerifyError):
    """A property that librdkafka cannot take as it is."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name


class TopicMissing(VerifyError):
    """A topic to compare is not there."""


class Unreachable(VerifyError):
    """A cluster gave no answer in time."""


class LogStartMoved(VerifyError):
    """The offset to read next is below the log's start by now."""


class Stopped(VerifyError):
    """Nobody wants to know the rest."""
