"""Every shape of the five codecs that writers are known to use."""

from __future__ import annotations

import gzip
import operator

import lz4.frame
import pytest
import zstandard
from aiokafka import codec as aiokafka_codec
from cramjam import snappy
from hypothesis import given
from hypothesis import strategies as st

from pipeline.wire import compression
from pipeline.wire.compression import Codec, NotDecompressable, compress, decompress

DATA = bytes(range(256)) * 500


@given(st.builds(operator.mul, st.binary(max_size=50), st.integers(0, 2000)), st.sampled_from(Codec))
def test_compressed_data_comes_back(data, codec):
    for buffer in (data, memoryview(data), bytearray(data)):
        assert bytes(decompress(codec, memoryview(compress(codec, buffer)))) == data


SHAPES = {
    "gzip of several members": (Codec.GZIP, gzip.compress(DATA[:1000]) + gzip.compress(DATA[1000:])),
    "snappy as Java frames it": (Codec.SNAPPY, aiokafka_codec.snappy_encode(DATA)),
    "snappy as librdkafka writes it": (Codec.SNAPPY, bytes(snappy.compress_raw(DATA))),
    "lz4 as aiokafka writes it": (Codec.LZ4, aiokafka_codec.lz4_encode(DATA)),
    "lz4 with content size and checksum": (Codec.LZ4, lz4.frame.compress(DATA, content_checksum=True)),
    "zstd with its content size": (Codec.ZSTD, aiokafka_codec.zstd_encode(DATA)),
    "zstd without, as Java writes it": (
        Codec.ZSTD,
        zstandard.ZstdCompressor(write_content_size=False).compress(DATA),
    ),
    "zstd of several frames": (
        Codec.ZSTD,
        zstandard.ZstdCompressor().compress(DATA[:1000]) + zstandard.ZstdCompressor().compress(DATA[1000:]),
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_all_known_shapes_are_read(shape):
    codec, data = SHAPES[shape]
    assert bytes(decompress(codec, memoryview(data))) == DATA


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_cut_off_is_not_decompressable(shape):
    codec, data = SHAPES[shape]
    with pytest.raises(NotDecompressable):
        decompress(codec, data[: len(data) - 9])


@given(st.sampled_from([Codec.GZIP, Codec.SNAPPY, Codec.LZ4, Codec.ZSTD]), st.binary(max_size=100))
def test_junk_is_not_decompressable_or_something(codec, junk):
    try:
        decompress(codec, junk)
    except NotDecompressable as error:
        assert codec.name.lower() in str(error) or "cut off" in str(error)


BOMBS = {
    "gzip": (Codec.GZIP, gzip.compress(bytes(40 << 20))),
    "snappy": (Codec.SNAPPY, bytes(snappy.compress_raw(bytes(40 << 20)))),
    "snappy that only says so": (Codec.SNAPPY, b"\xff\xff\xff\xff\x0f"),
    "snappy as Java frames it": (Codec.SNAPPY, aiokafka_codec.snappy_encode(bytes(40 << 20))),
    "lz4": (Codec.LZ4, lz4.frame.compress(bytes(40 << 20))),
    "zstd": (Codec.ZSTD, zstandard.ZstdCompressor(write_content_size=False).compress(bytes(40 << 20))),
    "zstd of many frames": (Codec.ZSTD, zstandard.ZstdCompressor().compress(bytes(1 << 20)) * 40),
}


@pytest.mark.parametrize("shape", BOMBS)
def test_what_would_fill_the_memory_is_refused(shape, monkeypatch):
    codec, data = BOMBS[shape]
    monkeypatch.setattr(compression, "MOST_PLAIN_BYTES", 16 << 20)
    with pytest.raises(NotDecompressable, match="come to more than 16777216 bytes"):
        decompress(codec, data)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_has_to_be_read_in_pieces_is_the_same(shape, monkeypatch):
    codec, data = SHAPES[shape]
    monkeypatch.setattr(compression, "MOST_PLAIN_BYTES", len(DATA) + 200_000)
    assert bytes(decompress(codec, memoryview(data))) == DATA


def test_lz4_frames_have_independent_blocks():
    """KIP-57: brokers read no others. Bit 5 of the frame's flags says so."""
    assert compress(Codec.LZ4, DATA * 4)[4] & 0x20


@pytest.mark.parametrize("codec", [5, 7])
def test_unknown_codecs_are_named(codec):
    with pytest.raises(NotDecompressable, match=f"codec {codec}"):
        decompress(codec, b"")
    with pytest.raises(ValueError, match=f"codec {codec}"):
        compress(codec, b"")
