"""The time in `mirror.start.offset.spec` is exact to the millisecond (LINK-32, MIRROR-63)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.lifecycle.start_offsets import timestamp_ms


@pytest.mark.parametrize("ms", [0, 1, 2010, 4_010, 1_700_000_000_001, 1_795_286_651_915, 4_102_444_799_999])
def test_a_time_is_read_to_the_millisecond(ms: int) -> None:
    text = datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{ms % 1000:03d}"
    assert timestamp_ms(text) == timestamp_ms(f"{text}Z") == ms
