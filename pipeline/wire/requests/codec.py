"""Kafka's primitive types, written and read; each knows both encodings, the old one and the flexible one (KIP-482).

    type       old                      flexible
    string     int16 length, -1 null    unsigned varint length + 1, 0 null
    records    int32 length, -1 null    unsigned varint length + 1, 0 null
    array      int32 count, -1 null     unsigned varint count + 1, 0 null
    tags       -                        unsigned varint count, then (tag, size, bytes) each, after every structure

A Writer gathers pieces and joins them once; a Reader hands out views into the one buffer that was received.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from struct import Struct
from typing import Final, TypeVar
from uuid import UUID

from pipeline.wire.errors import MalformedMessage

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

NO_TOPIC_ID: Final = UUID(int=0)
"""What the protocol says where there is no topic id."""

Batch = bytes | bytearray | memoryview | tuple[bytes, memoryview]
"""A closed batch: in one piece, or its header and its records apart."""

LARGE_PIECE = 4096
"""From this size on a piece is cheaper to send by itself than to copy."""

_INT8, _INT16, _INT32, _INT64 = Struct(">b"), Struct(">h"), Struct(">i"), Struct(">q")


def unsigned_varint(value: int) -> bytes:
    """Seven bits a byte, lowest first, the eighth bit says that more follow."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def grouped(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """Items by key, keys in the order of their first item: requests name each topic once."""
    groups: dict[K, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


class Writer:
    """Gathers the pieces of one message in one encoding."""

    __slots__ = ("_add", "_parts", "flexible")

    def __init__(self, flexible: bool) -> None:
        self.flexible = flexible
        self._parts: list[bytes | bytearray | memoryview] = []
        self._add = self._parts.append

    def int8(self, value: int) -> None:
        self._add(_INT8.pack(value))

    def int16(self, value: int) -> None:
        self._add(_INT16.pack(value))

    def int32(self, value: int) -> None:
        self._add(_INT32.pack(value))

    def int64(self, value: int) -> None:
        self._add(_INT64.pack(value))

    def boolean(self, value: bool) -> None:
        self._add(b"\x01" if value else b"\x00")

    def uuid(self, value: UUID) -> None:
        self._add(value.bytes)

    def string(self, value: str | None) -> None:
        raw = None if value is None else value.encode()
        if self.flexible:
            self._add(unsigned_varint(0 if raw is None else len(raw) + 1))
        else:
            self._add(_INT16.pack(-1 if raw is None else len(raw)))
        if raw:
            self._add(raw)

    def count(self, value: int | None) -> None:
        """How many elements of an array follow; None is the null array."""
        if self.flexible:
            self._add(unsigned_varint(0 if value is None else value + 1))
        else:
            self._add(_INT32.pack(-1 if value is None else value))

    def int32s(self, values: Sequence[int]) -> None:
        self.count(len(values))
        self._add(Struct(f">{len(values)}i").pack(*values))

    def records(self, value: Batch) -> None:
        """A record batch as it is, or its header and its records; nothing is copied before `join`."""
        parts = value if isinstance(value, tuple) else (value,)
        self.count(sum(memoryview(part).nbytes for part in parts))
        self._parts += parts

    def tags(self) -> None:
        """The end of a structure: no tagged fields (we send none), in the flexible encoding only."""
        if self.flexible:
            self._add(b"\x00")

    def raw(self, value: bytes) -> None:
        """Bytes that are encoded already."""
        self._add(value)

    def join(self) -> bytes:
        return b"".join(self._parts)

    def pieces(self) -> list[bytes | bytearray | memoryview]:
        """What was written, in few pieces: the large ones as they are, those between them joined."""
        pieces: list[bytes | bytearray | memoryview] = []
        small: list[bytes | bytearray | memoryview] = []
        for part in self._parts:
            if len(part) < LARGE_PIECE:
                small.append(part)
                continue
            pieces += (b"".join(small), part)
            small.clear()
        pieces.append(b"".join(small))
        return pieces


class Reader:
    """Reads one message in one encoding; raises MalformedMessage where it ends too early or its lengths lie."""

    __slots__ = ("_view", "flexible", "position")

    def __init__(self, view: memoryview, flexible: bool, position: int = 0) -> None:
        self._view = view
        self.flexible = flexible
        self.position = position

    @property
    def remaining(self) -> int:
        return len(self._view) - self.position

    def _take(self, size: int) -> memoryview:
        start = self.position
        if not 0 <= size <= len(self._view) - start:
            raise MalformedMessage(f"a field of {size} bytes at {start} in a message of {len(self._view)}")
        self.position = start + size
        return self._view[start : start + size]

    def _fixed(self, layout: Struct) -> int:
        start = self.position
        end = start + layout.size
        if end > len(self._view):
            raise MalformedMessage(f"the message ends after {len(self._view)} bytes, inside a number at {start}")
        self.position = end
        value: int = layout.unpack_from(self._view, start)[0]
        return value

    def int8(self) -> int:
        return self._fixed(_INT8)

    def int16(self) -> int:
        return self._fixed(_INT16)

    def int32(self) -> int:
        return self._fixed(_INT32)

    def int64(self) -> int:
        return self._fixed(_INT64)

    def boolean(self) -> bool:
        return self._fixed(_INT8) != 0

    def uuid(self) -> UUID:
        return UUID(bytes=bytes(self._take(16)))

    def unsigned_varint(self) -> int:
        value, shift, view = 0, 0, self._view
        while shift < 35:
            if self.position >= len(view):
                raise MalformedMessage(f"the message ends after {len(view)} bytes, inside a varint")
            byte = view[self.position]
            self.position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        raise MalformedMessage(f"a varint of more than 5 bytes before {self.position}")

    def _size(self, old: Struct) -> int:
        """A length or a count; -1 is null."""
        size = self.unsigned_varint() - 1 if self.flexible else self._fixed(old)
        if size < -1:
            raise MalformedMessage(f"a length of {size} before {self.position}")
        return size

    def nullable_string(self) -> str | None:
        size = self._size(_INT16)
        if size < 0:
            return None
        try:
            return str(self._take(size), "utf-8")
        except UnicodeDecodeError as error:
            raise MalformedMessage(f"a string that is not UTF-8 before {self.position}") from error

    def string(self) -> str:
        """A string; null, where a broker sends it all the same, is the empty one."""
        return self.nullable_string() or ""

    def count(self) -> int:
        """How many elements of an array follow; a null array has none. Every element is a byte at least."""
        size = max(self._size(_INT32), 0)
        if size > self.remaining:
            raise MalformedMessage(f"an array of {size} in the last {self.remaining} bytes of a message")
        return size

    def array(self, element: Callable[[], T]) -> tuple[T, ...]:
        return tuple(element() for _ in range(self.count()))

    def int32s(self) -> tuple[int, ...]:
        size = self.count()
        return Struct(f">{size}i").unpack(self._take(4 * size))

    def records(self) -> memoryview:
        """Record batches, as a view: whoever keeps it keeps the whole received message in memory (I5)."""
        return self._take(max(self._size(_INT32), 0))

    def tags(self) -> dict[int, Reader]:
        """The tagged fields at the end of a structure, each to be read in its own right; none in the old encoding."""
        if not self.flexible:
            return {}
        fields: dict[int, Reader] = {}
        for _ in range(self.unsigned_varint()):
            tag = self.unsigned_varint()
            fields[tag] = Reader(self._take(self.unsigned_varint()), True)
        return fields
