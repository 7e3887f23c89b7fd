"""Put the console on an aiohttp application: its page under /console/, its answers under /clusterlink/v1."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from pipeline.api import context as api_context
from pipeline.api.authentication import Authentication
from pipeline.api.mounting import application
from pipeline.api.rate import RateLimit
from pipeline.console import pages
from pipeline.console.context import COURSE
from pipeline.console.course import Course
from pipeline.console.routes import BASE, ROUTES
from pipeline.control.interface import ControlPlane


def mount_console(
    app: web.Application,
    plane: ControlPlane,
    authentication: Authentication,
    *,
    rate_limit: RateLimit | None = None,
    course: Course | None = None,
) -> None:
    """Add the console to an application that is not running yet. Who may call is the same as for REST (REST-95)."""
    kept = course or Course(plane)

    async def sampling(_: web.Application) -> AsyncIterator[None]:
        async with kept.kept():
            yield

    answers = application(BASE, plane, authentication, rate_limit or RateLimit(), ROUTES)
    answers[COURSE] = kept
    answers.cleanup_ctx.append(sampling)
    app.add_subapp(BASE, answers)
    shown = pages.application()
    shown[api_context.PLANE] = plane
    shown[api_context.AUTHENTICATION] = authentication
    app.router.add_get(pages.BASE, pages.to_the_console)
    app.add_subapp(pages.BASE, shown)
