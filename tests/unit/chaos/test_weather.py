"""What a weather cable does to connections, on sockets of this process."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from pipeline.local.ports import HOST
from tests.chaos.weather import Weather, WeatherCable
from tests.support.workers import wait_until

ANSWER_WITHIN_S, SILENT_FOR_S = 60.0, 0.3


@dataclass
class Echo:
    """A server that answers what it hears, and remembers it."""

    server: socket.socket
    heard: list[bytes]

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(100):
                    self.heard.append(data)
                    connection.sendall(data)
            except OSError:
                return


@pytest.fixture
def echo() -> Iterator[Echo]:
    with socket.create_server((HOST, 0)) as server:
        made = Echo(server, [])
        threading.Thread(target=made.serve, daemon=True).start()
        yield made
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def cable(echo: Echo) -> Iterator[WeatherCable]:
    """It listens anywhere; what it dials is the echo."""

    def listens(_: Callable[[], socket.socket]) -> socket.socket:
        return socket.create_server((HOST, 0))

    def dials(_: Callable[[], socket.socket]) -> socket.socket:
        return socket.create_connection((HOST, echo.server.getsockname()[1]))

    made = WeatherCable(0, listens, dials)
    yield made
    made.close()


@pytest.fixture
def client(cable: WeatherCable) -> Iterator[socket.socket]:
    with connected(cable) as made:
        assert asked(made, b"hello") == b"hello"
        yield made


def connected(cable: WeatherCable) -> socket.socket:
    return socket.create_connection((HOST, cable._server.getsockname()[1]))


def asked(client: socket.socket, question: bytes, within_s: float = ANSWER_WITHIN_S) -> bytes | None:
    """The answer; empty for an end, None for silence."""
    client.settimeout(within_s)
    try:
        client.sendall(question)
        return client.recv(100)
    except TimeoutError:
        return None
    except OSError:
        return b""


def test_a_cut_ends_what_is_connected_and_lets_nobody_in(cable: WeatherCable, client: socket.socket) -> None:
    cable.turns(Weather(is_cut=True))
    assert asked(client, b"x") == b""
    with connected(cable) as late:
        assert asked(late, b"x") == b""
    cable.clears()
    with connected(cable) as next_one:
        assert asked(next_one, b"x") == b"x"


def test_an_answer_that_is_lost_was_heard_all_the_same(cable: WeatherCable, client: socket.socket, echo: Echo) -> None:
    cable.turns(Weather(loses_answers=True))
    assert asked(client, b"append", SILENT_FOR_S) is None
    wait_until(lambda: b"append" in echo.heard, "it is heard")
    cable.clears()
    assert asked(client, b"more") == b""  # what was lost is lost: the connection is reset


def test_a_black_hole_is_heard_by_nobody(cable: WeatherCable, client: socket.socket, echo: Echo) -> None:
    cable.turns(Weather(loses_requests=True, loses_answers=True))
    assert asked(client, b"append", SILENT_FOR_S) is None
    assert echo.heard == [b"hello"]


def test_a_half_open_connection_is_silent_and_others_are_not(cable: WeatherCable, client: socket.socket) -> None:
    cable.strands()
    assert asked(client, b"x", SILENT_FOR_S) is None
    with connected(cable) as other:
        assert asked(other, b"x") == b"x"


def test_latency(cable: WeatherCable, client: socket.socket) -> None:
    cable.turns(Weather(latency_s=0.1))
    began = time.monotonic()
    assert asked(client, b"x") == b"x"
    assert time.monotonic() - began >= 0.2


def test_resets(cable: WeatherCable, client: socket.socket) -> None:
    cable.turns(Weather(reset_share=1.0))
    assert asked(client, b"x") == b""


def test_a_share_of_the_connections_is_reset(cable: WeatherCable) -> None:
    """Drawn once for a new one; one that is spared goes on until it is drawn again."""
    cable.turns(Weather(reset_connections=0.5))
    spared = 0
    for _ in range(40):
        with connected(cable) as client:
            spared += asked(client, b"x") == b"x"
    assert 0 < spared < 40
    cable.turns(Weather(reset_connections=1.0))
    with connected(cable) as client:
        assert asked(client, b"x") == b""
