"""The five codecs of record batches, as brokers and the other clients write them.

snappy comes in two shapes: Java frames it in blocks (xerial: a 16-byte header, then blocks of int32 length and data),
librdkafka does not; both are read, and written as Java does. lz4 must be a frame of independent blocks (KIP-57) or
brokers refuse it. Levels are the fast ones: only batches that cannot pass through closed are ever compressed here.

A few bytes can claim to be gigabytes, by accident or on purpose. What comes to more than `MOST_PLAIN_BYTES` is refused
before it fills the memory (I5).
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable
from enum import IntEnum
from struct import Struct
from typing import Protocol

import lz4.frame
import zstandard
from cramjam import DecompressionError, snappy


class Codec(IntEnum):
    """As in bits 0-2 of a batch's attributes."""

    NONE = 0
    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4


class _Stream(Protocol):
    """What zlib and zstandard have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes | None: ...

    def decompress(self, data: Bytes, /) -> bytes: ...


class NotDecompressable(ValueError):
    """The records are not what their codec writes."""


Bytes = bytes | bytearray | memoryview

MOST_PLAIN_BYTES = 256 << 20
"""Most bytes of one batch's records. Brokers take batches of 100 MB at most, compressed."""
_HIGHEST_RATIO = {Codec.GZIP: 1_032, Codec.LZ4: 255, Codec.ZSTD: 32_768}
"""How many bytes one compressed byte can become."""
_XERIAL_MAGIC = b"\x82SNAPPY\x00"
_XERIAL_HEADER = _XERIAL_MAGIC + b"\x00\x00\x00\x01" * 2  # version, and the oldest version that can read it
_XERIAL_BLOCK = 32 << 10
_BLOCK_LENGTH = Struct(">i")


class _Zstd(threading.local):
    """zstd's contexts, one of each per thread: making them takes longer than compressing a small batch."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor()
        self.decompressor = zstandard.ZstdDecompressor()


_ZSTD = _Zstd()
_FAILURES = (
    zlib.error,
    EOFError,
    OSError,
    OverflowError,
    MemoryError,
    RuntimeError,
    ValueError,
    DecompressionError,
    zstandard.ZstdError,
)


def decompress(codec: int, data: Bytes) -> Bytes:
    """The records behind a batch's header, as they were before compression. Raises NotDecompressable."""
    try:
        match codec:
            case Codec.NONE:
                return data
            case Codec.GZIP:
                return _streamed(Codec.GZIP, data, lambda: zlib.decompressobj(31))
            case Codec.SNAPPY:
                return _snappy_decompress(memoryview(data))
            case Codec.LZ4:
                if len(data) * _HIGHEST_RATIO[Codec.LZ4] > MOST_PLAIN_BYTES:
                    return _streamed(Codec.LZ4, data, lz4.frame.LZ4FrameDecompressor)
                plain: bytes = lz4.frame.decompress(data)
                return plain
            case Codec.ZSTD:
                return _streamed(Codec.ZSTD, data, _ZSTD.decompressor.decompressobj)
            case _:
                raise NotDecompressable(f"codec {codec} is not known")
    except NotDecompressable:
        raise
    except _FAILURES as problem:
        raise NotDecompressable(f"not {Codec(codec).name.lower()}: {problem}") from problem


def compress(codec: int, data: Bytes) -> Bytes:
    """Records ready to stand behind a batch's header."""
    match codec:
        case Codec.NONE:
            return data
        case Codec.GZIP:
            stream = zlib.compressobj(wbits=31)
            return stream.compress(data) + stream.flush()
        case Codec.SNAPPY:
            return _snappy_compress(memoryview(data))
        case Codec.LZ4:
            frame: bytes = lz4.frame.compress(data, block_linked=False, store_size=False)
            return frame
        case Codec.ZSTD:
            return _ZSTD.compressor.compress(data)
        case _:
            raise ValueError(f"codec {codec} is not known")


def _streamed(codec: Codec, data: Bytes, open_stream: Callable[[], _Stream]) -> bytes:
    """One gzip member, lz4 or zstd frame after the other: few writers say how long the content is, so read to the end.

    What could become too much is read in small pieces, to stop in time.
    """
    ratio = _HIGHEST_RATIO[codec]
    most_at_once = len(data) if len(data) * ratio <= MOST_PLAIN_BYTES else MOST_PLAIN_BYTES // 8 // ratio
    plain: list[bytes] = []
    left = MOST_PLAIN_BYTES
    rest = memoryview(data)
    while True:
        stream = open_stream()
        while not stream.eof and rest:
            given = rest[:most_at_once]
            part = stream.decompress(given)
            rest = rest[len(given) - len(stream.unused_data or b"") :]
            left -= len(part)
            if left < 0:
                raise _too_large(codec)
            plain.append(part)
        if not stream.eof:
            raise NotDecompressable("the compressed records are cut off")
        if not rest:
            return plain[0] if len(plain) == 1 else b"".join(plain)


def _too_large(codec: Codec) -> NotDecompressable:
    return NotDecompressable(f"{codec.name.lower()}: the records come to more than {MOST_PLAIN_BYTES} bytes")


def _snappy_decompress(data: memoryview) -> bytes:
    if data[: len(_XERIAL_MAGIC)] != _XERIAL_MAGIC:
        return _snappy_block(data, MOST_PLAIN_BYTES)
    blocks: list[bytes] = []
    position, end, left = len(_XERIAL_HEADER), len(data), MOST_PLAIN_BYTES
    while position < end:
        size = _BLOCK_LENGTH.unpack_from(data, position)[0] if end - position >= _BLOCK_LENGTH.size else -1
        position += _BLOCK_LENGTH.size
        if not 0 <= size <= end - position:
            raise NotDecompressable(f"not snappy: a block of {size} bytes at {position} of {end}")
        blocks.append(_snappy_block(data[position : position + size], left))
        left -= len(blocks[-1])
        position += size
    return b"".join(blocks)


def _snappy_block(data: memoryview, most: int) -> bytes:
    """One block, which begins with the length of its content: 7 bits a byte, lowest first."""
    length = 0
    for place, byte in enumerate(data[:5]):
        length |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            break
    if length > most:
        raise _too_large(Codec.SNAPPY)
    return bytes(snappy.decompress_raw(data))


def _snappy_compress(data: memoryview) -> bytes:
    parts = [_XERIAL_HEADER]
    for start in range(0, len(data), _XERIAL_BLOCK):
        block = bytes(snappy.compress_raw(data[start : start + _XERIAL_BLOCK]))
        parts += _BLOCK_LENGTH.pack(len(block)), block
    return b"".join(parts)
