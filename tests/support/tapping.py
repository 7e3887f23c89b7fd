"""A cable (see networks.py) that hears what a worker asks a broker, and can be a bad one on purpose.

    tap = network.leads(port, Tap)
    tap.breaks.add(Api.FETCH)          # whoever fetches loses the connection
    wait_until(lambda: tap.heard(Api.FETCH, since), "it tries again")

So a test sees on the wire what a property of a link changes.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import pairwise

from tests.support.relays import Make, Relay, reset

_HEAD = struct.Struct(">hhih")
_SIZE = struct.Struct(">i")
_FLEXIBLE_FETCH = 12


class Api(IntEnum):
    """Kafka's numbers of requests."""

    FETCH = 1
    METADATA = 3
    OFFSET_FETCH = 9
    DESCRIBE_CONFIGS = 32


@dataclass(frozen=True)
class Asked:
    """One request. Times are monotonic seconds."""

    at: float
    connection: int
    api: int
    version: int
    body: bytes = field(repr=False)
    """Behind the header."""


@dataclass(eq=False)
class Talk:
    """One connection of the worker to the broker."""

    number: int
    opened: float
    near: socket.socket
    far: socket.socket
    asked: float = 0.0
    """When the worker last asked anything."""
    ended: float = 0.0
    """When the worker closed it; 0 while it has not."""
    open: dict[int, int] = field(default_factory=dict)
    """Correlation id -> API of what has no answer yet."""


class Tap(Relay):
    """One broker's port inside a worker's network."""

    def __init__(self, port: int, listens: Make, dials: Make) -> None:
        self.asked: list[Asked] = []
        self.dialled: list[float] = []
        """When somebody opened a connection, taken or not."""
        self.talks: list[Talk] = []
        self.most_at_once: Counter[int] = Counter()
        """API -> most requests of it that waited for an answer on one connection together."""
        self.refuses, self.is_mute = False, False
        """New connections are reset; or they are taken, and nobody says a word."""
        self.breaks: set[int] = set()
        """APIs that cost whoever asks the connection."""
        self.swallows: set[int] = set()
        """APIs that are not answered, nor is what comes after on the same connection."""
        self.delays: dict[int, float] = {}
        """API -> seconds that its answers take longer."""
        self._lock = threading.Lock()
        super().__init__(port, listens, dials)

    def heard(self, api: int, since: float = 0.0) -> list[Asked]:
        """What was asked of an API since then."""
        return [one for one in list(self.asked) if one.api == api and one.at >= since]

    def reset(self) -> None:
        for talk in list(self.talks):
            reset(talk.near)
            reset(talk.far)

    def clears(self) -> None:
        """A good cable again; what was broken begins anew."""
        self.refuses = self.is_mute = False
        for bad in (self.breaks, self.swallows, self.delays):
            bad.clear()
        self.reset()

    def takes(self) -> bool:
        self.dialled.append(time.monotonic())
        return not self.refuses

    def joined(self, near: socket.socket, far: socket.socket) -> None:
        talk = Talk(len(self.talks), time.monotonic(), near, far)
        self.talks.append(talk)
        if not self.is_mute:
            for way in (self._requests, self._answers):
                threading.Thread(target=self._passes, args=(talk, way), daemon=True).start()

    def _passes(self, talk: Talk, way: Callable[[Talk], None]) -> None:
        with contextlib.suppress(OSError):
            way(talk)
        for end in (talk.near, talk.far):
            reset(end)

    def _requests(self, talk: Talk) -> None:
        for frame in _frames(talk.near):
            api, version, correlation, client = _HEAD.unpack_from(frame)
            body = frame[_HEAD.size + max(client, 0) :]
            talk.asked = time.monotonic()
            with self._lock:
                self.asked.append(Asked(talk.asked, talk.number, api, version, body))
                talk.open[correlation] = api
                self.most_at_once[api] = max(self.most_at_once[api], list(talk.open.values()).count(api))
            if api in self.breaks:
                return
            if api in self.swallows:
                break
            talk.far.sendall(_SIZE.pack(len(frame)) + frame)
        for _ in _frames(talk.near):
            continue  # swallowed
        talk.ended = time.monotonic()

    def _answers(self, talk: Talk) -> None:
        for frame in _frames(talk.far):
            (correlation,) = _SIZE.unpack_from(frame)
            if pause_s := self.delays.get(talk.open.get(correlation, -1)):
                time.sleep(pause_s)
            with self._lock:
                talk.open.pop(correlation, None)
            talk.near.sendall(_SIZE.pack(len(frame)) + frame)


@dataclass(frozen=True)
class Fetching:
    """What a Fetch request says of its limits; `partition_max_bytes` is None where it names no partition anew."""

    max_wait_ms: int
    min_bytes: int
    max_bytes: int
    partition_max_bytes: int | None

    @classmethod
    def of(cls, asked: Asked) -> Fetching:
        """Read a Fetch of version 13: one by topic id."""
        assert asked.api == Api.FETCH and asked.version == _FLEXIBLE_FETCH + 1, asked
        _, wait, least, most, _, _, _ = struct.unpack_from(">iiiibii", asked.body, 1)
        named = 1 + 25
        each = None
        if asked.body[named] > 1:  # an id, and the partitions of the first topic
            first = named + 1 + 16 + 1
            (each,) = _SIZE.unpack_from(asked.body, first + 4 + 4 + 8 + 4 + 8)
        return cls(wait, least, most, each)


def longest_of_two(asked: list[Asked]) -> float:
    """The seconds between requests of which two in a row kept that distance, the longest such."""
    pauses = _pauses(asked)
    return max((min(pair) for pair in pairwise(pauses)), default=0.0)


def shortest(asked: list[Asked]) -> float:
    """The fewest seconds between one request and the next; for ever where there are none."""
    return min(_pauses(asked), default=float("inf"))


def _pauses(asked: list[Asked]) -> list[float]:
    return [later.at - earlier.at for earlier, later in pairwise(asked)]


def _frames(end: socket.socket) -> Iterator[bytes]:
    while len(head := _exactly(end, _SIZE.size)) == _SIZE.size:
        (size,) = _SIZE.unpack(head)
        if len(frame := _exactly(end, size)) < size:
            return
        yield frame


def _exactly(end: socket.socket, size: int) -> bytes:
    found = bytearray()
    while len(found) < size and (more := end.recv(min(size - len(found), 1 << 16))):
        found += more
    return bytes(found)
