"""The fields of a record, as they stand in a v2 batch; all numbers but the attributes are signed varints:

    length | attributes int8 (unused) | timestamp delta | offset delta | key length, key | value length, value
    | headers count | for each: key length, key | value length, value

A length of -1 is null. A varint is zigzag (0, -1, 1, -2, ... become 0, 1, 2, 3, ...), seven bits a byte, lowest first.
"""

from __future__ import annotations

from typing import Final

Headers = tuple[tuple[str, bytes | None], ...]

LONGEST: Final = 10
"""Bytes of a 64-bit number."""


def encode_varint(value: int) -> bytes:
    """One signed number of up to 64 bits; those that occur all the time come from a table."""
    if 0 <= value < len(SMALL):
        return SMALL[value]
    return _encode(value)


def _encode(value: int) -> bytes:
    value = value << 1 if value >= 0 else (-value << 1) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


SMALL: Final = tuple(_encode(value) for value in range(8192))
"""The varints of 0 .. 8191: all of one byte (0 .. 63) and of two."""


def decode_varint(data: bytes | bytearray | memoryview, position: int) -> tuple[int, int]:
    """The number at a position, and the position after it. Raises IndexError past the end, ValueError when too long."""
    value = data[position]
    position += 1
    if value > 0x7F:
        value &= 0x7F
        for shift in range(7, 7 * LONGEST, 7):
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
        else:
            raise ValueError(f"a varint of more than {LONGEST} bytes before {position}")
    return (value >> 1) ^ -(value & 1), position


def record_tail(key: bytes | None, value: bytes | None, headers: Headers) -> bytes:
    """The bytes of a record behind its offset delta: what stays the same wherever the record stands."""
    parts = [*_sized(key), *_sized(value), encode_varint(len(headers))]
    for name, content in headers:
        parts += *_sized(name.encode(errors="surrogateescape")), *_sized(content)
    return b"".join(parts)


def _sized(value: bytes | None) -> tuple[bytes, bytes]:
    return (encode_varint(-1), b"") if value is None else (encode_varint(len(value)), value)
