"""A client for a broker of each version that we know the rules of."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.broker.wire.wire_client import WireClient, connected


@pytest_asyncio.fixture(params=["destination", "old_source"])
async def both(request: pytest.FixtureRequest) -> AsyncIterator[WireClient]:
    """A broker of the newest version, and then one of the last before 4.0."""
    async with connected(request.getfixturevalue(request.param)) as client:
        yield client


@pytest_asyncio.fixture
async def wire(both: WireClient, topic: str) -> WireClient:
    """The same; the topic `topic` exists there, with one partition and default configs."""
    await both.create(topic)
    return both
