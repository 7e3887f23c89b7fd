"""A worker that copies for its partner too: what it does there is on its metrics, and is not forgotten (MODE-3)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline.metrics.meter import METER
from pipeline.mirror.engine import Engine
from pipeline.mirror.pieces import PieceStatus
from pipeline.observing.snapshot import take
from tests.unit.lifecycle.rows import mirror
from tests.unit.observing.worlds import ALL, NUMBERS, fresh_meter, scraped, series, status, world


@pytest.fixture(autouse=True)
def meter() -> None:
    fresh_meter()


def engine(*statuses: PieceStatus) -> Engine:
    """What a snapshot asks of an engine."""
    link: Any = SimpleNamespace(dead_fetchers=0, throttle=SimpleNamespace(seconds_left=lambda: 0.0))
    return cast(Engine, SimpleNamespace(links={"l": link}, waiting=lambda: {"l": [(each, "") for each in statuses]}))


def test_both_directions_of_a_link_are_there() -> None:
    home, partner = world(mirror("here")), world(mirror("there"))
    METER.add("clusterlink_mirror_records_total", "l", "there", by=5)
    METER.add("clusterlink_mirror_records_total", "l", "deleted", by=5)
    copying = [(home.model, engine(status("here"))), (partner.model, engine(status("there")))]
    found = scraped(take(home.model, copying, ALL, 4, NUMBERS))
    assert series(found, "mirror_records_total", link="l", topic="here") == 90
    assert series(found, "mirror_records_total", link="l", topic="there") == 95
    assert series(found, "mirror_records_total", link="l", topic="deleted") is None
    assert series(found, "worker_partitions", worker=NUMBERS.worker) == 2
    assert series(found, "mirror_topics", link="l", state="ACTIVE") == 1  # what rows tell is the partner's to give
