"""Requests of kafka-python's protocol classes, sent over aiokafka's connections.

kafka-python knows every administrative API in every version; aiokafka holds the connections that the data path uses.
``Asked`` makes the first fit the second, so that administration needs no client, no threads and no security settings
of its own, and its answers keep every error code and message that the broker gave.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from io import BytesIO
from typing import Any

from kafka.protocol.api_header import ResponseClassRegistry

from pipeline.wire.errors import UnsupportedByBroker

SAME = object()
"""What comes in the place of an answer that is the last one, byte for byte."""


class Repeated:
    """A question that is asked again and again. Whoever asks keeps what the last answer said."""

    def __init__(self) -> None:
        self._digest = b""

    def decode(self, answer: Any, buffer: BytesIO) -> Any:
        """The answer, or SAME; then it is not read at all, which is most of the work."""
        begin = buffer.tell()
        digest = blake2b(buffer.read(), digest_size=16).digest()
        if digest == self._digest:
            return SAME
        buffer.seek(begin)
        found, self._digest = answer.decode(buffer), digest
        return found


class Asked:
    """One request to be sent in the highest version that both sides know, from ``min_version`` on. ``repeated`` knows
    the last answer to the same question.
    """

    def __init__(
        self, message: Any, min_version: int = 0, max_version: int | None = None, repeated: Repeated | None = None
    ) -> None:
        self.message = message
        self._repeated = repeated
        self.API: str = message.name.removesuffix("Request")
        self._min = min_version
        self._max: int = message.max_version if max_version is None else max_version

    def prepare(self, versions: Mapping[int, tuple[int, int]]) -> _Frame:
        """Return what aiokafka's connection writes. Raises UnsupportedByBroker when no version fits (REST-91)."""
        key = self.message.API_KEY
        low, high = offered = versions.get(key, (0, -1))
        version = min(high, self._max)
        if version < max(low, self._min):
            raise UnsupportedByBroker(self.API, key, (self._min, self._max), offered if key in versions else None)
        return _Frame(self.message, version, self._repeated)


class _Frame:
    """The request in one version, with the methods that aiokafka's connection calls."""

    def __init__(self, message: Any, version: int, repeated: Repeated | None = None) -> None:
        self._message = message
        self._repeated = repeated
        self._version = version
        self.size = 0
        message.API_VERSION = version
        message.with_header()
        self._answer = ResponseClassRegistry.get_response_class(message.header)
        self.RESPONSE_TYPE = self

    def build_request_header(self, correlation_id: int, client_id: str) -> _Frame:
        self._message.with_header(correlation_id=correlation_id, client_id=client_id)
        return self

    def encode(self) -> bytes:
        """Called twice: for the header, which carries everything, and for the body, of which nothing is left."""
        if self._message.header is None:
            return b""
        encoded: bytes = self._message.encode(version=self._version, header=True)
        self._message._header = None
        self.size = len(encoded)
        return encoded

    def parse_response_header(self, buffer: BytesIO) -> Any:
        return self._answer.parse_header(buffer)

    def decode(self, buffer: BytesIO) -> Any:
        return self._answer.decode(buffer) if self._repeated is None else self._repeated.decode(self._answer, buffer)

    def __repr__(self) -> str:
        return f"{self._message.name} v{self._version}"
