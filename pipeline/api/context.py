"""What a handler gets to work with: the control plane, the caller, and the objects its path names."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from pipeline.api.authentication import Authentication, Principal
from pipeline.api.envelopes import Address
from pipeline.api.rate import RateLimit
from pipeline.control.interface import ControlPlane
from pipeline.link import commands, errors
from pipeline.link.models import Link, Mirror, Result

PLANE = web.AppKey("PLANE", object)
AUTHENTICATION = web.AppKey("AUTHENTICATION", Authentication)
RATE_LIMIT = web.AppKey("RATE_LIMIT", RateLimit)
SUBMIT_TIMEOUT_S = web.AppKey("SUBMIT_TIMEOUT_S", float)
BASE = web.AppKey("BASE", str)
PRINCIPAL = web.RequestKey("PRINCIPAL", Principal)


def plane(request: web.Request) -> ControlPlane:
    return request.config_dict[PLANE]  # type: ignore[return-value]


def address(request: web.Request) -> Address:
    return Address(request, request.config_dict[BASE])


def own_cluster(request: web.Request) -> str:
    """The cluster id of the path, which must be the one this endpoint serves; else 404 (spec 8)."""
    asked = request.match_info["cluster_id"]
    if asked != plane(request).cluster_id:
        raise errors.ClusterNotFound(asked)
    return asked


def known_link(request: web.Request) -> Link:
    """The link of the path, or 404 (REST-76)."""
    own_cluster(request)
    name = request.match_info["link_name"]
    link = plane(request).link(name)
    if link is None:
        raise errors.LinkNotFound(name)
    return link


def known_mirror(request: web.Request) -> Mirror:
    """The mirror of the path, or 404/40403 (REST-77)."""
    link = known_link(request)
    topic = request.match_info["mirror_topic_name"]
    mirror = plane(request).mirror(link.name, topic)
    if mirror is None:
        raise errors.TopicNotFound(f"Link '{link.name}' has no mirror topic '{topic}'.")
    return mirror


async def submit(
    request: web.Request, kind: str, link: str, arguments: Mapping[str, Any], validate_only: bool = False
) -> Result:
    """Hand a command of the caller to the workers; a refusal comes back as the LinkError it was.

    Its shape is checked here already, by the table that checks records of the commands topic too (CLI-65).
    """
    command = commands.build(
        kind,
        link,
        {name: value for name, value in arguments.items() if value is not None},
        str(uuid.uuid4()),
        validate_only=validate_only,
        principal=request[PRINCIPAL].name,
        time_ms=int(time.time() * 1000),
    )
    result = await plane(request).submit(command, request.config_dict[SUBMIT_TIMEOUT_S])
    if result.error_code is not None:
        raise errors.from_result(result.status, result.error_code, result.message or "")
    return result


def done(result: Result, status: int) -> web.Response:
    """An answer without content; what a worker warned of (FILT-47, FILT-48) goes into Warning headers."""
    response = web.Response(status=status)
    warnings = result.data.get("warnings", ()) if isinstance(result.data, Mapping) else ()
    for warning in warnings:
        text = str(warning).encode("ascii", "backslashreplace").decode().replace("\\", "\\\\").replace('"', '\\"')
        response.headers.add("Warning", f'299 clusterlink "{" ".join(text.split())}"')
    return response
