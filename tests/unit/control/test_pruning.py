"""Answered commands are forgotten by age and by count, pending ones never (CLI-65)."""

from __future__ import annotations

import pytest

from pipeline.control import pruning
from pipeline.control.pruning import ALWAYS_KEPT_MS, KEPT_MS, prunable
from pipeline.control.read_model import Request

NOW = 10 * KEPT_MS


def request(name: str, age_ms: int | None, partition: int = 0) -> Request:
    result = None if age_ms is None else {"time_ms": NOW - age_ms}
    return Request(name, "l", {}, partition, 0, "", result, 1)


def test_what_is_older_than_its_record_is_forgotten() -> None:
    rows = [request("old", KEPT_MS + 1), request("young", KEPT_MS - 1), request("pending", None)]
    assert prunable(rows, 0, NOW) == ["old"]


def test_only_of_the_partition_that_is_ours() -> None:
    assert prunable([request("old", KEPT_MS + 1, partition=3)], 0, NOW) == []


def test_of_too_many_the_oldest_go_but_none_of_the_last_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "MOST_KEPT", 2)
    rows = [request(f"r{n}", ALWAYS_KEPT_MS + n) for n in range(1, 5)]
    assert prunable(rows, 0, NOW) == ["r4", "r3"]
    assert prunable([request(f"r{n}", n) for n in range(5)], 0, NOW) == []


def test_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "MOST_AT_ONCE", 2)
    assert len(prunable([request(f"r{n}", KEPT_MS + n + 1) for n in range(5)], 0, NOW)) == 2
