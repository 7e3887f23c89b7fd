"""A short run of `make chaos` with a fixed seed: nothing lost, doubled, shifted or stuck (I1-I4, RUN-29)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import report
from tests.chaos.running import run

SEED, ROUNDS = 8378, 5


@pytest.mark.timeout(1500)
def test_random_faults_under_load(tmp_path: Path) -> None:
    outcome = run(SEED, ROUNDS, tmp_path)
    assert outcome.is_good, "\n".join(report.lines(outcome))
    assert len(outcome.rounds) == ROUNDS
    assert outcome.findings.compared > 1_000
