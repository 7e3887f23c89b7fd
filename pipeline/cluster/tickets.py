"""GSSAPI for every client of aiokafka's, its consumers, its producers and Faust's among them (LINK-76).

aiokafka logs in with the process's default credentials, and has no argument for others. It passes the name of the
brokers' service on to each connection, though: ours carries the credentials with it, and aiokafka's connection is
taught to use what it finds there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any, Self

from aiokafka import errors
from aiokafka.conn import AIOKafkaConnection

from pipeline.cluster.errors import ClusterError
from pipeline.cluster.kerberos import Kerberos


class Service(str):
    """What the brokers' service is called, and who asks for it."""

    kerberos: Kerberos

    def __new__(cls, kerberos: Kerberos) -> Self:
        made = super().__new__(cls, kerberos.service)
        made.kerberos = kerberos
        return made


class TicketExchange:
    """Runs the steps of a Kerberos exchange in a thread, since each may ask the KDC. Raises NotAuthenticated."""

    def __init__(self, steps: Generator[tuple[bytes, bool], bytes | None, None]) -> None:
        self._steps = steps

    async def step(self, answer: bytes | None) -> tuple[bytes, bool] | None:
        return await asyncio.to_thread(self._next, answer)

    def _next(self, answer: bytes | None) -> tuple[bytes, bool] | None:
        try:
            return self._steps.send(answer)
        except StopIteration:
            return None


class _Translated(TicketExchange):
    """As aiokafka's clients expect it: a refusal is an error of its own."""

    async def step(self, answer: bytes | None) -> tuple[bytes, bool] | None:
        try:
            return await super().step(answer)
        except ClusterError as error:
            raise errors.AuthenticationFailedError(str(error)) from error


_by_default = AIOKafkaConnection.authenticator_gssapi


def _authenticator_gssapi(self: AIOKafkaConnection) -> Any:
    service = self._sasl_kerberos_service_name
    return _Translated(service.kerberos.exchange(self._host)) if isinstance(service, Service) else _by_default(self)


AIOKafkaConnection.authenticator_gssapi = _authenticator_gssapi
