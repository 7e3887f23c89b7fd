"""Mirrors: list, create, describe (REST-10..13), and delete, which the vendor's API leaves to the topic API
(MIRROR-69).
"""

from __future__ import annotations

from aiohttp import web

from pipeline.api.bodies import flag, json_object
from pipeline.api.context import address, done, known_link, known_mirror, own_cluster, plane, submit
from pipeline.api.envelopes import listing
from pipeline.api.mirror_rows import http_status, mirror_row, topic_results
from pipeline.link import errors
from pipeline.link.states import MirrorStatus


async def list_mirrors(request: web.Request) -> web.Response:
    return _list(request, known_link(request).name)


async def list_all_mirrors(request: web.Request) -> web.Response:
    """REST-12: over all links; `-` in the place of a link's name."""
    own_cluster(request)
    return _list(request, None)


async def create_mirror(request: web.Request) -> web.Response:
    link = known_link(request)
    validate_only = flag(request, "validate_only")
    result = await submit(request, "mirror.create", link.name, await json_object(request), validate_only)
    return done(result, 204)


async def get_mirror(request: web.Request) -> web.Response:
    """REST-13; `include_partition_states` is ours (MIRROR-100)."""
    with_errors = flag(request, "include_state_transition_errors")
    with_partitions = flag(request, "include_partition_states")
    mirror, state = known_mirror(request), plane(request)
    positions = state.positions(mirror.link, mirror.mirror_topic)
    row = mirror_row(
        mirror,
        positions,
        state.cluster_id,
        address(request),
        with_errors=with_errors,
        with_partitions=with_partitions,
    )
    return web.json_response(row)


async def delete_mirror(request: web.Request) -> web.Response:
    """Ours: delete the mirror topic with its data and forget it (MIRROR-69)."""
    validate_only = flag(request, "validate_only")
    mirror = known_mirror(request)
    arguments = {"mirror_topic_names": [mirror.mirror_topic]}
    result = await submit(request, "mirror.delete", mirror.link, arguments, validate_only)
    for row in topic_results(result.data):
        if row.get("error_code"):
            raise errors.from_result(http_status(row["error_code"]), row["error_code"], row.get("error_message") or "")
    return done(result, 204)


def _list(request: web.Request, link: str | None) -> web.Response:
    wanted, state, at = _wanted_status(request), plane(request), address(request)
    mirrors = [mirror for mirror in state.mirrors(link) if wanted in (None, mirror.status)]
    mirrors.sort(key=lambda mirror: (mirror.link, mirror.mirror_topic))
    rows = [mirror_row(m, state.positions(m.link, m.mirror_topic), state.cluster_id, at) for m in mirrors]
    path = ("clusters", state.cluster_id, "links", link or "-", "mirrors")
    return web.json_response(listing("KafkaMirrorDataList", at, path, rows))


def _wanted_status(request: web.Request) -> MirrorStatus | None:
    text = request.query.get("mirror_status")
    if not text:
        return None
    try:
        return MirrorStatus.read(text)
    except ValueError as error:
        raise errors.Malformed(f"Query parameter mirror_status: {error}.") from None
