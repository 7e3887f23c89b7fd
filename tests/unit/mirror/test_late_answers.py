"""What a source answers to a request that is not meant any more is nobody's: neither records nor an error."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any
from unittest.mock import AsyncMock, MagicMock
from uuid import UUID

import pytest

from pipeline.cluster.data import DataClient
from pipeline.mirror.fetching import Fetcher, FetchSettings
from pipeline.mirror.intake import Intake
from pipeline.mirror.link_copying import LinkCopying, LinkTuning
from pipeline.mirror.memory import MemoryBudget
from pipeline.mirror.pieces import Piece, PieceStatus
from pipeline.mirror.slices import SliceSink
from pipeline.mirror.throttle import Throttle
from pipeline.wire.requests.fetch import FetchedPartition, FetchResponse
from tests.support.mirroring import DirectSink
from tests.unit.mirror.scripted_copying import LOG

OLD_ID, NEW_ID = "AAAAAAAAAAAAAAAAAAAACg", "AAAAAAAAAAAAAAAAAAAACw"
UNKNOWN_TOPIC_ID = 100


def intake(topic_id: str) -> Intake:
    piece = Piece("link", "m", "m", 0, topic_id, "", 0)
    return Intake(piece, MagicMock(), PieceStatus(piece, "worker"), lambda: 1 << 20)


class Source:
    """Answers the requests of a fetcher when it is told to."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[FetchResponse] = asyncio.Queue()
        self.asked = 0

    async def send(self, *_: Any) -> FetchResponse:
        self.asked += 1
        return await self.answers.get()

    async def close(self) -> None: ...

    async def answer(self, topic_id: UUID | None, code: int, records: bytes) -> None:
        """Answer the request that is out, and wait for the next one."""
        assert topic_id is not None
        found = FetchedPartition("m", topic_id, 0, code, 9, 9, 0, (), -1, memoryview(records))
        before = self.asked
        self.answers.put_nowait(FetchResponse(0, 0, 7, (found,)))
        async with asyncio.timeout(60):
            while self.asked == before:
                await asyncio.sleep(0.001)


@pytest.mark.parametrize("code, records", [(0, LOG[0]), (UNKNOWN_TOPIC_ID, b"")])
async def test_the_answer_for_a_topic_that_was_deleted_is_not_for_the_one_made_since(code: int, records: bytes) -> None:
    source, old, new = Source(), intake(OLD_ID), intake(NEW_ID)
    fetcher = Fetcher(
        "link",
        1,
        source,  # type: ignore[arg-type]
        MemoryBudget(1 << 20),
        DirectSink(),
        FetchSettings,
        Throttle(lambda: -1),
        lambda _: None,
    )
    try:
        old.expected_offset = new.expected_offset = 0
        fetcher.read(old, 0)
        while not source.asked:
            await asyncio.sleep(0)
        fetcher.leave(old)  # its mirror was deleted, and there is one of the new topic, all before the answer
        fetcher.read(new, 0)
        await source.answer(old.source_topic_id(), code, records)
        assert (new.expected_offset, new._slices, new._error) == (0, deque(), None)
        await source.answer(new.source_topic_id(), 0, LOG[0])
        assert new.expected_offset == 1, "its own record"
    finally:
        await fetcher.close()


async def test_a_reading_that_found_its_leader_late_is_not_begun() -> None:
    """The copier has ended, or reads elsewhere by now: answers from there would be nobody's, and it would wait on."""
    found = asyncio.Event()

    async def find_leader(*_: Any) -> int:
        await found.wait()
        return 1

    client = MagicMock(DataClient, find_leader=find_leader)
    client.fork.return_value = AsyncMock(DataClient)
    copying = LinkCopying("link", client, MemoryBudget(1 << 20), AsyncMock(SliceSink), LinkTuning())
    ended, rewound, reading = intake(OLD_ID), intake(OLD_ID), intake(OLD_ID)
    try:
        for each in (ended, rewound, reading):
            copying.add(each)
            each.expected_offset = 5
            task = asyncio.create_task(copying.read(each, 5))
            await asyncio.sleep(0)
            if each is ended:
                copying.remove(each)
            elif each is rewound:
                each.expected_offset = 3
            found.set()
            await task
            found.clear()
            assert bool(copying._at) == (each is reading)
    finally:
        await copying.stop()
