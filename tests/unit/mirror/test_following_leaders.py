"""A source broker that is gone: leaders are looked for until there is another, not only once."""

from __future__ import annotations

import asyncio
from unittest.mock import AsyncMock, MagicMock

from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import Unreachable
from pipeline.mirror.fetching import FetchSettings
from pipeline.mirror.link_copying import LinkCopying, LinkTuning
from pipeline.mirror.memory import MemoryBudget
from pipeline.mirror.slices import SliceSink


async def test_every_failed_fetch_is_a_reason_to_look_again() -> None:
    """The first look comes before the cluster has noticed: it still names the broker that is gone."""
    source = MagicMock(DataClient)
    copying = LinkCopying(
        "link", source, MemoryBudget(1 << 20), AsyncMock(SliceSink), LinkTuning(FetchSettings(backoff_ms=1))
    )
    await copying.start()
    try:
        for looks in (1, 2, 3):
            copying._report(Unreachable("connection refused"))
            async with asyncio.timeout(60):
                while source.refresh.await_count < looks:
                    await asyncio.sleep(0.001)
    finally:
        await copying.stop()
