"""A TLS handshake that is cut at any point, or answered by silence, is trouble of the network, not of certificates: the
link goes on trying, and gets through as soon as the way is free.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pipeline.cluster.connections import Address, Connections
from pipeline.cluster.errors import ClusterError, NotAuthenticated, TimedOut, Unreachable
from pipeline.cluster.metadata import metadata_request
from pipeline.cluster.security import client_arguments
from tests.unit.cluster.fake_broker import FakeBroker
from tests.unit.cluster.test_tls import AUTHORITY, server_context

HOST = "127.0.0.1"
CUT_AFTER = (0, 1, 5, 80, 500, 1_000)
"""Bytes of the server's part of the handshake, which has some 1,200."""


class Way:
    """A TCP proxy that lets through so many bytes of each answer; then it hangs up, resets, or says no more."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.lets_through: int | None = None
        self.then = "hangs up"

    async def serve(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        far_in, far_out = await asyncio.open_connection(HOST, self._port)
        there = asyncio.create_task(_pass(near_in, far_out))
        left = self.lets_through
        try:
            while data := await far_in.read(1 << 16):
                near_out.write(data if left is None else data[:left])
                await near_out.drain()
                if left is not None and (left := left - len(data)) <= 0:
                    if self.then == "is silent":
                        await near_in.read()
                    elif self.then == "resets":
                        near_out.transport.abort()
                    return
        except ConnectionError:
            pass
        finally:
            there.cancel()
            for end in (near_out, far_out):
                end.close()


async def _pass(one: asyncio.StreamReader, other: asyncio.StreamWriter) -> None:
    while data := await one.read(1 << 16):
        other.write(data)


@asynccontextmanager
async def way_to_a_broker(folder: Path) -> AsyncIterator[tuple[Way, Address]]:
    """A broker that speaks TLS, behind a proxy."""
    async with FakeBroker() as broker:
        inside = Way(broker.port)
        tls = await asyncio.start_server(inside.serve, HOST, 0, ssl=server_context(folder))
        way = Way(tls.sockets[0].getsockname()[1])
        proxy = await asyncio.start_server(way.serve, HOST, 0)
        async with tls, proxy:
            yield way, Address("localhost", proxy.sockets[0].getsockname()[1])


def connections(**more: str) -> Connections:
    trusted = {"ssl.truststore.type": "PEM", "ssl.truststore.certificates": AUTHORITY.certificate}
    given = {"bootstrap.servers": "localhost:1", "security.protocol": "SSL", **trusted, **more}
    quick = {"reconnect.backoff.ms": "1", "reconnect.backoff.max.ms": "1"}
    return Connections(client_arguments(given | quick), "test")


@pytest.mark.parametrize("then", ["hangs up", "resets"])
async def test_a_handshake_that_is_cut(tmp_path: Path, then: str) -> None:
    async with way_to_a_broker(tmp_path) as (way, address):
        to_broker = connections()
        way.then = then
        for way.lets_through in CUT_AFTER:
            with pytest.raises(Unreachable) as raised:
                await to_broker.send(address, metadata_request([]))
            assert raised.value.retriable and not isinstance(raised.value, NotAuthenticated)
        way.lets_through = None
        await to_broker.send(address, metadata_request([]))
        await to_broker.close()


async def test_silence_in_a_handshake(tmp_path: Path) -> None:
    async with way_to_a_broker(tmp_path) as (way, address):
        to_broker = connections(**{"socket.connection.setup.timeout.ms": "50"})
        way.lets_through, way.then = 80, "is silent"
        with pytest.raises(ClusterError) as raised:
            await to_broker.send(address, metadata_request([]))
        assert isinstance(raised.value, TimedOut | Unreachable) and raised.value.retriable
        await to_broker.close()
