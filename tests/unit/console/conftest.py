"""A server with REST and the console on a plane in memory, and a client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from pipeline.api.authentication import Authentication
from pipeline.api.mounting import mount
from pipeline.console.mounting import mount_console
from tests.unit.api.fake_plane import FakePlane

Client = TestClient[web.Request, web.Application]
Serve = Callable[..., Awaitable[Client]]


@pytest.fixture
def plane() -> FakePlane:
    return FakePlane()


@pytest.fixture
async def serve(plane: FakePlane) -> AsyncIterator[Serve]:
    clients: list[Client] = []

    async def start(authentication: Authentication | None = None, **options: Any) -> Client:
        app = web.Application()
        known = authentication or Authentication.off()
        mount(app, plane, known)
        mount_console(app, plane, known, **options)
        client = TestClient(TestServer(app))
        await client.start_server()
        clients.append(client)
        return client

    yield start
    for client in clients:
        await client.close()


@pytest.fixture
async def client(serve: Serve) -> Client:
    return await serve()
