"""Open connections to the brokers of one cluster, one each, dialled when first needed.

Built on aiokafka's connection rather than on its client, because that client hides why a connection failed, dials one
broker at a time (a broker that does not answer would hold up all others, against I6) and refreshes metadata by itself.
The rules kept here:

- Everybody who waits for a broker shares one dial; a caller that gives up does not end it for the others.
- After a failed dial the next one to the same broker waits ``reconnect.backoff.ms``, doubled each time up to its
  maximum; the time allowed for a dial doubles likewise (LINK-57, LINK-58, LINK-59).
- A request that is not answered in time costs its connection, since nothing tells a slow broker from a lost one, and
  every other one to that broker that has been as silent.
- A connection whose login is about to end (KIP-368) is replaced beside it: nobody waits, and what the old one was
  asked is still answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakSet

from aiokafka import errors as aiokafka_errors
from aiokafka.conn import CloseReason

from pipeline.cluster.broker_connection import BrokerConnection
from pipeline.cluster.errors import ClusterError, NotAuthenticated, TimedOut, Unreachable, translate
from pipeline.cluster.security import ClientSecurity
from pipeline.metrics.traffic import Traffic
from pipeline.wire.errors import WireError
from pipeline.wire.requests.base import Request

T = TypeVar("T")

EDGE = (OSError, ValueError, AssertionError, NotImplementedError, aiokafka_errors.KafkaError, WireError)
"""What aiokafka and the sockets under it raise when a connection, a handshake or a request does not work out."""

IDLE_S = 1.0
"""A connection that nothing is asked on is not made this moment, for somebody who is about to use it."""
_NO_LIMIT_MS = 24 * 3600 * 1000
"""aiokafka's own limit per request; ours is kept here, request by request."""
_CLOSE_SECONDS = 1.0
"""How long a connection may take to say goodbye before it is cut (a silent TLS peer would take 30 s)."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker, or a bootstrap server, listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(slots=True)
class _Pace:
    """When the next dial to an address may begin, and how long it may take."""

    failures: int = 0
    not_before: float = 0.0


class Connections:
    """The connections of one client. Not safe to use from several event loops."""

    def __init__(self, security: ClientSecurity, client_id: str, traffic: Traffic | None = None) -> None:
        self._security = security
        self._traffic = traffic or Traffic()
        self._client_id = client_id
        self._open: dict[Address, BrokerConnection] = {}
        self._dials: dict[Address, asyncio.Task[BrokerConnection]] = {}
        self._pace: dict[Address, _Pace] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._closed = False
        self._kin: WeakSet[Connections] = WeakSet((self,))

    def share_silences(self, other: Connections) -> None:
        """Hear of each other's silent brokers from now on: two clients of one cluster."""
        self._kin = other._kin
        self._kin.add(self)

    async def send(self, address: Address, request: Any, timeout_ms: int | None = None) -> Any:
        """Send one request and return its response.

        ``timeout_ms`` counts from when the request is written; None means ``request.timeout.ms``. Raises ClusterError.
        """
        connection = await self._connection(address)
        limit_ms = self._security.request_timeout_ms if timeout_ms is None else timeout_ms
        asked_at = time.monotonic()
        try:
            answer: Awaitable[Any] = connection.send(request)
            async with asyncio.timeout(limit_ms / 1000):
                return await answer
        except TimeoutError as error:
            self._give_up(address, connection, asked_at)
            raise TimedOut(f"{_named(request)} to {address}: no answer in {limit_ms} ms") from error
        except EDGE as error:
            raise translate(error, f"{_named(request)} to {address}") from error

    async def begin(self, address: Address, request: Request[T], timeout_ms: int) -> asyncio.Future[T]:
        """Write one request and return its response's future, which may fail with ClusterError too.

        Who calls this again after it has returned has its requests on one connection, in this order, unless that breaks
        in between. It is cheaper than a task for each `send`. Raises ClusterError where nothing could be written.
        """
        connection = await self._connection(address)
        asked_at = time.monotonic()
        try:
            asked: asyncio.Future[T] = connection.send(request)
        except EDGE as error:
            raise translate(error, f"{_named(request)} to {address}") from error
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def too_late() -> None:
            _settle(answer, TimedOut(f"{_named(request)} to {address}: no answer in {timeout_ms} ms"))
            self._give_up(address, connection, asked_at)

        def answered(asked: asyncio.Future[T]) -> None:
            timer.cancel()
            if asked.cancelled():
                _settle(answer, Unreachable(f"{_named(request)} to {address}: the connection was given up"))
            elif (error := asked.exception()) is None:
                _settle(answer, asked.result())
            elif isinstance(error, EDGE):
                _settle(answer, translate(error, f"{_named(request)} to {address}"))
            else:
                _settle(answer, error)

        timer = loop.call_later(timeout_ms / 1000, too_late)
        asked.add_done_callback(answered)
        return answer

    async def api_versions(self, address: Address) -> dict[int, tuple[int, int]]:
        """Return what the broker said when the connection was made: API key to lowest and highest version."""
        connection = await self._connection(address)
        return dict(connection._versions)

    async def made_at(self, address: Address) -> float:
        """When the connection that stands was made (CLOCK_BOOTTIME); now, where none does. Raises ClusterError."""
        return (await self._connection(address)).made_at

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called: nothing is asked any more."""
        return self._closed

    def is_open(self, address: Address) -> bool:
        """Say whether a request to this address would find a connection waiting for it."""
        return (connection := self._open.get(address)) is not None and connection.connected()

    async def close(self) -> None:
        """Close every connection and leave no task behind. May be called again."""
        self._closed = True
        ending: list[asyncio.Task[Any]] = [*self._dials.values(), *self._leaving]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        connections, self._open = list(self._open.values()), {}
        await asyncio.gather(*(_hang_up(connection) for connection in connections))

    async def _connection(self, address: Address) -> BrokerConnection:
        if self._closed:
            raise Unreachable(f"connection to {address}: this client is closed")
        ready = self._open[address] if self.is_open(address) else None
        if ready is not None and not ready.is_due:
            return ready
        dial = self._dials.get(address)
        if dial is None:
            dial = self._dials[address] = asyncio.create_task(self._dial(address), name=f"dial {address}")
            dial.add_done_callback(lambda task: self._dialled(address, task))
        if ready is not None:
            return ready
        return await wait_for_shared(dial, f"connection to {address}: this client is closed")

    def _give_up(self, address: Address, connection: BrokerConnection, asked_at: float) -> None:
        """End a connection on which a question was not answered in time, and others to that address with it.

        Those that have heard nothing since it was asked are as dead (half-open, say), and idle ones may be. So one
        timeout finds out about all of them, and what waits for an answer on another one is asked again now, not after a
        limit of its own.
        """
        connection.close(reason=CloseReason.CONNECTION_TIMEOUT)
        for each in list(self._kin):
            other = each._open.get(address)
            if other is None or not other.connected():
                continue
            if other.heard_at < asked_at or (not other._requests and other.heard_at < time.monotonic() - IDLE_S):
                other.close(reason=CloseReason.CONNECTION_TIMEOUT)

    def _dialled(self, address: Address, dial: asyncio.Task[BrokerConnection]) -> None:
        del self._dials[address]
        if not dial.cancelled():
            dial.exception()  # seen: whoever waits gets it too, and nobody may be left to

    async def _dial(self, address: Address) -> BrokerConnection:
        security = self._security
        pace = self._pace.setdefault(address, _Pace())
        await asyncio.sleep(max(0.0, pace.not_before - time.monotonic()))
        limit_ms = min(security.connect_timeout_max_ms, security.connect_timeout_ms * 2**pace.failures)
        began = time.monotonic()
        try:
            async with asyncio.timeout(limit_ms / 1000):
                connection = BrokerConnection(
                    address.host,
                    address.port,
                    client_id=self._client_id,
                    request_timeout_ms=_NO_LIMIT_MS,
                    max_idle_ms=security.idle_ms if security.idle_ms > 0 else None,
                    receive_buffer_bytes=security.receive_buffer_bytes,
                    traffic=self._traffic,
                    **security.connection(),
                )
                await connection.connect()
        except (*EDGE, ClusterError) as error:
            backoff_ms = min(security.reconnect_backoff_max_ms, security.reconnect_backoff_ms * 2**pace.failures)
            pace.failures = min(pace.failures + 1, 20)
            pace.not_before = time.monotonic() + backoff_ms / 1000
            if isinstance(error, TimeoutError) and not error.args:
                raise TimedOut(f"connection to {address}: not ready in {limit_ms} ms") from error
            meant = translate(error, f"connection to {address}")
            if isinstance(meant, NotAuthenticated):
                self._traffic.logins["failure"] += 1
            raise meant from error
        if security.sasl is not None or security.tls is not None:
            self._traffic.logged_in(time.monotonic() - began)
        self._pace.pop(address, None)
        before = self._open.get(address)
        self._open[address] = connection
        if before is not None and before.connected():
            leaving = asyncio.create_task(self._leave(before), name=f"leave {address}")
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
        return connection

    async def _leave(self, connection: BrokerConnection) -> None:
        """Close a connection that another one has taken the place of, once it has answered what it was asked."""
        try:
            await connection.drained(self._security.request_timeout_ms / 1000)
        finally:
            await _hang_up(connection)


async def wait_for_shared(work: asyncio.Task[T], closed: str) -> T:
    """Wait for a task that others wait for too: giving up does not end it, and its end by ``close`` is an error."""
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        caller = asyncio.current_task()
        if work.cancelled() and caller is not None and not caller.cancelling():
            raise Unreachable(closed) from None
        raise


def _settle(answer: asyncio.Future[T], outcome: T | BaseException) -> None:
    """Give an answer to who waits for it, if anybody still does."""
    if answer.done():
        return
    if isinstance(outcome, BaseException):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)


async def _hang_up(connection: BrokerConnection) -> None:
    transport = connection._writer.transport if connection._writer is not None else None
    closed = connection.close(reason=CloseReason.SHUTDOWN)
    if closed is None or transport is None:
        return
    done, _ = await asyncio.wait([closed], timeout=_CLOSE_SECONDS)
    if not done:
        transport.abort()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(closed), _CLOSE_SECONDS)


def _named(request: Any) -> str:
    name = getattr(request, "API", None)
    return name if isinstance(name, str) else type(request).__name__
