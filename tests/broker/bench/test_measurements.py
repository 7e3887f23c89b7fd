"""Measuring runs to its end on real brokers, and finds exact copies. The figures mean nothing here."""

from __future__ import annotations

import logging

import pytest

from bench.cases import CASES, Case
from bench.clusterlink import Clusterlink
from bench.methods import measure
from bench.report import judge, markdown
from bench.running import Bench, Starter
from pipeline.local.cluster import LocalCluster

log = logging.getLogger(__name__)
QUICK = {"tiny-batches", "latency", "cap", "seeding", "groups", "compacted"}
"""Rows that run to their end in seconds; the others take a minute or more each and are run by `make bench`."""
ROWS = [each for each in CASES if each.name in QUICK]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", ROWS, ids=lambda case: case.name)
def test_it_runs_to_its_end(source: LocalCluster, destination: LocalCluster, case: Case) -> None:
    starters: list[Starter] = [Clusterlink]
    outcomes = list(measure(Bench(source, destination, log.info), case, case.size.tiny, starters))
    assert [each.remark for each in outcomes if each.figures is None or not each.is_exact] == []
    log.info("\n%s", "\n".join(markdown(outcomes)))
    measured = {each.who for each in outcomes}
    wanted = [goal for goal in case.goals if goal.against is None or goal.against in measured]
    assert [goal for goal, reached, _ in judge(outcomes, case) if goal in wanted and reached is None] == []
