"""A batch whose own offset was changed on its way: no checksum covers it, and what follows would be shifted (I1)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from pipeline.link.states import MirrorError
from pipeline.mirror import copying
from pipeline.mirror.verdicts import Api
from pipeline.wire.batch import place
from tests.unit.mirror.scripted import ScriptedSource
from tests.unit.mirror.scripted_copying import LOG, copied, end_of


class Changing(ScriptedSource):
    """Gives one of its batches a wrong offset the first time that it is read."""

    def __init__(self, at: int, offset: int) -> None:
        super().__init__(list(LOG))
        self._at, self._right = at, LOG[at]
        self.batches[at] = bytes(place(bytearray(LOG[at]), offset, 0))

    def _fetch(self, version: int, frame: bytes) -> object:
        answer = super()._fetch(version, frame)
        if self._at in self.served:
            self.batches[self._at] = self._right
        return answer


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "SHORTEST_PAUSE_S", 0.001)


@pytest.fixture(params=[(0, 1), (1, 3), (3, 1 << 40), (2, 0)], ids=str)
async def source(request: pytest.FixtureRequest) -> AsyncIterator[Changing]:
    async with Changing(*request.param) as changing:
        yield changing


async def test_it_is_read_again(source: Changing) -> None:
    async with copied(source) as (leader, status):
        assert await end_of(leader, status) is MirrorError.NO_ERROR
        assert leader.log_end == len(LOG)
        assert leader.requests.count(Api.WRITE_TXN_MARKERS.value) == 0, "there is no gap"


async def test_holes_that_are_there_are_filled() -> None:
    """The topic was compacted once."""
    async with ScriptedSource(list(LOG)) as source:
        source.batches[1] = source.batches[2] = LOG[3]  # what a broker answers with: the next batch that it has
        async with copied(source) as (leader, status):
            assert await end_of(leader, status) is MirrorError.NO_ERROR
            assert (leader.log_end, status.gap_offsets) == (len(LOG), 2)
