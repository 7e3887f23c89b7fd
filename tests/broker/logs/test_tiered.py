"""A source with tiered storage (KIP-405): most of its log lies elsewhere, and the mirror is the same all the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.clients import create_topic, log_ends, log_starts
from tests.support.mirroring import mirroring
from tests.support.producing import TransactionalProducer, numbered, produce
from tests.support.tiering import tiered
from tests.support.workers import wait_until

TIERED = {"remote_storage_enable": "true", "local_retention_ms": "1", "retention_ms": "-1", "segment_ms": "100"}
LEAST_ROUNDS = 8


@pytest.mark.timeout(400)
async def test_most_of_the_log_lies_in_the_other_tier(destination: LocalCluster, tmp_path: Path, topic: str) -> None:
    """Plain records, committed and aborted transactions in segments that the broker has no longer on its own disk."""
    with LocalCluster(tiered(tmp_path / "tier")) as source:
        create_topic(source, topic, **TIERED)
        producer = TransactionalProducer(source, topic)
        own = source.data_folder(1) / f"{topic}-0"
        rounds = 0

        def one_more() -> bool:
            """What comes 100 ms later closes a segment; returns whether most of the log has left the broker's disk."""
            nonlocal rounds
            produce(source, topic, numbered(300, 1_000 * rounds), codec="lz4")
            producer.aborted(numbered(20))
            producer.committed(numbered(30, 1_000 * rounds + 500))
            rounds += 1
            first_here = min(int(each.stem) for each in own.glob("*.log"))
            return rounds >= LEAST_ROUNDS and 2 * first_here > log_ends(source, topic)[0]

        await asyncio.to_thread(wait_until, one_more, "most of the log has left the broker's disk", 120)
        assert list((tmp_path / "tier").rglob("*.log"))
        assert log_starts(source, topic) == [0], "and can be read all the same"
        async with mirroring(source, destination) as link:
            await link.create(topic)
            await link.wait_for_ends(topic, 120)
            assert (await link.compare(topic)).records == rounds * 330
            await asyncio.to_thread(produce, source, topic, numbered(10, 990_000))
            await link.wait_for_ends(topic)
            assert (await link.compare(topic)).records == rounds * 330 + 10
            assert link.statuses(topic)[0].lost == []
