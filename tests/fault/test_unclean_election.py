"""A source that loses records by an unclean election: found, though its log has grown past the mirror's, and though
another worker has read what was lost (MIRROR-18).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]

from pipeline.link.models import Position
from pipeline.link.states import MirrorError
from pipeline.local.cluster import LocalCluster
from pipeline.local.options import QUICK_FENCING, ClusterOptions
from tests.support.asking import Rest, checked
from tests.support.clients import create_topics, log_ends
from tests.support.consuming import consume
from tests.support.mirroring import LINK, Mirrored, Mirroring, mirroring
from tests.support.producing import numbered, produce
from tests.support.workers import WorkerProcess, wait_until

STAYS_BEHIND, LEADS = 3, 2
BEFORE, LOST, AFTER = 100, 100, 300


@pytest.mark.timeout(400)
async def test_what_an_unclean_election_has_cut_is_not_written_over(
    destination: LocalCluster, tmp_path: Path, unique: Callable[[str], str]
) -> None:
    """200 records are mirrored, the source loses 100 of them and gets 300 others before it is read again.

    `read` by the worker that had read the lost ones; `taken` by another, who knows the position that was reported last;
    `late` by another, the last position being from before the lost ones came: only their content tells. `worked` is a
    real worker's, which is killed meanwhile and starts again. `sound` loses nothing: its leader changed after the last
    position, and that must stop nobody.
    """
    options = ClusterOptions(brokers=3, heap_mb=256, properties=QUICK_FENCING)
    read, taken, late, sound = topics = [unique(name) for name in ("read", "taken", "late", "sound")]
    worked, name = unique("worked"), unique("link")
    with (
        LocalCluster(options) as source,
        WorkerProcess(destination.bootstrap_servers, tmp_path) as worker,
        Rest(worker, destination) as rest,
    ):
        create(source, [*topics, worked])
        for topic in (*topics, worked):
            await asyncio.to_thread(produce, source, topic, numbered(BEFORE))
        checked(rest.create_link(name, source))
        checked(rest.create_mirror(name, worked))
        async with mirroring(source, destination) as link:
            for topic in topics:
                await link.create(topic)
                await link.wait_for_ends(topic)
            early = {status.piece.mirror_topic: status.position() for status in link.engine.statuses}
            assert all(position.source_epoch >= 0 for position in early.values())
            await asyncio.to_thread(source.stop_broker, STAYS_BEHIND)
            for topic in (read, taken, late):
                await asyncio.to_thread(produce, source, topic, numbered(LOST, BEFORE))
                await link.wait_for_ends(topic)
            await asyncio.to_thread(produce, source, worked, numbered(LOST, BEFORE))
            await asyncio.to_thread(
                wait_until, lambda: reported(rest, name, worked) == [BEFORE + LOST], "it is known", 60
            )
            worker.kill()
            left = [await link.leave(topic) for topic in (taken, late)]
            forget_since(link, left[1], early[late])
            may_read = asyncio.Event()
            link.engine.links[LINK].throttle.wait = may_read.wait  # type: ignore[method-assign]
            await asyncio.to_thread(source.stop_broker, LEADS, True)
            await asyncio.to_thread(source.start_broker, STAYS_BEHIND)
            for topic in (*topics, worked):
                await asyncio.to_thread(produce, source, topic, numbered(AFTER, 1_000))
                assert await asyncio.to_thread(log_ends, source, topic) == [BEFORE + AFTER]
            may_read.set()
            for mirrored in left:
                await link.start(mirrored)
            for topic in (read, taken, late):
                status = await link.failure(topic, 60)
                assert status.error is MirrorError.UNEXPECTED_TRUNCATION, topic
                assert f"cut at offset {BEFORE}" in status.error_message, topic
            worker.launch()
            await asyncio.to_thread(worker.wait_until_ready)
            await asyncio.to_thread(rest.wait_for_status, name, worked, "FAILED")
            assert rest.mirror(name, worked)["mirror_topic_error"] == "UNEXPECTED_TRUNCATION"
            await link.wait_for_ends(sound)
            mirrored = await link.leave(sound)
            forget_since(link, mirrored, early[sound])
            await asyncio.to_thread(produce, source, sound, numbered(AFTER, 2_000))
            await link.start(mirrored)
            await link.wait_for_ends(sound)
            assert (await link.compare(sound)).records == BEFORE + 2 * AFTER
        for topic in (read, taken, late, worked):
            kept = await asyncio.to_thread(consume, destination, topic)
            assert [record.value for record in kept] == [sent.value for sent in numbered(BEFORE + LOST)], topic


def reported(rest: Rest, link: str, topic: str) -> list[int]:
    """How far each partition of a mirror is, as workers know from one another."""
    return [row["local_log_end_offset"] for row in rest.mirror(link, topic)["partition_states"]]


def forget_since(link: Mirroring, mirrored: Mirrored, position: Position) -> None:
    """As if the worker that copied a mirror had died before it reported anything later."""
    (piece,) = mirrored.pieces
    link.reported[piece] = position


def create(source: LocalCluster, topics: Sequence[str]) -> None:
    """Topics of two brokers, which rather serve what is left than nothing."""
    configs = {"unclean.leader.election.enable": "true", "min.insync.replicas": "1"}
    new = [NewTopic(topic, 1, replica_assignment=[[LEADS, STAYS_BEHIND]], config=configs) for topic in topics]
    create_topics(source, *new)
