"""A real server in this process, for an app that a test mounts, and clients for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from pipeline.api.authentication import Authentication

Client = TestClient[web.Request, web.Application]
Serve = Callable[..., Awaitable[Client]]


@asynccontextmanager
async def serving(mount_all: Callable[..., None]) -> AsyncIterator[Serve]:
    """Gives what starts a server; `mount_all(app, authentication, **options)` makes its app. All end with the block."""
    clients: list[Client] = []

    async def start(authentication: Authentication | None = None, **options: Any) -> Client:
        app = web.Application()
        mount_all(app, authentication or Authentication.off(), **options)
        client = TestClient(TestServer(app))
        await client.start_server()
        clients.append(client)
        return client

    yield start
    for client in clients:
        await client.close()
