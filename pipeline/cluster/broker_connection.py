"""aiokafka's connection with two of its logins mended.

- OAUTHBEARER: a broker that refuses a token says so in its first answer and waits for the client to end the exchange
  (RFC 7628, 3.2.3). aiokafka takes any answer for success, so that the refusal would look like a lost connection.
- GSSAPI: aiokafka knows only the process's default credentials; here each link has its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

from aiokafka.conn import AIOKafkaConnection, OAuthAuthenticator

from pipeline.cluster.kerberos import Kerberos

_END_OF_FAILED_EXCHANGE = b"\x01"


class BrokerConnection(AIOKafkaConnection):  # type: ignore[misc]
    """One connection to a broker."""

    def __init__(self, host: str, port: int, kerberos: Kerberos | None = None, **arguments: Any) -> None:
        self._kerberos = kerberos
        super().__init__(host, port, **arguments)

    def authenticator_oauth(self) -> _TokenExchange:
        return _TokenExchange(sasl_oauth_token_provider=self._sasl_oauth_token_provider)

    def authenticator_gssapi(self) -> Any:
        if self._kerberos is None:
            return super().authenticator_gssapi()
        return _TicketExchange(self._kerberos.exchange(self._host))


class _TokenExchange(OAuthAuthenticator):  # type: ignore[misc]
    """Sends the token, then, when the broker's answer is not empty, the byte that makes it say why."""

    async def step(self, payload: bytes | None) -> tuple[bytes, bool] | None:
        if payload:
            return _END_OF_FAILED_EXCHANGE, True
        first: tuple[bytes, bool] | None = await super().step(payload)
        return first


class _TicketExchange:
    """Runs the steps of a Kerberos exchange in a thread, since each may ask the KDC."""

    def __init__(self, steps: Generator[tuple[bytes, bool], bytes | None, None]) -> None:
        self._steps = steps

    async def step(self, answer: bytes | None) -> tuple[bytes, bool] | None:
        return await asyncio.to_thread(self._next, answer)

    def _next(self, answer: bytes | None) -> tuple[bytes, bool] | None:
        try:
            return self._steps.send(answer)
        except StopIteration:
            return None
