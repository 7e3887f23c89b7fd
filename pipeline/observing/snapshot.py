"""What metrics are made from, taken in one moment on the event loop so that a thread may work on it (MET-65).

Rows are frozen, and lists of them are copied; statuses of pieces are read as they are, number by number.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.control.keys import link_partition
from pipeline.control.read_model import ReadModel
from pipeline.link.models import Link, Mirror, Position, TaskStatus
from pipeline.metrics.meter import METER, Distribution, Labels
from pipeline.mirror.engine import Engine
from pipeline.mirror.pieces import PieceStatus


@dataclass(frozen=True)
class CopiedLink:
    """What this worker copies of one link."""

    statuses: Sequence[PieceStatus]
    waits: Sequence[str]
    """For each of them why it does not move; empty where it does."""
    dead_fetchers: int
    is_throttled: bool


@dataclass(frozen=True)
class WorkerNumbers:
    """Of the worker itself."""

    worker: str
    version: str
    control_partitions: int = 0
    is_ready: bool = False
    loop_lag_s: float = 0.0
    memory_held: int = 0
    memory_budget: int = 0
    rebalances: int = 0
    faust: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Snapshot:
    """`led` are the links whose series this worker gives, `copied` what it copies by link."""

    now_ms: int
    worker: WorkerNumbers
    led: Mapping[str, Link]
    mirrors: Mapping[str, Sequence[Mirror]]
    positions: Mapping[str, Position]
    tasks: Sequence[TaskStatus]
    acls_owned: Mapping[str, int]
    copied: Mapping[str, CopiedLink]
    numbers: Mapping[str, Mapping[Labels, float]]
    distributions: Mapping[str, Mapping[Labels, Distribution]]


def take(
    model: ReadModel, engine: Engine | None, owned: Collection[int], partitions: int, worker: WorkerNumbers
) -> Snapshot:
    """Take one, and forget what was counted for links and mirrors that are gone (MET-63)."""
    METER.keep_only(model.links.__contains__, lambda link, topic: f"{link}/{topic}" in model.mirrors)
    led = {name: link for name, link in model.links.items() if link_partition(name, partitions) in owned}
    acls: dict[str, int] = dict.fromkeys(led, 0)
    for key, row in model.owned_acls.items():
        link = led.get(key.partition("/")[0])
        if link is not None and row["link_id"] == link.cluster_link_id:
            acls[link.name] += len(row["acls"])
    return Snapshot(
        int(time.time() * 1000),
        worker,
        led,
        {name: model.mirrors_of(name) for name in led},
        dict(model.positions),
        [task for task in model.tasks.values() if task.link in led],
        acls,
        _copied(engine),
        METER.all_numbers(),
        METER.all_distributions(),
    )


def _copied(engine: Engine | None) -> dict[str, CopiedLink]:
    if engine is None:
        return {}
    links = engine.links
    return {
        name: CopiedLink(
            [status for status, _ in pieces],
            [waits for _, waits in pieces],
            links[name].dead_fetchers,
            links[name].throttle.seconds_left() > 0,
        )
        for name, pieces in engine.waiting().items()
    }
