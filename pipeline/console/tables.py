"""The house's tables as JSON, and the latest of the audit log."""

from __future__ import annotations

from aiohttp import web

from pipeline.api.context import plane
from pipeline.console.offering import operations
from pipeline.console.properties import properties


async def get_properties(request: web.Request) -> web.Response:
    return web.json_response({"properties": properties()})


async def get_operations(request: web.Request) -> web.Response:
    return web.json_response({"operations": operations()})


async def get_audit(request: web.Request) -> web.Response:
    """Query: link; without it, over all links."""
    return web.json_response({"audit": list(plane(request).audit(request.query.get("link") or None))})


async def get_source_topics(request: web.Request) -> web.Response:
    """What can be mirrored: the source is asked now (query: link), and each topic is said to be a mirror already."""
    link = request.query.get("link", "")
    found = await plane(request).source_topics(link)
    taken = {m.source_topic for m in plane(request).mirrors(link) if m.status.is_read_only}
    topics = [
        {"topic_name": name, "num_partitions": count, "is_mirrored": name in taken} for name, count in found.items()
    ]
    return web.json_response({"topics": topics})
