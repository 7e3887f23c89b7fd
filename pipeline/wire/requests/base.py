"""What aiokafka's connection asks of a request, answered without its tables of structs.

`AIOKafkaClient.send(node, request)` calls `request.prepare(versions)` with what the broker offers, then takes the
header and the body as bytes, and has the answer decoded by `RESPONSE_TYPE.decode`. A request of ours is one frozen
dataclass per API: `encode` and `decode` hold every version we speak, with the versions of a field as a condition.

Copies: a request is joined once, an answer is decoded into views of the bytes that came from the socket. (`getvalue` of
the BytesIO that aiokafka passes returns those very bytes; its `getbuffer` would copy them first.)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from struct import Struct, error
from typing import ClassVar, Generic, NamedTuple, Protocol, TypeVar

from pipeline.wire.errors import MalformedMessage, UnsupportedByBroker
from pipeline.wire.requests.codec import Reader, Writer

R = TypeVar("R")

_HEAD = Struct(">hhi")  # API key, API version, correlation id


class Received(Protocol):
    """What is used of the BytesIO that aiokafka passes; `pipeline/cluster/framing.py` has one that copies nothing."""

    def getvalue(self) -> bytes | bytearray | memoryview: ...

    def tell(self) -> int: ...

    def seek(self, position: int, /) -> object: ...


class Request(ABC, Generic[R]):
    """One API as we send it; R is what its answer becomes.

    VERSIONS are the lowest and the highest version that `encode` and `decode` know, FLEXIBLE_FROM the first one in the
    flexible encoding (KIP-482).
    """

    __slots__ = ()

    API: ClassVar[str]
    API_KEY: ClassVar[int]
    VERSIONS: ClassVar[tuple[int, int]]
    FLEXIBLE_FROM: ClassVar[int]

    @abstractmethod
    def encode(self, out: Writer, version: int) -> None: ...

    @abstractmethod
    def decode(self, answer: Reader, version: int) -> R: ...

    def versions(self) -> tuple[int, int]:
        """The versions that can say what this very request says."""
        return self.VERSIONS

    def prepare(self, versions: Mapping[int, tuple[int, int]]) -> Prepared[R]:
        """Choose the highest version that both sides know. Raises UnsupportedByBroker (REST-91) where there is none."""
        lowest, highest = needed = self.versions()
        offered = versions.get(self.API_KEY)
        if offered is None or max(lowest, offered[0]) > min(highest, offered[1]):
            raise UnsupportedByBroker(self.API, self.API_KEY, needed, offered)
        return Prepared(self, min(highest, offered[1]))


class Prepared(Generic[R]):
    """A request in one version: what aiokafka calls a RequestStruct. Used for one exchange."""

    __slots__ = ("_head", "flexible", "request", "version")

    def __init__(self, request: Request[R], version: int) -> None:
        self.request = request
        self.version = version
        self.flexible = version >= request.FLEXIBLE_FROM
        self._head = b""

    def build_request_header(self, correlation_id: int, client_id: str) -> _NoBytes:
        """Keep the header for `encode`: aiokafka adds header and body, which would copy the body once more."""
        out = Writer(flexible=False)  # the client id stays in the old encoding in every version
        out.string(client_id)
        head = _HEAD.pack(self.request.API_KEY, self.version, correlation_id)
        self._head = head + out.join() + (b"\x00" if self.flexible else b"")
        return _NoBytes()

    def encode(self) -> bytes:
        """Header and body, joined once."""
        return b"".join(self.parts())

    def parts(self) -> list[bytes | bytearray | memoryview]:
        """Header and body, not joined: small pieces together, record batches as they lie in memory."""
        out = Writer(self.flexible)
        out.raw(self._head)
        self.request.encode(out, self.version)
        return out.pieces()

    def parse_response_header(self, buffer: Received) -> ResponseHeader:
        reader = Reader(memoryview(buffer.getvalue()), self.flexible, buffer.tell())
        header = ResponseHeader(reader.int32())
        reader.tags()
        buffer.seek(reader.position)
        return header

    @property
    def RESPONSE_TYPE(self) -> Prepared[R]:
        """Whatever aiokafka calls `decode` on: this very exchange, which knows its version."""
        return self

    def decode(self, buffer: Received) -> R:
        """Read the answer that follows the response header. Raises MalformedMessage, also for bytes left over."""
        reader = Reader(memoryview(buffer.getvalue()), self.flexible, buffer.tell())
        try:
            answer = self.request.decode(reader, self.version)
        except (error, ValueError) as problem:
            raise MalformedMessage(f"{self.request.API} v{self.version} answer: {problem}") from problem
        if reader.remaining:
            raise MalformedMessage(f"{self.request.API} v{self.version} answer: {reader.remaining} bytes are left over")
        return answer

    def __repr__(self) -> str:
        return f"{self.request!r} in v{self.version}"


class ResponseHeader(NamedTuple):
    correlation_id: int


class _NoBytes:
    """The header that `Prepared.encode` has already put in front of the body."""

    __slots__ = ()

    def encode(self) -> bytes:
        return b""
