"""What a network does to the connections of a worker: a cable (see tests/support/networks.py) with weather.

The worker lives in a network of its own, in which every broker has the address that it has outside. So the way from
the worker to a broker leads through here, and the load and the checker, which live outside, are not touched.
"""

from __future__ import annotations

import contextlib
import math
import random
import socket
import threading
import time
from dataclasses import dataclass

from tests.support.relays import Make, Relay, reset

_CHUNK = 1 << 16
_DRAWN_EVERY_S = 0.1


@dataclass(frozen=True)
class Weather:
    """Fair, unless told otherwise."""

    is_cut: bool = False
    """Connections are reset, new ones refused."""
    loses_requests: bool = False
    """What the worker sends is heard by nobody; connections stay."""
    loses_answers: bool = False
    """Brokers hear, and append, and what they answer is lost."""
    latency_s: float = 0.0
    bytes_per_s: float = 0.0
    """Of each connection; 0 for no bound."""
    reset_share: float = 0.0
    """Of the pieces of up to 64 KiB that pass, how many reset their connection."""
    reset_connections: float = 0.0
    """Of the connections, how many are reset: of new ones at once, of all in each tenth of a second that they serve."""


FAIR = Weather()


class WeatherCable(Relay):
    """One broker's port inside a worker's network."""

    def __init__(self, port: int, listens: Make, dials: Make) -> None:
        self._weather = FAIR
        self._dice = random.Random(port)
        self._lock = threading.Lock()
        self._open: set[_Connection] = set()
        super().__init__(port, listens, dials)

    def turns(self, weather: Weather) -> None:
        """From now on; connections that a cut ends are reset at once."""
        self._weather = weather
        if weather.is_cut:
            self.reset()

    def clears(self) -> None:
        """Fair again. Connections that have lost something are reset: nobody could make sense of the rest."""
        self._weather = FAIR
        with self._lock:
            broken = [each for each in self._open if each.lost]
        for each in broken:
            each.reset()

    def strands(self) -> None:
        """Half-open: whatever is connected now hears nothing any more, and is not told. New connections are fine."""
        with self._lock:
            for each in self._open:
                each.is_stranded = True

    def reset(self) -> None:
        with self._lock:
            connections = list(self._open)
        for each in connections:
            each.reset()

    def takes(self) -> bool:
        return not self._weather.is_cut

    def joined(self, near: socket.socket, far: socket.socket) -> None:
        connection = _Connection(near, far)
        with self._lock:
            self._open.add(connection)
        for one, other, is_answer in ((near, far, False), (far, near, True)):
            threading.Thread(target=self._pass_on, args=(connection, one, other, is_answer), daemon=True).start()

    def _pass_on(self, connection: _Connection, one: socket.socket, other: socket.socket, is_answer: bool) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(_CHUNK):
                weather = self._weather
                if connection.is_stranded or (weather.loses_answers if is_answer else weather.loses_requests):
                    connection.lost.add(is_answer)
                if is_answer in connection.lost:
                    continue  # a stream that has lost something once carries nothing more
                if weather.reset_share and self._dice.random() < weather.reset_share:
                    break
                if weather.reset_connections and connection.is_hit(weather.reset_connections, self._dice):
                    break
                if weather.bytes_per_s:
                    time.sleep(len(data) / weather.bytes_per_s)
                if weather.latency_s:
                    time.sleep(weather.latency_s)
                other.sendall(data)
        connection.reset()
        with self._lock:
            self._open.discard(connection)


class _Connection:
    """The two ends of one connection."""

    def __init__(self, near: socket.socket, far: socket.socket) -> None:
        self._near, self._far = near, far
        self.is_stranded = False
        self.lost: set[bool] = set()
        """Directions that have lost something: True for answers."""
        self._drawn_at = -math.inf

    def is_hit(self, share: float, dice: random.Random) -> bool:
        """Whether this one is to be reset, drawn with its first piece and then once in each tenth of a second."""
        now = time.monotonic()
        if now < self._drawn_at + _DRAWN_EVERY_S:
            return False
        self._drawn_at = now
        return dice.random() < share

    def reset(self) -> None:
        reset(self._near)
        reset(self._far)
