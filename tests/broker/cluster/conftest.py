"""Clients of ours for the shared clusters."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from pipeline.cluster.admin import Admin
from pipeline.cluster.data import DataClient
from pipeline.cluster.security import client_arguments
from pipeline.local.cluster import LocalCluster


@pytest.fixture
async def admin(source: LocalCluster) -> AsyncIterator[Admin]:
    """May do everything on `source`, where there is no authorizer."""
    async with Admin(client_arguments(source.client_properties())) as made:
        yield made


@pytest.fixture
async def client(source: LocalCluster) -> AsyncIterator[DataClient]:
    made = DataClient(client_arguments(source.client_properties()))
    await made.start()
    yield made
    await made.close()


@pytest.fixture
async def super_user(secure_source: LocalCluster) -> AsyncIterator[Admin]:
    """May do everything on `secure_source`."""
    async with Admin(client_arguments(secure_source.client_properties("admin"))) as made:
        yield made


@pytest.fixture
async def link_user(secure_source: LocalCluster) -> AsyncIterator[Admin]:
    """The user `link` of `secure_source`: may do what ACLs allow it."""
    async with Admin(client_arguments(secure_source.client_properties("link"))) as made:
        yield made
