"""A copier at work between two brokers made of scripts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pipeline.cluster.data import DataClient
from pipeline.cluster.security import ClientSecurity
from pipeline.link.states import MirrorError
from pipeline.mirror.appending import Appender
from pipeline.mirror.copying import Copier
from pipeline.mirror.destination import Destination
from pipeline.mirror.fetching import FetchSettings
from pipeline.mirror.link_copying import LinkCopying, LinkTuning
from pipeline.mirror.memory import MemoryBudget
from pipeline.mirror.pieces import Piece, PieceStatus
from pipeline.mirror.plan import Policy
from pipeline.mirror.slices import SliceSink
from pipeline.wire.batch import Stamp, place
from pipeline.wire.records import Record, close_batch
from tests.support.appenders import SharedRegistrar
from tests.support.mirroring import DirectSink
from tests.unit.mirror.scripted import ScriptedLeader, ScriptedSource

TUNING = LinkTuning(FetchSettings(max_wait_ms=1, backoff_ms=1), retry_timeout_s=5.0)
LOG = [
    bytes(place(bytearray(close_batch([Record(n, 1, b"key", b"%d" % n, ())], 0, Stamp(-1, -1, -1))), n, 0))
    for n in range(4)
]


@asynccontextmanager
async def copied(
    source: ScriptedSource,
    budget: MemoryBudget | None = None,
    sink: SliceSink | None = None,
    is_compacted: bool = False,
    scripted: ScriptedLeader | None = None,
) -> AsyncIterator[tuple[ScriptedLeader, PieceStatus]]:
    """A copier of the only partition, at work."""
    async with scripted or ScriptedLeader() as leader:
        client, remote = (
            DataClient(ClientSecurity((each.address,), retry_backoff_ms=1, reconnect_backoff_ms=1))
            for each in (leader, source)
        )
        await client.start()
        await remote.start()
        destination = Destination(client, 1 << 20, _may_mark, "tests")
        link = LinkCopying("link", remote, budget or MemoryBudget(1 << 20), sink or DirectSink(), TUNING)
        await link.start()
        piece = Piece("link", "m", "m", 0, "", "", 0, is_compacted=is_compacted)
        status = PieceStatus(piece, "worker")
        copier = Copier(
            piece,
            Appender(piece, destination, SharedRegistrar(), status),
            link,
            status,
            policy=lambda: Policy(fills_with_records=is_compacted),
            may_hold=lambda: 1 << 20,
            retry_timeout_s=lambda: TUNING.retry_timeout_s,
        )
        link.add(copier)
        task = asyncio.create_task(copier.run())
        try:
            yield leader, status
        finally:
            link.remove(copier)  # as the engine ends one
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await link.stop()
            await destination.close()
            await client.close()


async def _may_mark() -> bool:
    return True


async def end_of(leader: ScriptedLeader, status: PieceStatus) -> MirrorError:
    """How it ends: all of the log is mirrored, or the copier has failed."""
    async with asyncio.timeout(60):
        while leader.log_end < len(LOG) and not status.error_message:
            await asyncio.sleep(0.001)
    return status.error
