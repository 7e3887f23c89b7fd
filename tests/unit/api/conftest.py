"""A server with the API on a plane in memory, and a client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from pipeline.api.authentication import Authentication
from pipeline.api.mounting import mount
from tests.unit.api.fake_plane import FakePlane
from tests.unit.api.serving import Client, Serve, serving


@pytest.fixture
def plane() -> FakePlane:
    return FakePlane()


@pytest.fixture
async def serve(plane: FakePlane) -> AsyncIterator[Serve]:
    def mount_all(app: web.Application, authentication: Authentication, **options: Any) -> None:
        mount(app, plane, authentication, **options)

    async with serving(mount_all) as start:
        yield start


@pytest.fixture
async def client(serve: Serve) -> Client:
    return await serve()
