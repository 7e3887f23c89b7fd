"""A partition with little to write does not wait behind those with much, and changes connections in order (I6, I3)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import pytest

from pipeline.local.cluster import LocalCluster
from pipeline.mirror.appending import BUSY_BYTES, CALM_BYTES, Appender
from pipeline.mirror.destination import CALM
from pipeline.mirror.lane import Append, Lane
from tests.support.clients import create_topic
from tests.support.mirroring import Mirroring, mirroring
from tests.support.producing import Sent, numbered, produce

LARGE = [Sent(os.urandom(CALM_BYTES + 1)) for _ in range(10)]
"""Each of them fills a batch, and is too much for the calm connection."""
SMALL = [Sent(b"small", partition=1)] * 10


class Gate:
    """Lets the batches of one lane wait, and knows which lane each batch was for."""

    def __init__(self, link: Mirroring, holds_calm: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        self.were_calm: list[bool] = []
        self._kept: list[tuple[Lane, Append]] = []
        self._is_open = True
        self._add = Lane.append

        def append(lane: Lane, one: Append) -> None:
            is_calm = lane is link.target._lanes.get((lane.node_id, CALM))
            self.were_calm.append(is_calm)
            if self._is_open or is_calm != holds_calm:
                self._add(lane, one)
            else:
                self._kept.append((lane, one))

        monkeypatch.setattr(Lane, "append", append)

    @property
    def is_holding(self) -> bool:
        return bool(self._kept)

    def close(self) -> None:
        self._is_open = False

    def open(self) -> None:
        self._is_open = True
        for lane, one in self._kept:
            self._add(lane, one)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_partition_changes_connections_with_nothing_in_flight(
    source: LocalCluster, destination: LocalCluster, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_topic(source, topic)
    asked: list[int] = []
    choose = Appender.choose_lane

    async def choosing(appender: Appender, waiting_bytes: int) -> None:
        asked.append(waiting_bytes)
        await choose(appender, waiting_bytes)

    monkeypatch.setattr(Appender, "choose_lane", choosing)
    async with mirroring(source, destination) as link:
        gate = Gate(link, holds_calm=True, monkeypatch=monkeypatch)
        await link.create(topic)
        await asyncio.to_thread(produce, source, topic, numbered(10))
        await link.wait_for_ends(topic)  # a chain's very first append is alone in any case
        gate.close()
        await asyncio.to_thread(produce, source, topic, numbered(10))
        await until(lambda: gate.is_holding)
        await asyncio.to_thread(produce, source, topic, LARGE)
        await until(lambda: max(asked) > BUSY_BYTES)
        held = len(gate.were_calm)
        assert all(gate.were_calm)
        await asyncio.sleep(0.1)  # what would be sent too early would be by now
        assert len(gate.were_calm) == held
        gate.open()
        await link.wait_for_ends(topic)
        await link.compare(topic)
    assert not any(gate.were_calm[held:])


async def test_small_ones_do_not_wait_behind_large_ones(
    source: LocalCluster, destination: LocalCluster, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_topic(source, topic, partitions=2)
    async with mirroring(source, destination) as link:
        gate = Gate(link, holds_calm=False, monkeypatch=monkeypatch)
        gate.close()
        await link.create(topic)
        await asyncio.to_thread(produce, source, topic, LARGE)
        await until(lambda: gate.is_holding)
        for sent in range(len(SMALL), 5 * len(SMALL), len(SMALL)):
            await asyncio.to_thread(produce, source, topic, SMALL)
            await until(lambda: link.statuses(topic)[1].log_end_offset >= sent)  # noqa: B023  # awaited before the next
        assert link.statuses(topic)[0].log_end_offset == 0
        gate.open()
        await link.wait_for_ends(topic)
        await link.compare(topic)
