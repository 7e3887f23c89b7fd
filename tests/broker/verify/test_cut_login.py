"""A connection that breaks off during the login is no refused login: a verification goes on by the next one."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from pipeline.local.cluster import LocalCluster
from pipeline.local.options import ClusterOptions, Protocol
from pipeline.local.ports import HOST
from pipeline.verify.errors import Unreachable
from pipeline.verify.sides import RdSide
from tests.support.clients import create_topic
from tests.support.producing import numbered, produce
from tests.support.relays import Relay, reset

SASL_HANDSHAKE = 17
_HEAD = struct.Struct(">ih")
_CHUNK = 1 << 16


class CutsLogins(Relay):
    """A way to a broker, under a port of its own, that loses the first connections in the middle of their login."""

    def __init__(self, port: int, cuts: int) -> None:
        self.left = cuts
        super().__init__(port, lambda _: socket.create_server((HOST, 0)), lambda make: make())

    @property
    def address(self) -> str:
        return f"{HOST}:{self._server.getsockname()[1]}"

    def takes(self) -> bool:
        return True

    def joined(self, near: socket.socket, far: socket.socket) -> None:
        for one, other, cuts in ((near, far, True), (far, near, False)):
            threading.Thread(target=self._pass_on, args=(one, other, cuts), daemon=True).start()

    def reset(self) -> None:
        """Every connection ends with the client's."""

    def _pass_on(self, one: socket.socket, other: socket.socket, cuts: bool) -> None:
        with contextlib.suppress(OSError):
            # a client waits for the answer to each step of a login: one request a time
            while data := one.recv(_CHUNK):
                if cuts and self.left and _HEAD.unpack_from(data)[1] == SASL_HANDSHAKE:
                    self.left -= 1
                    break
                other.sendall(data)
        reset(one)
        reset(other)


@pytest.fixture(scope="module")
def guarded() -> Iterator[LocalCluster]:
    options = ClusterOptions(
        protocols=(Protocol.SASL_PLAINTEXT,), users={"admin": "admin-secret"}, super_users=("admin",)
    )
    with LocalCluster(options) as cluster:
        create_topic(cluster, "orders")
        produce(cluster, "orders", numbered(100))
        yield cluster


@contextlib.contextmanager
def by_way_of(cluster: LocalCluster, cuts: int) -> Iterator[tuple[RdSide, CutsLogins]]:
    relay = CutsLogins(int(cluster.bootstrap(Protocol.SASL_PLAINTEXT).rpartition(":")[2]), cuts)
    properties = cluster.client_properties("admin") | {"bootstrap.servers": relay.address}
    with closing(relay), closing(RdSide("source", properties, "orders")) as side:
        yield side, relay


def test_a_login_that_breaks_off_is_tried_again(guarded: LocalCluster) -> None:
    with by_way_of(guarded, cuts=2) as (side, relay):
        assert side.partitions() == 1
        assert relay.left == 0
    with by_way_of(guarded, cuts=2) as (side, relay):
        with closing(side.reader(committed=True, stop=lambda: False)) as reader:
            reader.open(0, 0, 100)
            chunk = reader.chunk()
        assert chunk is not None
        assert chunk.offsets[0] == 0
        assert relay.left == 0


def test_a_reader_closes_while_its_login_breaks_off(guarded: LocalCluster) -> None:
    with by_way_of(guarded, cuts=1_000) as (side, relay):
        reader = side.reader(committed=True, stop=lambda: False)
        reader.open(0, 0, 100)
        reader.close()
        with pytest.raises(Unreachable, match="handshake failed"):
            side.partitions()
        assert relay.left < 1_000
