"""Verification: is a mirror the same log as its source? Shares no code with the engine that it checks (CLI-55)."""

from __future__ import annotations

from pipeline.verify.errors import BadProperty, TopicMissing, Unreachable, VerifyError
from pipeline.verify.report import Bounds, Difference, PartitionReport, Progress, Report, as_lines
from pipeline.verify.verifying import verify

__all__ = [
    "BadProperty",
    "Bounds",
    "Difference",
    "PartitionReport",
    "Progress",
    "Report",
    "TopicMissing",
    "Unreachable",
    "VerifyError",
    "as_lines",
    "verify",
]
