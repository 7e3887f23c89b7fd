"""The real HTTP application on a plane in memory, in a thread: for what needs many mirrors or strange names."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler

from pipeline.api.authentication import Authentication
from pipeline.api.mounting import mount
from pipeline.console.mounting import mount_console
from pipeline.local.ports import HOST, PortLease
from tests.unit.api.fake_plane import FakePlane


@dataclass
class Served:
    """Where it is served, and which paths were asked for."""

    url: str
    asked: list[str] = field(default_factory=list)

    @property
    def console(self) -> str:
        return f"{self.url}/console/"


@contextmanager
def served(plane: FakePlane, authentication: Authentication, tls: ssl.SSLContext | None = None) -> Iterator[Served]:
    """Serve a plane until the end of the block, over HTTPS where there is something to do it with."""
    lease = PortLease()
    here = Served(f"{'https' if tls else 'http'}://{HOST}:{lease.port}")

    @web.middleware
    async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
        here.asked.append(request.path)
        return await handler(request)

    async def run() -> None:
        app = web.Application(middlewares=[note])
        mount(app, plane, authentication)
        mount_console(app, plane, authentication)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, HOST, lease.port, ssl_context=tls).start()
        started.set()
        await ended.wait()
        await runner.cleanup()

    loop = asyncio.new_event_loop()
    started, ended = threading.Event(), asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), name="console")
    thread.start()
    try:
        assert started.wait(120), "the console is not served"
        yield here
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(120)
        loop.close()
        lease.release()
