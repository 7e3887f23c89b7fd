"""Links: list, create, describe, delete (REST-1..4)."""

from __future__ import annotations

from collections import defaultdict

from aiohttp import web

from pipeline.api.bodies import flag, json_object
from pipeline.api.context import address, done, known_link, own_cluster, plane, submit
from pipeline.api.envelopes import listing
from pipeline.api.link_rows import link_row
from pipeline.link import errors
from pipeline.link.models import Mirror


async def list_links(request: web.Request) -> web.Response:
    cluster_id, at = own_cluster(request), address(request)
    mirrors: dict[str, list[Mirror]] = defaultdict(list)
    for mirror in plane(request).mirrors():
        mirrors[mirror.link].append(mirror)
    links = sorted(plane(request).links().values(), key=lambda link: link.name)
    rows = [link_row(link, mirrors[link.name], None, cluster_id, at) for link in links]
    return web.json_response(listing("KafkaLinkDataList", at, ("clusters", cluster_id, "links"), rows))


async def create_link(request: web.Request) -> web.Response:
    """REST-2: the name is a query parameter, the rest the body; validated against the remote cluster unless told not
    to.
    """
    own_cluster(request)
    name = request.query.get("link_name")
    if not name:
        raise errors.Malformed("Query parameter link_name is required.")
    validate_only, validate_link = flag(request, "validate_only"), flag(request, "validate_link", default=True)
    arguments = await json_object(request)
    if "validate_link" in request.query:
        arguments["validate_link"] = validate_link
    return done(await submit(request, "link.create", name, arguments, validate_only), 204)


async def get_link(request: web.Request) -> web.Response:
    """REST-3; `include_task_runs` is ours (TASK-54)."""
    with_runs = flag(request, "include_task_runs")
    with_tasks = flag(request, "include_tasks") or with_runs
    link, state = known_link(request), plane(request)
    tasks = state.tasks(link.name) if with_tasks else None
    mirrors, at = state.mirrors(link.name), address(request)
    return web.json_response(link_row(link, mirrors, tasks, state.cluster_id, at, with_runs=with_runs))


async def delete_link(request: web.Request) -> web.Response:
    """REST-4: force fails the remaining mirrors over first (LINK-103)."""
    force, validate_only = flag(request, "force"), flag(request, "validate_only")
    link = known_link(request)
    return done(await submit(request, "link.delete", link.name, {"force": force}, validate_only), 200)
