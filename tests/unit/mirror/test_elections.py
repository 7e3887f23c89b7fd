"""What a copier makes of a mirror's leader that does not lead any more, and of one that cannot take anything now."""

from __future__ import annotations

import asyncio

import pytest

from pipeline.link.states import MirrorError
from pipeline.mirror import copying
from pipeline.mirror.destination import Destination
from pipeline.mirror.verdicts import Api
from tests.unit.mirror.scripted import ScriptedLeader, ScriptedSource
from tests.unit.mirror.scripted_copying import LOG, copied, end_of

NOT_LEADER, NOT_ENOUGH_REPLICAS = 6, 19
FOR_EVER = 1_000_000


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "LONGEST_PAUSE_S", 0.01)


async def test_an_election_after_it_was_asked_who_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was named does not lead any more when it is asked; nobody else's trouble has metadata read again."""
    leaders: list[ScriptedLeader] = []
    refresh = Destination.refresh

    async def learn(self: Destination, topic: str) -> None:
        await refresh(self, topic)
        leaders[0].first.clear()

    monkeypatch.setattr(Destination, "refresh", learn)
    async with ScriptedSource(LOG) as source, copied(source) as (leader, status):
        leaders.append(leader)
        leader.first[Api.DESCRIBE_PRODUCERS.value] = [NOT_LEADER] * FOR_EVER
        assert await end_of(leader, status) is MirrorError.NO_ERROR
        assert not leader.first and leader.log_end == len(LOG)


async def test_it_says_why_it_waits() -> None:
    """With the code, and the name of what can be changed."""
    async with ScriptedSource(LOG) as source, copied(source) as (leader, status):
        codes = leader.first[Api.PRODUCE.value] = [NOT_ENOUGH_REPLICAS] * 1_000
        enough, said = len(codes) - 50, set[str]()
        async with asyncio.timeout(60):
            while len(codes) > enough or not status.waits_for:
                await asyncio.sleep(0)
                said.add(status.waits_for)
        codes.clear()
        assert said - {""} == {"fewer in-sync replicas than min.insync.replicas (NOT_ENOUGH_REPLICAS, 19)"}
        assert await end_of(leader, status) is MirrorError.NO_ERROR
