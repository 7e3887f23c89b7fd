"""A worker's rows and copiers to make metrics from, without clusters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from pipeline.control.read_model import ReadModel
from pipeline.link.models import Link, Mirror, Position
from pipeline.link.states import LinkState, MirrorStatus
from pipeline.metrics.meter import METER
from pipeline.metrics.metric import Detail
from pipeline.mirror.pieces import Piece, PieceStatus
from pipeline.observing.exposition import render
from pipeline.observing.snapshot import CopiedLink, Snapshot, WorkerNumbers, take
from tests.unit.lifecycle.rows import LINK, Rows

NUMBERS = WorkerNumbers("here:8090", "1.2.3", 4, True, 0.01, 5, 100, 1, {"events_total": 7.0})
ALL = frozenset(range(4))
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def world(*mirrors: Mirror, link: Link = LINK) -> Rows:
    return Rows(link, *mirrors)


def position(topic: str, partition: int = 0, **more: Any) -> Position:
    given = {"log_end_offset": 90, "source_high_watermark": 100, "time_ms": 1}
    return Position("l", topic, partition, **(given | more))


def status(topic: str = "m", partition: int = 0, **more: Any) -> PieceStatus:
    """A copier's status: it has mirrored 90 of 100 records."""
    made = PieceStatus(Piece("l", topic, topic, partition, "", "", 0), "here:8090")
    given = {"is_seeded": True, "log_end_offset": 90, "source_high_watermark": 100, "records": 90, "bytes": 900}
    for name, value in (given | more).items():
        setattr(made, name, value)
    return made


def shot(model: ReadModel, *statuses: PieceStatus, owned: frozenset[int] = ALL, **more: Any) -> Snapshot:
    """What a worker that owns `owned` and copies `statuses` of link l would make metrics from."""
    waits = [each.waits_for for each in statuses]
    copied = CopiedLink(statuses, waits, more.get("dead", 0), more.get("throttled", False))
    return replace(take(model, [], owned, 4, NUMBERS), copied={"l": copied} if statuses else {})


def scraped(snapshot: Snapshot, detail: Detail = Detail.PARTITION) -> Samples:
    """The samples of a scrape, as a parser of Prometheus' format reads them."""
    text = render(snapshot, detail).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def series(samples: Samples, name: str, **labels: str) -> float | None:
    """The value of one series, None where there is none."""
    return samples.get((f"clusterlink_{name}", frozenset(labels.items())))


def fresh_meter() -> None:
    """Forget what other tests have counted."""
    METER.__init__()  # type: ignore[misc]


def many(count: int) -> tuple[Rows, list[PieceStatus]]:
    """A link of so many mirrors with a partition each, all copied here."""
    rows = Rows(replace(LINK, state=LinkState.ACTIVE))
    for number in range(count):
        topic = f"topic-with-an-ordinary-name-{number}"
        rows.put_mirror(
            Mirror("l", topic, topic, partitions=1, status=MirrorStatus.ACTIVE, start_offsets=(0,), status_time_ms=1)
        )
        rows.report(position(topic))
    return rows, [status(f"topic-with-an-ordinary-name-{number}", seen_ms=1) for number in range(count)]
