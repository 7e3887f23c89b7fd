"""`/metrics` with the authentication of REST; `/healthz` and `/readyz` for everybody, since they say nothing secret."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from pipeline.api.authentication import Authentication
from pipeline.metrics.metric import Detail
from pipeline.observing.exposition import CONTENT_TYPE, render
from pipeline.observing.snapshot import Snapshot
from pipeline.observing.vitals import Vitals


def mount_observing(
    application: web.Application,
    vitals: Vitals,
    authentication: Authentication,
    snapshot: Callable[[], Snapshot],
    detail: Detail,
) -> None:
    """Add the three paths to an application that is not running yet."""

    async def metrics(request: web.Request) -> web.Response:
        transport = request.transport
        certificate = transport.get_extra_info("peercert") if transport is not None else None
        if authentication.recognise(request.headers.get("Authorization"), certificate) is None:
            headers = {"WWW-Authenticate": authentication.challenge()}
            return web.Response(status=401, text="Metrics need the credentials of a REST reader.\n", headers=headers)
        # in a thread: with thousands of mirrors the text takes long enough to be felt by what is copied
        text = await asyncio.to_thread(render, snapshot(), detail)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE})

    async def healthz(request: web.Request) -> web.Response:
        return _answer(vitals.living())

    async def readyz(request: web.Request) -> web.Response:
        return _answer(vitals.readiness())

    for path, handler in (("/metrics", metrics), ("/healthz", healthz), ("/readyz", readyz)):
        application.router.add_get(path, handler)


def _answer(checks: dict[str, str]) -> web.Response:
    """200 where nothing is wrong, else 503; each check is "ok" or a sentence."""
    is_fine = not any(checks.values())
    body = {"status": "ok" if is_fine else "failing", "checks": {name: said or "ok" for name, said in checks.items()}}
    return web.json_response(body, status=200 if is_fine else 503, headers={"Cache-Control": "no-store"})
