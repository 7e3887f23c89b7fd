"""All metrics, from which `/metrics` and docs/metrics.md are made."""

from __future__ import annotations

from pipeline.metrics.link_rows import LINK_ROWS
from pipeline.metrics.metric import Detail, Metric
from pipeline.metrics.mirror_rows import MIRROR_ROWS
from pipeline.metrics.network_rows import NETWORK_ROWS
from pipeline.metrics.task_rows import TASK_ROWS
from pipeline.metrics.worker_rows import WORKER_ROWS

GROUPS = {
    "Links": LINK_ROWS,
    "Tasks": TASK_ROWS,
    "Mirrors": MIRROR_ROWS,
    "Connections": NETWORK_ROWS,
    "Workers": WORKER_ROWS,
}
METRICS: dict[str, Metric] = {metric.name: metric for rows in GROUPS.values() for metric in rows}

NOT_GIVEN = {
    "MET-24": "the source's side of it is inside its brokers; "
    '`clusterlink_requests_total{cluster="source"}` is what links ask of it',
    "MET-27": "inside the brokers",
}
"""Metrics of the original that have no counterpart, and why."""

_LEVELS = {Detail.LINK: "", Detail.TOPIC: "topic", Detail.PARTITION: "partition"}


def reference() -> str:
    """The tables of docs/metrics.md."""
    blocks = []
    for title, rows in GROUPS.items():
        lines = [
            f"## {title}",
            "",
            "| metric | kind | labels | unit | meaning | given by | over workers | detail | spec |",
            "|---|---|---|---|---|---|---|---|---|",
            *(_line(metric) for metric in rows),
        ]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _line(metric: Metric) -> str:
    cells = (
        f"`{metric.name}`",
        metric.kind.value,
        ", ".join(metric.labels),
        metric.unit,
        metric.sentence,
        metric.giver.value,
        metric.over.value,
        _LEVELS[metric.detail],
        ", ".join(metric.ids),
    )
    return f"| {' | '.join(cells)} |"
