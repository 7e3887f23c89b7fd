"""Where a new mirror starts, partition by partition (MIRROR-60..65)."""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.offsets import NO_OFFSET
from pipeline.cluster.errors import ClusterError

EARLIEST, LATEST = "earliest", "latest"


async def start_offsets(source: Admin, topic: str, partitions: int, spec: str) -> tuple[int, ...]:
    """First offset to mirror of each partition. `spec`: earliest, latest or a UTC timestamp. Raises ClusterError."""
    places = [(topic, number) for number in range(partitions)]
    if spec.lower() == EARLIEST:
        found = await source.begin_offsets(places)
    elif spec.lower() == LATEST:
        found = await source.end_offsets(places)
    else:
        found = await _at(source, places, timestamp_ms(spec))
    return tuple(found[place] for place in places)


def timestamp_ms(spec: str) -> int:
    """Epoch milliseconds of `YYYY-MM-DDTHH:mm:SS.sss`; UTC unless it says otherwise (LINK-32)."""
    moment = datetime.fromisoformat(spec.replace("Z", "+00:00"))
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)


async def _at(source: Admin, places: list[tuple[str, int]], time_ms: int) -> dict[tuple[str, int], int]:
    answers = await source.offsets_for_times(dict.fromkeys(places, time_ms))
    ends = await source.end_offsets(places)
    offsets: dict[tuple[str, int], int] = {}
    for place in places:
        answer = answers[place]
        if isinstance(answer, ClusterError):
            raise answer
        offsets[place] = ends[place] if answer.offset == NO_OFFSET else answer.offset
    return offsets
