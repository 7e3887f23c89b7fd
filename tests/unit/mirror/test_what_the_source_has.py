"""What is asked of a source partition alone: the records that consumers see at an offset (MIRROR-18, KIP-98)."""

from __future__ import annotations

from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest

from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import ClusterError, Unreachable
from pipeline.link.errors import MirrorFailure
from pipeline.mirror.epochs import UNKNOWN
from pipeline.mirror.link_copying import LinkCopying, LinkTuning
from pipeline.mirror.memory import MemoryBudget
from pipeline.mirror.pieces import Piece
from pipeline.mirror.slices import SliceSink
from pipeline.wire.batch import CONTROL, TRANSACTIONAL, Stamp, place
from pipeline.wire.records import Record, close_batch
from pipeline.wire.requests.codec import NO_TOPIC_ID
from pipeline.wire.requests.fetch import FetchedPartition, FetchResponse

PRODUCER = 7
RECORDS = [Record(n, 1_000, b"key", b"%d" % n, ()) for n in (10, 11)]


def batch(attributes: int = 0) -> bytes:
    """Offsets 10 and 11, written under leader epoch 5."""
    made = bytearray(close_batch(RECORDS, 0, Stamp(PRODUCER, 0, 0)))
    made[12:16] = (5).to_bytes(4, "big")
    made[21:23] = attributes.to_bytes(2, "big")
    return bytes(place(made, 10, 1))


def answer(records: bytes = b"", aborted: tuple[tuple[int, int], ...] = (), code: int = 0) -> FetchResponse:
    found = FetchedPartition("t", NO_TOPIC_ID, 0, code, 50, 50, 0, aborted, -1, memoryview(records))
    return FetchResponse(0, 0, 0, (found,))


async def asked(response: FetchResponse, offset: int = 11, *, is_compacted: bool = False) -> tuple[int, list[Record]]:
    source = MagicMock(DataClient)
    source.find_leader = AsyncMock(return_value=1)
    source.send = AsyncMock(return_value=response)
    copying = LinkCopying("link", source, MemoryBudget(1 << 20), AsyncMock(SliceSink), LinkTuning())
    copier: Any = MagicMock(key=("t", 0), piece=Piece("link", "t", "t", 0, "", "", 0, is_compacted))
    copier.source_topic_id.return_value = None
    return await copying.visible_at(copier, offset)


async def test_the_batch_that_holds_an_offset() -> None:
    assert await asked(answer(batch())) == (5, RECORDS)


@pytest.mark.parametrize(
    ("attributes", "aborted", "sees"),
    [
        (CONTROL | TRANSACTIONAL, (), False),
        (TRANSACTIONAL, (), True),
        (TRANSACTIONAL, ((PRODUCER, 4),), False),
        (TRANSACTIONAL, ((PRODUCER + 1, 4),), True),
        (TRANSACTIONAL, ((PRODUCER, 12),), True),
        (0, ((PRODUCER, 4),), True),
    ],
    ids=["marker", "committed", "aborted", "another's aborted", "a later one aborted", "not of a transaction"],
)
async def test_only_what_consumers_see(attributes: int, aborted: tuple[tuple[int, int], ...], sees: bool) -> None:
    assert await asked(answer(batch(attributes), aborted)) == (5, RECORDS if sees else [])


async def test_nothing_is_left_of_a_compacted_log_or_above_the_last_stable_offset() -> None:
    assert await asked(answer(), is_compacted=True) == (UNKNOWN, [])
    assert await asked(answer(), 50) == (UNKNOWN, [])


@pytest.mark.parametrize("response", [answer(), FetchResponse(5, 0, 0, ())], ids=["empty", "throttled"])
async def test_no_answer_is_no_verdict(response: FetchResponse) -> None:
    with pytest.raises(Unreachable, match="did not tell what it has at offset 11"):
        await asked(response)


async def test_codes_are_judged_by_the_table() -> None:
    with pytest.raises(ClusterError):
        await asked(answer(code=6))
    with pytest.raises(MirrorFailure):
        await asked(answer(code=999))
