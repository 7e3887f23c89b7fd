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
    model: ReadModel,
    copying: Sequence[tuple[ReadModel, Engine]],
    owned: Collection[int],
    partitions: int,
    worker: WorkerNumbers,
) -> Snapshot:
    """Take one, and forget what was counted for links and mirrors that are gone (MET-63).

    `copying`: each engine of the worker with the rows of the cluster it copies to. Besides its own cluster's there may
    be those of partners that cannot dial; their links have the names of links here.
    """
    models = [model, *(theirs for theirs, _ in copying)]
    METER.keep_only(
        model.links.__contains__, lambda link, topic: any(f"{link}/{topic}" in each.mirrors for each in models)
    )
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
        _copied([engine for _, engine in copying]),
        METER.all_numbers(),
        METER.all_distributions(),
    )


def _copied(engines: Sequence[Engine]) -> dict[str, CopiedLink]:
    found: dict[str, CopiedLink] = {}
    for engine in engines:
        links = engine.links
        for name, pieces in engine.waiting().items():
            other = found.get(name, CopiedLink((), (), 0, False))
            found[name] = CopiedLink(
                [*other.statuses, *(status for status, _ in pieces)],
                [*other.waits, *(waits for _, waits in pieces)],
                other.dead_fetchers + links[name].dead_fetchers,
                other.is_throttled or links[name].throttle.seconds_left() > 0,
            )
    return found
