"""Mirrors of one link or of all: searched, filtered, sorted and cut into pages here, so that two thousand of them cost
a page no more than fifty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from pipeline.api.bodies import flag
from pipeline.api.context import plane
from pipeline.console.context import course
from pipeline.console.offering import offered
from pipeline.link.errors import LinkNotFound, Malformed
from pipeline.link.models import Link, Mirror
from pipeline.link.names import shorten
from pipeline.link.states import MirrorError, MirrorStatus

MOST_ROWS = 10_000
Sort = Callable[[web.Request, Mirror], Any]

SORTS: Mapping[str, Sort] = {
    "name": lambda request, mirror: mirror.mirror_topic,
    "link": lambda request, mirror: mirror.link,
    "status": lambda request, mirror: str(mirror.status),
    "partitions": lambda request, mirror: mirror.partitions,
    "lag": lambda request, mirror: course(request).figures(mirror).lag if mirror.status.is_read_only else -1,
    "speed": lambda request, mirror: course(request).of_mirror(mirror.link, mirror.mirror_topic).speed,
    "since": lambda request, mirror: mirror.status_time_ms,
}
"""A stopped mirror's last lag does not change any more: it comes after all that still can be caught up with."""


async def list_mirrors(request: web.Request) -> web.Response:
    """Query: link, name, search, status, sort, order, offset, limit, include_course."""
    query = request.query
    sort = SORTS[_word(request, "sort", tuple(SORTS))]
    is_descending = _word(request, "order", ("asc", "desc")) == "desc"
    offset, limit = _number(request, "offset", 0, 0, 1 << 31), _number(request, "limit", 50, 0, MOST_ROWS)
    with_course = flag(request, "include_course", default=True)
    link = query.get("link") or None
    if link is not None and plane(request).link(link) is None:
        raise LinkNotFound(link)
    found = sorted(plane(request).mirrors(link), key=lambda mirror: (mirror.mirror_topic, mirror.link))
    found = [mirror for mirror in found if _is_named(mirror, query.get("name"), query.get("search", "").lower())]
    statuses = Counter(mirror.status for mirror in found)
    counts = {str(status): statuses[status] for status in MirrorStatus if statuses[status]}
    wanted = _status(query.get("status"))
    found = [mirror for mirror in found if wanted in (None, mirror.status)]
    found.sort(key=lambda mirror: sort(request, mirror), reverse=is_descending)
    links = plane(request).links()
    rows = [
        _row(request, links[mirror.link], mirror, with_course)
        for mirror in found[offset : offset + limit]
        if mirror.link in links
    ]
    return web.json_response({"total": len(found), "offset": offset, "status_counts": counts, "mirrors": rows})


def _row(request: web.Request, link: Link, mirror: Mirror, with_course: bool) -> dict[str, Any]:
    figures = course(request).figures(mirror)
    ring = course(request).of_mirror(mirror.link, mirror.mirror_topic)
    row: dict[str, Any] = {
        "link_name": mirror.link,
        "mirror_topic_name": mirror.mirror_topic,
        "source_topic_name": mirror.source_topic,
        "num_partitions": mirror.partitions,
        "mirror_status": str(mirror.status),
        "state_category": str(mirror.status.category),
        "pending_operation": None if mirror.pending is None else str(mirror.pending),
        "state_time_ms": mirror.status_time_ms,
        "created_ms": mirror.created_ms,
        "mirror_topic_error": str(mirror.error),
        "mirror_topic_error_message": mirror.error_message,
        "transition_errors": len(mirror.transition_errors),
        "partitions_in_error": _in_error(request, mirror),
        "operations": offered(link, mirror),
        "lag": figures.lag,
        "last_fetch_ms": figures.last_fetch_ms,
        "bytes_per_second": ring.speed,
    }
    if with_course:
        row |= {"lag_course": ring.lags.tolist(), "bytes_per_second_course": ring.speeds.tolist()}
    return row


def _in_error(request: web.Request, mirror: Mirror) -> int:
    if mirror.status is MirrorStatus.STOPPED:
        return 0
    positions = plane(request).positions(mirror.link, mirror.mirror_topic)
    return sum(position.error is not MirrorError.NO_ERROR for position in positions)


def _is_named(mirror: Mirror, name: str | None, search: str) -> bool:
    if name is not None and mirror.mirror_topic != name:
        return False
    return search in mirror.mirror_topic.lower() or search in mirror.source_topic.lower()


def _status(text: str | None) -> MirrorStatus | None:
    try:
        return MirrorStatus.read(text) if text else None
    except ValueError as error:
        raise Malformed(f"Query parameter status: {error}.") from None


def _word(request: web.Request, name: str, words: tuple[str, ...]) -> str:
    """One of the words; the first where none is given."""
    given = request.query.get(name, words[0])
    if given not in words:
        raise Malformed(f"Query parameter {name} must be one of {', '.join(words)}, not '{shorten(given)}'.")
    return given


def _number(request: web.Request, name: str, default: int, least: int, most: int) -> int:
    given = request.query.get(name, str(default))
    if not (given.isascii() and given.isdecimal() and len(given) < 12 and least <= int(given) <= most):
        raise Malformed(f"Query parameter {name} must be a whole number from {least} to {most}.")
    return int(given)
