"""lz4 frames as clients wrote them into format v0: the checksum of the frame's header is that of other bytes.

At the frame's beginning stand the magic number, 2 to 14 bytes of descriptor, and one byte of the descriptor's xxHash32.
Kafka's clients took the hash over the magic number too, until format v1 put it right (KIP-57), and nobody looked at it.
"""

from __future__ import annotations

_MAGIC = b"\x04\x22\x4d\x18"
_HAS_CONTENT_SIZE, _HAS_DICTIONARY = 0x08, 0x01
_PRIME_1, _PRIME_2, _PRIME_3, _PRIME_4, _PRIME_5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393
_32_BITS = 0xFFFFFFFF


def mended(frame: bytes) -> bytes:
    """The frame with the right checksum of its header; anything else as it is."""
    if frame[:4] != _MAGIC or len(frame) < 7:
        return frame
    end = 6 + (8 if frame[4] & _HAS_CONTENT_SIZE else 0) + (4 if frame[4] & _HAS_DICTIONARY else 0)
    return frame[:end] + bytes([xxhash32(frame[4:end]) >> 8 & 0xFF]) + frame[end + 1 :]


def xxhash32(data: bytes) -> int:
    """xxHash32 with seed 0, of less than 16 bytes."""
    hashed = (_PRIME_5 + len(data)) & _32_BITS
    words = len(data) - len(data) % 4
    for at in range(0, words, 4):
        hashed = (hashed + int.from_bytes(data[at : at + 4], "little") * _PRIME_3) & _32_BITS
        hashed = _rotated(hashed, 17) * _PRIME_4 & _32_BITS
    for byte in data[words:]:
        hashed = (hashed + byte * _PRIME_5) & _32_BITS
        hashed = _rotated(hashed, 11) * _PRIME_1 & _32_BITS
    hashed = (hashed ^ hashed >> 15) * _PRIME_2 & _32_BITS
    hashed = (hashed ^ hashed >> 13) * _PRIME_3 & _32_BITS
    return hashed ^ hashed >> 16


def _rotated(value: int, bits: int) -> int:
    return (value << bits | value >> (32 - bits)) & _32_BITS
