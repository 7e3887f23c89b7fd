"""Put the API on an aiohttp application, under /kafka/v3 and its alias /v3 (CONF-9), beside whatever else it serves."""

from __future__ import annotations

import time
from collections.abc import Iterable
from importlib import resources

from aiohttp import web
from aiohttp.typedefs import Handler

from pipeline.api import context
from pipeline.api.authentication import Authentication, Role
from pipeline.api.failures import Challenged, Throttled, answer_failures
from pipeline.api.known_hosts import check_known_host
from pipeline.api.rate import RateLimit
from pipeline.api.routes import HINTS, ROUTES, Route
from pipeline.api.same_origin import SAFE_METHODS, check_same_origin
from pipeline.control.interface import ControlPlane
from pipeline.link import errors
from pipeline.metrics.meter import METER

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})
BASES = ("/kafka/v3", "/v3")


def mount(
    app: web.Application,
    plane: ControlPlane,
    authentication: Authentication,
    *,
    rate_limit: RateLimit | None = None,
    submit_timeout_s: float = 60.0,
) -> None:
    """Add the API to an application that is not running yet.

    `authentication` has no default: no authentication is a choice, `Authentication.off()` (REST-95). Other routes of
    the application are not touched by it.
    """
    for base in BASES:
        app.add_subapp(base, _api(base, plane, authentication, rate_limit or RateLimit(), submit_timeout_s))
    app.router.add_get("/openapi.yaml", _document)


def openapi() -> str:
    """The OpenAPI document of the API, as text."""
    return resources.files("pipeline.api").joinpath("openapi.yaml").read_text("utf-8")


def _api(
    base: str, plane: ControlPlane, authentication: Authentication, rate_limit: RateLimit, submit_timeout_s: float
) -> web.Application:
    api = application(base, plane, authentication, rate_limit, (*ROUTES, *HINTS))
    api[context.SUBMIT_TIMEOUT_S] = submit_timeout_s
    return api


def application(
    base: str, plane: ControlPlane, authentication: Authentication, rate_limit: RateLimit, routes: Iterable[Route]
) -> web.Application:
    """An application below `base` whose every path knows its caller and answers failures as spec 8.4 has it."""
    made = web.Application(middlewares=[_name_the_type, measure, answer_failures, authenticate])
    made[context.BASE] = base
    made[context.PLANE] = plane
    made[context.AUTHENTICATION] = authentication
    made[context.RATE_LIMIT] = rate_limit
    for route in routes:
        for path in (route.path, f"{route.path}/"):
            made.router.add_route(route.method, path, route.handler)
    return made


@web.middleware
async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
    """How long requests take, by the path as the document has it (MET-26)."""
    began = time.monotonic()
    response = await handler(request)
    found = request.match_info.route.resource
    base = request.config_dict[context.BASE]
    route = found.canonical.removeprefix(base).rstrip("/") if found is not None else "(none)"
    method = request.method if request.method in METHODS else "(other)"
    METER.observe("clusterlink_rest_request_seconds", time.monotonic() - began, method, route, str(response.status))
    return response


@web.middleware
async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Know the caller before anything else is said, unknown paths included: 401, 403, 429 (REST-73, 74, 81).

    Changes are taken from operators only, and from no page of another site. Where everybody may call, nothing is
    answered under a name that may be another site's.
    """
    authentication = request.config_dict[context.AUTHENTICATION]
    if not authentication.required:
        check_known_host(request, authentication.hosts)
    transport = request.transport
    certificate = transport.get_extra_info("peercert") if transport is not None else None
    principal = authentication.recognise(request.headers.get("Authorization"), certificate)
    if principal is None:
        raise Challenged(authentication.challenge())
    wait_s = request.config_dict[context.RATE_LIMIT].wait(principal.name)
    if wait_s:
        raise Throttled(wait_s)
    if request.method not in SAFE_METHODS and principal.role is not Role.OPERATOR:
        raise errors.NotAuthorized()
    check_same_origin(request)
    request[context.PRINCIPAL] = principal
    return await handler(request)


@web.middleware
async def _name_the_type(request: web.Request, handler: Handler) -> web.StreamResponse:
    """An answer is what its Content-Type says: no browser guesses a page from names that somebody chose."""
    response = await handler(request)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


async def _document(request: web.Request) -> web.Response:
    return web.Response(text=openapi(), content_type="application/yaml")
