"""lz4 frames of format v0 (KIP-57)."""

from __future__ import annotations

import lz4.frame
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.wire.old_lz4 import mended, xxhash32

DATA = b"what was written long ago " * 20


def spoilt(frame: bytes, at: int) -> bytes:
    """The frame with the header checksum at `at` that old clients wrote."""
    return frame[:at] + bytes([xxhash32(frame[:at]) >> 8 & 0xFF]) + frame[at + 1 :]


@pytest.mark.parametrize(
    ("data", "hashed"), [(b"", 0x02CC5D05), (b"a", 0x550D7456), (b"abc", 0x32D153FF), (b"\x60\x40", 0x301A8268)]
)
def test_the_hash(data: bytes, hashed: int) -> None:
    assert xxhash32(data) == hashed


def test_a_header_as_kafka_0_9_wrote_it() -> None:
    """Recorded from a broker: its checksum is 0x1a, that of the descriptor alone is 0x82."""
    assert mended(bytes.fromhex("04224d1860401a72")) == bytes.fromhex("04224d1860408272")


@given(st.booleans(), st.binary(min_size=1, max_size=300))
def test_frames_of_either_kind_can_be_read(store_size: bool, data: bytes) -> None:
    frame = lz4.frame.compress(data, block_linked=False, store_size=store_size)
    at = 14 if store_size else 6
    assert mended(spoilt(frame, at)) == mended(frame) == frame
    assert lz4.frame.decompress(mended(spoilt(frame, at))) == data


@given(st.binary(max_size=20))
def test_what_is_no_frame_stays(data: bytes) -> None:
    assert mended(data) == data or data[:4] == b"\x04\x22\x4d\x18"
