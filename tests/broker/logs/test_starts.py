"""Where a mirror begins: sources that do not begin at 0, and `mirror.start.offset.spec` (MIRROR-60..65, MIRROR-14)."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime

import pytest

from pipeline.local.cluster import LocalCluster
from pipeline.metrics.meter import METER
from pipeline.wire.filler import filler_batch
from tests.support.batches import NOBODY, produce_batches
from tests.support.clients import create_topic, log_ends, log_starts
from tests.support.consuming import consume
from tests.support.mirroring import LINK, SCALE, Mirroring
from tests.support.producing import Sent, TransactionalProducer, numbered, produce

log = logging.getLogger(__name__)
BLOCK = 500_000
FOREVER = {"retention_ms": "-1"}
"""Old timestamps: the brokers' retention would take such records away while the test runs."""


async def begin_at(link: Mirroring, topic: str, start: int, partition: int = 0, key: bytes | None = None) -> None:
    """Move the start of a source partition's log there: filler, then DeleteRecords."""
    size = min(BLOCK, start)
    block = filler_batch(size, NOBODY, key, int(time.time() * 1000))
    batches: list[list[bytes]] = [[] for _ in range(partition)]
    rest = [filler_batch(start % size, NOBODY, key, int(time.time() * 1000))] if start % size else []
    await produce_batches(link.source, topic, [*batches, [block] * (start // size) + rest])
    await link.remote.delete_records({(topic, partition): start})


@pytest.mark.timeout(300)
async def test_a_log_that_begins_at_five_million(link: Mirroring, topic: str) -> None:
    start = 5_000_000 * SCALE
    create_topic(link.source, topic, 2)
    await begin_at(link, topic, start)
    produce(link.source, topic, [*numbered(1000), *numbered(10, partition=1)], codec="lz4")
    await link.create(topic)
    took = await link.wait_for_starts(topic, 200)
    log.info("seeding: %d offsets/s (%d in %.1f s)", start / took, start, took)
    await link.wait_for_ends(topic)
    assert (await link.compare(topic)).records == 1010
    assert await asyncio.to_thread(log_starts, link.destination, topic, 2) == [start, 0]


@pytest.mark.timeout(300)
async def test_a_compacted_log_that_does_not_begin_at_0(link: Mirroring, topic: str) -> None:
    """DeleteRecords is refused on `compact` (44), so the mirror is seeded under `compact,delete`."""
    create_topic(link.source, topic, cleanup_policy="compact,delete")
    await begin_at(link, topic, 300_000, key=b"filler")
    await link.remote.alter_topic_configs(topic, {"cleanup.policy": "compact"})
    produce(link.source, topic, numbered(100))
    await link.create(topic)
    await link.wait_for_starts(topic)
    await link.wait_for_ends(topic)
    await link.compare(topic)
    assert (await link.own.topic_configs(topic))["cleanup.policy"].value == "compact"


@pytest.mark.timeout(300)
async def test_the_source_deletes_while_the_mirror_is_seeded(link: Mirroring, topic: str) -> None:
    """The start moves above the one that was seeded: it is followed, and the range reported (MIRROR-14)."""
    create_topic(link.source, topic)
    await begin_at(link, topic, 1_000_000)
    produce(link.source, topic, numbered(1000))
    await link.create(topic)
    await link.remote.delete_records({(topic, 0): 1_000_400})
    await link.wait_for_ends(topic, 120)
    await link.compare(topic, same_starts=False)
    (status,) = link.statuses(topic)
    assert status.lost in ([(1_000_000, 1_000_399)], [])
    if status.lost:
        assert await asyncio.to_thread(log_starts, link.destination, topic) == [1_000_400]
    first = (await asyncio.to_thread(consume, link.destination, topic, start=1_000_400))[0]
    assert (first.offset, first.value) == (1_000_400, numbered(1, 400)[0].value)


@pytest.mark.timeout(300)
async def test_a_source_start_that_overtakes_the_mirror(
    link: Mirroring, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    """While nobody copied, the source has deleted what comes next: followed, and in status, log and metric."""
    create_topic(link.source, topic, 2)
    produce(link.source, topic, [*numbered(100), *numbered(100, partition=1)])
    mirrored = await link.create(topic)
    await link.wait_for_ends(topic)
    await link.leave(topic)
    produce(link.source, topic, [*numbered(100, 100), *numbered(100, 100, partition=1)])
    await link.remote.delete_records({(topic, 0): 150})
    await link.start(mirrored)
    await link.wait_for_ends(topic)
    assert [status.lost for status in link.statuses(topic)] == [[(100, 149)], []]
    assert f"{topic}-0: offsets 100 to 149 were deleted at the source" in caplog.text
    counted = METER.all_numbers()
    assert counted["clusterlink_lost_ranges_total"][LINK, topic] == 1
    assert counted["clusterlink_lost_offsets_total"][LINK, topic] == 50
    assert await asyncio.to_thread(log_starts, link.destination, topic, 2) == [150, 0]
    await link.compare(topic, same_starts=False)
    assert [r.offset for r in await asyncio.to_thread(consume, link.destination, topic)] == list(range(150, 200))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("policy", ["delete", "compact"])
async def test_a_worker_dies_while_it_follows_a_start(
    link: Mirroring, topic: str, policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Filled, and not deleted yet: the next worker does that before anything else, and nobody reads filler for long.

    DeleteRecords is refused on `compact` (44), which the mirror may have by then.
    """
    create_topic(link.source, topic, cleanup_policy="compact,delete")
    produce(link.source, topic, numbered(100))
    mirrored = await link.create(topic)
    await link.wait_for_ends(topic)
    await link.leave(topic)
    await link.own.alter_topic_configs(topic, {"cleanup.policy": "compact,delete" if policy == "delete" else policy})
    produce(link.source, topic, numbered(100, 100))
    await link.remote.delete_records({(topic, 0): 150})
    died = asyncio.Event()

    async def dies(*_: object) -> None:
        died.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as dying:
        dying.setattr(link.target, "delete_records", dies)
        await link.start(mirrored)
        async with asyncio.timeout(60):
            await died.wait()
        assert link.statuses(topic)[0].lost == [(100, 149)]
        await link.leave(topic)
    assert await asyncio.to_thread(log_ends, link.destination, topic) == [150]
    assert await asyncio.to_thread(log_starts, link.destination, topic) == [0]
    await link.start(mirrored)
    await link.wait_for_ends(topic)
    assert await asyncio.to_thread(log_starts, link.destination, topic) == [150]
    await link.compare(topic, same_starts=False)


@pytest.mark.timeout(300)
async def test_earliest_latest_and_a_time(link: Mirroring, topic: str) -> None:
    """Each partition by itself: the mirror's log begins at the first offset that is mirrored (MIRROR-64)."""
    create_topic(link.source, topic, 3, **FOREVER)
    noon = 1_700_000_000_000
    for partition in (0, 1):
        times = [noon + 1000 * n for n in range(100 * (partition + 1))]
        produce(link.source, topic, [Sent(b"%d" % t, b"k", partition=partition, timestamp_ms=t) for t in times])

    def after(seconds: int) -> str:
        return datetime.fromtimestamp(noon / 1000 + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000")

    for number, spec in enumerate(("earliest", "latest", after(40), after(150))):
        ends = await asyncio.to_thread(log_ends, link.source, topic, 3)
        starts = ([0, 0, 0], ends, [40, 40, ends[2]], [ends[0], 150, ends[2]])[number]
        mirror = f"{topic}-{number}"
        made = await link.create(topic, mirror, spec)
        assert [piece.start_offset for piece in made.pieces] == starts
        await link.wait_for_starts(topic)
        produce(link.source, topic, [Sent(b"new", b"k", partition=p, timestamp_ms=noon) for p in range(3)])
        await link.wait_for_ends(topic)
        await link.compare(topic)
        assert await asyncio.to_thread(log_starts, link.destination, mirror, 3) == starts
        await link.leave(topic)


@pytest.mark.timeout(300)
async def test_a_start_inside_a_batch_and_inside_a_transaction(link: Mirroring, topic: str) -> None:
    create_topic(link.source, topic, **FOREVER)
    produce(link.source, topic, [Sent(b"%d" % n, b"k", timestamp_ms=1000 + n) for n in range(50)], codec="zstd")
    producer = TransactionalProducer(link.source, topic)
    producer.aborted([Sent(b"never", b"k", timestamp_ms=2000 + n) for n in range(30)])
    producer.committed([Sent(b"%d" % n, b"k", timestamp_ms=3000 + n) for n in range(30)])
    for mirror, time_ms, start in (
        ("inside-batch", 1020, 20),
        ("inside-aborted", 2010, 60),
        ("marker", 3010, 80),
    ):
        spec = datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds")
        made = await link.create(topic, f"{topic}-{mirror}", spec)
        assert made.pieces[0].start_offset == start
        await link.wait_for_ends(topic)
        await link.compare(topic)
        await link.leave(topic)


@pytest.mark.timeout(300)
async def test_seeding_taken_over_in_the_middle(source: LocalCluster, link: Mirroring, topic: str) -> None:
    create_topic(source, topic)
    await begin_at(link, topic, 2_000_000)
    produce(source, topic, numbered(10))
    await link.create(topic)
    deadline = time.monotonic() + 60
    while not 0 < (await asyncio.to_thread(log_ends, link.destination, topic))[0] < 2_000_000:
        assert time.monotonic() < deadline
        if link.statuses(topic)[0].is_seeded:
            break
    await link.restart()
    await link.wait_for_ends(topic, 120)
    await link.compare(topic)
