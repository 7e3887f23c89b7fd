"""Filler: many records that say nothing, to move the end of a log, which DeleteRecords then makes its start.

Also the filler of a large hole in a compacted topic: the next live record, repeated, which compaction removes (I2).
"""

from __future__ import annotations

from functools import lru_cache

from pipeline.wire.batch import Stamp, assemble
from pipeline.wire.compression import Bytes, Codec, compress
from pipeline.wire.fields import Headers, encode_varint, record_tail

__all__ = ["filler_batch"]


def filler_batch(
    count: int,
    stamp: Stamp,
    key: bytes | None,
    timestamp: int,
    *,
    codec: int = Codec.ZSTD,
    value: bytes | None = None,
    headers: Headers = (),
) -> bytes:
    """`count` equal records in one batch. Compacted topics take no record without a key.

    The compressed records are kept for the next call with the same arguments (stamp and timestamp may differ), so that
    a seed's thousands of batches cost a copy and a checksum each. A few such bodies are kept, no more (I5); while one
    is made, its records are in memory uncompressed: choose `count` with the size of `value` in mind.
    """
    if count < 1:
        raise ValueError("a batch needs a record")
    body = _body(count, codec, key, value, headers)
    return bytes(assemble(body, codec, count, (timestamp, timestamp), stamp))


@lru_cache(maxsize=4)
def _body(count: int, codec: int, key: bytes | None, value: bytes | None, headers: Headers) -> Bytes:
    tail = record_tail(key, value, headers)
    parts: list[bytes] = []
    for delta in range(count):
        offset_delta = encode_varint(delta)
        parts += encode_varint(2 + len(offset_delta) + len(tail)), b"\x00\x00", offset_delta, tail
    return compress(codec, b"".join(parts))
