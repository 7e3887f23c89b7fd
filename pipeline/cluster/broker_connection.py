"""aiokafka's connection with its logins mended, and its bytes moved with fewer copies (see `framing`).

- OAUTHBEARER: a broker that refuses a token says so in its first answer and waits for the client to end the exchange
  (RFC 7628, 3.2.3). aiokafka takes any answer for success, so that the refusal would look like a lost connection.
- GSSAPI: aiokafka knows only the process's default credentials; here each link has its own (`tickets`).
- A broker may end a login after some time, at the latest with its token (KIP-368): it cuts the connection at the next
  request. aiokafka does not look at the time that the broker told; here it is known when to change to another one.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import socket
import time
from collections.abc import Awaitable
from struct import Struct
from typing import Any

from aiokafka import errors
from aiokafka.conn import AIOKafkaConnection, CloseReason, OAuthAuthenticator
from aiokafka.protocol.admin import SaslAuthenticateRequest

from pipeline.cluster.framing import Frame, FrameProtocol
from pipeline.cluster.tickets import Service, TicketExchange
from pipeline.metrics.traffic import Traffic
from pipeline.wire.requests.base import Prepared, Request

log = logging.getLogger(__name__)
_SIZE = Struct(">i")

_END_OF_FAILED_EXCHANGE = b"\x01"
_LOGIN_USED = (0.80, 0.90)
"""Of the life of a login, how much passes before the next connection is made: somewhere in between, so that the
connections of a link do not all log in at once. The rest is for the new login, and for what the old one was asked."""


class BrokerConnection(AIOKafkaConnection):  # type: ignore[misc]
    """One connection to a broker."""

    def __init__(
        self, host: str, port: int, traffic: Traffic | None = None, receive_buffer_bytes: int = -1, **arguments: Any
    ) -> None:
        """`receive_buffer_bytes` is for the socket (LINK-66); -1 leaves it to the system."""
        self._traffic = traffic or Traffic()
        self._receive_buffer_bytes = receive_buffer_bytes
        self._is_counted = False
        self._renew_at = math.inf
        self.heard_at = math.inf
        """Monotonic seconds: when something last came from the broker."""
        self.made_at = math.inf
        """Seconds of the clock that also runs while the machine is stopped (CLOCK_BOOTTIME): when it was ready."""
        super().__init__(host, port, **arguments)

    async def connect(self) -> Any:
        """Connect and log in as aiokafka does, then read frames without its copies."""
        streams = await super().connect()
        transport = self._writer.transport
        if self._receive_buffer_bytes > 0:
            place = transport.get_extra_info("socket")
            place.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer_bytes)
        bare = None if transport.get_extra_info("sslcontext") else transport.get_extra_info("socket")
        frames = FrameProtocol(self._protocol, self._handle_frame, self._broken, bare)
        self._read_task.cancel()
        transport.pause_reading()
        transport.set_protocol(frames)
        transport.resume_reading()
        self._is_counted = True
        self.heard_at = time.monotonic()
        self.made_at = time.clock_gettime(time.CLOCK_BOOTTIME)
        self._traffic.connected()
        return streams

    def close(self, reason: Any = None, exc: Any = None) -> Any:
        """End it, as often as anybody likes."""
        if self._is_counted:
            self._is_counted = False
            self._traffic.disconnected()
        return super().close(reason, exc)

    @property
    def is_due(self) -> bool:
        """Whether its login is about to end, so that it is time for another connection."""
        return time.monotonic() >= self._renew_at

    async def drained(self, limit_s: float) -> None:
        """Wait until everything that was asked is answered, but no longer than this."""
        asked = [answer for _, _, answer in self._requests]
        if asked:
            await asyncio.wait(asked, timeout=limit_s)

    async def _log_in(self, answering: Awaitable[Any]) -> Any:
        began = time.monotonic()
        answer = await answering
        life_ms = getattr(answer, "session_lifetime_ms", 0)
        if life_ms > 0:
            self._renew_at = began + life_ms / 1000 * random.uniform(*_LOGIN_USED)
        return answer

    def send(self, request: Any, expect_response: bool = True) -> Any:
        """Send a request; one of ours leaves in its parts, which are never joined."""
        if isinstance(request, SaslAuthenticateRequest):
            return self._log_in(super().send(request, expect_response))
        if self._writer is None or not isinstance(request, Request) or not expect_response:
            answer = super().send(request, expect_response)
            if self._is_counted and self._requests:
                sent = self._requests[-1][1]
                self._traffic.sent(getattr(request, "API", type(request).__name__), getattr(sent, "size", 0))
            return answer
        prepared = request.prepare(self._versions)
        correlation_id = self._next_correlation_id()
        prepared.build_request_header(correlation_id, self._client_id)
        parts = prepared.parts()
        size = sum(memoryview(part).nbytes for part in parts)
        try:
            self._writer.writelines([_SIZE.pack(size), *parts])
        except (OSError, RuntimeError) as error:  # the second is uvloop's, where the connection was reset just now
            self.close(reason=CloseReason.CONNECTION_BROKEN)
            raise errors.KafkaConnectionError(f"Connection at {self._host}:{self._port} broken: {error}") from error
        self._traffic.sent(request.API, size)
        answer = asyncio.get_running_loop().create_future()
        self._requests.append((correlation_id, prepared, answer))
        return answer

    def _handle_frame(self, frame: Any) -> None:
        self._traffic.received(len(frame))
        self.heard_at = time.monotonic()
        correlation_id, request, answer = self._requests[0]
        if not isinstance(request, Prepared):
            super()._handle_frame(bytes(frame))
            return
        reading = Frame(frame)
        header = request.parse_response_header(reading)
        if header.correlation_id != correlation_id:
            raise errors.CorrelationIdError(f"sent {correlation_id}, received {header.correlation_id}")
        if not answer.done():
            answer.set_result(request.decode(reading))
        self._last_action = time.monotonic()
        self._requests.popleft()

    def _broken(self, error: Exception) -> None:
        """Reading has come to an end: whoever waits for an answer gets the reason."""
        if self._reader is not None:
            if not isinstance(error, OSError):
                log.error("Connection to %s:%s is given up: %r", self._host, self._port, error)
            self.close(reason=CloseReason.CONNECTION_BROKEN, exc=error)

    def authenticator_oauth(self) -> _TokenExchange:
        return _TokenExchange(sasl_oauth_token_provider=self._sasl_oauth_token_provider)

    def authenticator_gssapi(self) -> Any:
        service = self._sasl_kerberos_service_name
        if not isinstance(service, Service):
            return super().authenticator_gssapi()
        return TicketExchange(service.kerberos.exchange(self._host))


class _TokenExchange(OAuthAuthenticator):  # type: ignore[misc]
    """Sends the token, then, when the broker's answer is not empty, the byte that makes it say why."""

    async def step(self, payload: bytes | None) -> tuple[bytes, bool] | None:
        if payload:
            return _END_OF_FAILED_EXCHANGE, True
        first: tuple[bytes, bool] | None = await super().step(payload)
        return first
