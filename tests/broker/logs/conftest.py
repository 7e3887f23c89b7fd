"""An engine between the shared clusters for each test: every kind of log, mirrored exactly or refused (I1, I2, I4)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.mirroring import Mirroring, mirroring


@pytest.fixture
async def link(source: LocalCluster, destination: LocalCluster) -> AsyncIterator[Mirroring]:
    """A link from `source` to `destination`, copied by an engine of the test's own."""
    async with mirroring(source, destination) as made:
        yield made
