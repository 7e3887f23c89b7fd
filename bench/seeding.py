"""A source whose log begins far above 0: how fast the mirror is brought to begin there (MIRROR-64)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from functools import partial

from bench.cases import Case
from bench.loading import create_topic, delete_topic
from bench.measures import OURS, Measure
from bench.measuring import figures
from bench.running import Bench, Outcome, Starter
from bench.streaming import Stream
from pipeline.cluster.admin import Admin
from pipeline.cluster.data import DataClient
from pipeline.cluster.security import client_arguments
from pipeline.local.cluster import LocalCluster
from pipeline.wire.batch import Stamp
from pipeline.wire.filler import filler_batch
from pipeline.wire.requests.produce import ProduceBatch, ProduceRequest

BLOCK = 500_000
NOBODY = Stamp(-1, -1, -1)
RECORDS = 10
RECORD_BYTES = 100


def measure(bench: Bench, case: Case, start: int, _starters: Sequence[Starter]) -> Iterator[Outcome]:
    """One partition that begins at `start`, with a few records; the rate is of offsets of the mirror."""
    topic, servers = f"bench-{case.name}", bench.source.bootstrap_servers
    create_topic(servers, topic, case.partitions)
    asyncio.run(_begin_at(bench.source, topic, start))
    Stream(servers, topic, case.partitions, RECORD_BYTES).send(range(RECORDS))
    bench.say(f"{case.title}: the source begins at {start:,}")
    with bench.ours() as worker:
        worker.link()
        samples = bench.watch(partial(worker.mirror, topic), worker, topic, case.partitions, start + RECORDS)
        found = figures(samples, start + RECORDS, start + RECORDS, RECORD_BYTES)
        worker.wait_until_active(1)
    shown = {Measure.OFFSETS_PER_S: found[Measure.RECORDS_PER_S], Measure.RSS_MB: found[Measure.RSS_MB]}
    yield bench.outcome(case, OURS, shown, topic, samples)
    delete_topic(servers, topic)


async def _begin_at(cluster: LocalCluster, topic: str, start: int) -> None:
    """Filler of our own, then DeleteRecords: the quickest way to a log that begins there."""
    security = client_arguments(cluster.client_properties())
    client = DataClient(security)
    async with Admin(security) as admin:
        await client.start()
        block = filler_batch(BLOCK, NOBODY, None, int(time.time() * 1000))
        for _ in range(start // BLOCK):
            node = await client.find_leader(topic, 0)
            answer = await client.send(node, ProduceRequest([ProduceBatch(topic, 0, block)]))
            if any(each.error_code for each in answer.partitions):
                raise RuntimeError(f"the source does not take filler: {answer}")
        await admin.delete_records({(topic, 0): start})
    await client.close()
