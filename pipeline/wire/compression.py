"""The five codecs of record batches, as brokers and the other clients write them.

snappy comes in two shapes: Java frames it in blocks (xerial: a 16-byte header, then blocks of int32 length and data),
librdkafka does not; both are read, and written as Java does. lz4 must be a frame of independent blocks (KIP-57) or
brokers refuse it. Levels are the fast ones: only batches that cannot pass through closed are ever compressed here.
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
    def unused_data(self) -> bytes: ...

    def decompress(self, data: Bytes, /) -> bytes: ...


class NotDecompressable(ValueError):
    """The records are not what their codec writes."""


Bytes = bytes | bytearray | memoryview

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
_FAILURES = (zlib.error, EOFError, OSError, RuntimeError, ValueError, DecompressionError, zstandard.ZstdError)


def decompress(codec: int, data: Bytes) -> Bytes:
    """The records behind a batch's header, as they were before compression. Raises NotDecompressable."""
    try:
        match codec:
            case Codec.NONE:
                return data
            case Codec.GZIP:
                return _streamed(data, lambda: zlib.decompressobj(31))
            case Codec.SNAPPY:
                return _snappy_decompress(memoryview(data))
            case Codec.LZ4:
                plain: bytes = lz4.frame.decompress(data)
                return plain
            case Codec.ZSTD:
                return _streamed(data, _ZSTD.decompressor.decompressobj)
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


def _streamed(data: Bytes, open_stream: Callable[[], _Stream]) -> bytes:
    """One gzip member or zstd frame after the other: few writers say how long the content is, so read to the end."""
    plain: list[bytes] = []
    while True:
        stream = open_stream()
        plain.append(stream.decompress(data))
        if not stream.eof:
            raise NotDecompressable("the compressed records are cut off")
        data = stream.unused_data
        if not data:
            return plain[0] if len(plain) == 1 else b"".join(plain)


def _snappy_decompress(data: memoryview) -> bytes:
    if data[: len(_XERIAL_MAGIC)] != _XERIAL_MAGIC:
        return bytes(snappy.decompress_raw(data))
    blocks: list[bytes] = []
    position, end = len(_XERIAL_HEADER), len(data)
    while position < end:
        size = _BLOCK_LENGTH.unpack_from(data, position)[0] if end - position >= _BLOCK_LENGTH.size else -1
        position += _BLOCK_LENGTH.size
        if not 0 <= size <= end - position:
            raise NotDecompressable(f"not snappy: a block of {size} bytes at {position} of {end}")
        blocks.append(bytes(snappy.decompress_raw(data[position : position + size])))
        position += size
    return b"".join(blocks)


def _snappy_compress(data: memoryview) -> bytes:
    parts = [_XERIAL_HEADER]
    for start in range(0, len(data), _XERIAL_BLOCK):
        block = bytes(snappy.compress_raw(data[start : start + _XERIAL_BLOCK]))
        parts += _BLOCK_LENGTH.pack(len(block)), block
    return b"".join(parts)
