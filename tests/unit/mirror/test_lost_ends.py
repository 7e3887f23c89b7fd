"""A destination broker that comes back without the end of its log, and what comes next is a marker."""

from __future__ import annotations

import asyncio

import pytest

from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import ClusterError
from pipeline.cluster.security import ClientSecurity
from pipeline.mirror.append import Doubt
from pipeline.mirror.appending import Appender
from pipeline.mirror.destination import Destination
from pipeline.mirror.pieces import Piece, PieceStatus
from tests.support.appenders import SharedRegistrar, put
from tests.unit.mirror.scripted import ScriptedLeader


async def test_a_marker_does_not_take_the_place_of_what_was_lost() -> None:
    """A marker carries nothing that would not fit a shorter log, unlike a batch with its sequence number (I1)."""
    async with ScriptedLeader() as leader:
        client = DataClient(ClientSecurity((leader.address,), retry_backoff_ms=1, reconnect_backoff_ms=1))
        await client.start()
        destination = Destination(client, 1 << 20, _may_mark, "tests")
        piece = Piece("link", "m", "m", 0, "", "", 0)
        writer = Appender(piece, destination, SharedRegistrar(), PieceStatus(piece, "worker"))
        await writer.resume()
        await put(writer, 0)
        await writer.markers(1, 2)
        state = leader.state
        await put(writer, 3)
        await writer.settled()
        leader.log_end, leader.state = 3, state
        leader.hang_up()
        await _are_noticed(leader, writer)
        with pytest.raises((Doubt, ClusterError)):
            await writer.markers(4, 5)
        assert leader.log_end == 3, "no marker stands where the record was"
        assert await writer.resume() == 3
        await put(writer, 3)
        await writer.markers(4, 5)
        assert leader.log_end == 6
        await destination.close()
        await client.close()


async def _may_mark() -> bool:
    return True


async def _are_noticed(leader: ScriptedLeader, writer: Appender) -> None:
    """The ends of the connections: another one answers."""
    before = leader.connections
    async with asyncio.timeout(20):
        while leader.connections == before:
            try:
                await writer.log_start()
            except ClusterError:
                await asyncio.sleep(0.001)
