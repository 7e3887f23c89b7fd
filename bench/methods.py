"""Which file measures by which method."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from bench import backlog, capped, contrast, copying, fairness, followers, groups, growth, idle, latency, seeding
from bench.cases import Case, Method
from bench.running import Bench, Outcome, Starter

Measuring = Callable[[Bench, Case, int, Sequence[Starter]], Iterator[Outcome]]
"""(clusters, row, how much of it, who copies): one outcome a subject. Who copies is of interest to some only."""

METHODS: Mapping[Method, Measuring] = {
    Method.COPYING: copying.measure,
    Method.CONTRAST: contrast.measure,
    Method.FOLLOWERS: followers.measure,
    Method.BACKLOG: backlog.measure,
    Method.LATENCY: latency.measure,
    Method.FAIRNESS: fairness.measure,
    Method.IDLE: idle.measure,
    Method.SEEDING: seeding.measure,
    Method.CAP: capped.measure_cap,
    Method.SCALING: capped.measure_scaling,
    Method.GROUPS: groups.measure,
    Method.GROWTH: growth.measure,
}


def measure(bench: Bench, case: Case, size: int, starters: Sequence[Starter]) -> Iterator[Outcome]:
    """Measure one row. What goes wrong is an outcome too: the other rows are measured all the same."""
    try:
        yield from METHODS[case.method](bench, case, size, starters)
    except Exception as error:
        remark = f"{type(error).__name__}: {error}"
        bench.say(f"  failed: {remark}")
        yield Outcome(case, "-", None, is_exact=False, remark=remark)
