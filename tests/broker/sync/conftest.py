"""Admin clients of both clusters, and a mirror's row as the sync tasks see it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from pipeline.cluster.admin import Admin
from pipeline.cluster.security import client_arguments
from pipeline.local.cluster import LocalCluster


@pytest.fixture
async def remote(source: LocalCluster) -> AsyncIterator[Admin]:
    async with Admin(client_arguments(source.client_properties())) as made:
        yield made


@pytest.fixture
async def own(destination: LocalCluster) -> AsyncIterator[Admin]:
    async with Admin(client_arguments(destination.client_properties())) as made:
        yield made
