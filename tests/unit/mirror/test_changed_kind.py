"""A mirror whose source is compacted from now on: gaps were markers, and are records (see `gaps`)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from pipeline.cluster.data import DataClient
from pipeline.cluster.security import ClientSecurity
from pipeline.mirror.appending import Appender
from pipeline.mirror.destination import Destination
from pipeline.mirror.pieces import Piece, PieceStatus
from pipeline.mirror.verdicts import Api
from tests.support.appenders import SharedRegistrar, put
from tests.unit.mirror.scripted import ScriptedLeader


async def test_what_was_sent_before_is_answered_before_the_end_is_read() -> None:
    """Else the marker lands behind the record that was meant for the same offset, in the place of the next (I1)."""
    may_answer = asyncio.Event()

    class SlowClient(DataClient):
        async def send(self, node_id: int, request: object, timeout_ms: int | None = None) -> object:
            if type(request).__name__ == "WriteTxnMarkersRequest":
                await may_answer.wait()  # on its way to the broker
            return await super().send(node_id, request, timeout_ms)

        def fork(self, client_id: str | None = None) -> DataClient:
            child = super().fork(client_id)
            child.__class__ = SlowClient
            return child

    async def may_mark() -> bool:
        return True

    async with ScriptedLeader() as leader:
        client = SlowClient(ClientSecurity((leader.address,), retry_backoff_ms=1, reconnect_backoff_ms=1))
        await client.start()
        destination, registrar = Destination(client, 1 << 20, may_mark, "tests"), SharedRegistrar()
        piece = Piece("link", "m", "m", 0, "", "", 9)
        before = Appender(piece, destination, registrar, PieceStatus(piece, "worker"))
        await before.resume()
        marking = asyncio.create_task(before.markers(0, 0))
        while not destination._outstanding._count:
            await asyncio.sleep(0.001)
        marking.cancel()  # its row has changed
        await asyncio.gather(marking, return_exceptions=True)
        now = replace(piece, is_compacted=True)
        after = Appender(now, destination, registrar, PieceStatus(now, "worker"))
        resuming = asyncio.create_task(after.resume())
        asked = leader.requests.count(Api.DESCRIBE_PRODUCERS.value)
        await asyncio.sleep(0.05)
        assert leader.requests.count(Api.DESCRIBE_PRODUCERS.value) == asked and not resuming.done()
        may_answer.set()
        assert await asyncio.wait_for(resuming, 60) == 1, "behind the marker"
        await put(after, 1)
        await after.settled()
        await destination.close()
        await client.close()
