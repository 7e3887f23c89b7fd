"""`python -m bench.groups`: a cycle of the consumer offset sync over many groups (TASK-19). Exits 1 if it is too slow.

The goal is 1,000 groups of 100 partitions within the default interval of 30 s, with the default number of requests in
flight, all offsets new: the first cycle of a link. The second cycle finds nothing to write.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import click

from bench.running import two_clusters
from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.group_offsets import CommittedOffset
from pipeline.cluster.security import client_arguments
from pipeline.link.models import Mirror
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import MirrorStatus
from pipeline.sync.batches import at_most
from pipeline.sync.marks import Marks
from pipeline.sync.offsets import OffsetJob, OffsetReport, sync_offsets

GOAL_S = 30.0
TOPIC = "bench-groups"


@dataclass
class Sync:
    """The task of a link with one mirror, its memory included."""

    source: Admin
    own: Admin
    partitions: int
    known: dict[str, Marks] = field(default_factory=dict)

    async def cycle(self) -> tuple[OffsetReport, float, float]:
        """Run it; what came of it, seconds, and seconds of our CPU."""
        every = {"groupFilters": [{"name": "bench-", "patternType": "PREFIXED", "filterType": "INCLUDE"}]}
        settings = LinkSettings.of({"consumer.offset.group.filters": json.dumps(every)})
        mirror = Mirror("link", TOPIC, TOPIC, partitions=self.partitions, status=MirrorStatus.ACTIVE)
        job = OffsetJob(settings, [mirror], lambda group: self.known.get(group, {}), self._keep)
        began, cpu = time.monotonic(), time.process_time()
        report = await sync_offsets(self.source, self.own, job)
        return report, time.monotonic() - began, time.process_time() - cpu

    async def _keep(self, news: Mapping[str, Marks]) -> bool:
        self.known |= {group: self.known.get(group, {}) | marks for group, marks in news.items()}
        return True


async def measure(source: Admin, own: Admin, groups: int, partitions: int) -> float:
    """Print both cycles; seconds of the first."""
    for admin in (source, own):
        await admin.create_topic(TOPIC, partitions)
        while len((await admin.describe_topics([TOPIC]))[TOPIC].partitions) < partitions:
            await asyncio.sleep(0.1)
    offsets = {(TOPIC, number): CommittedOffset(0) for number in range(partitions)}
    names = [f"bench-{number}" for number in range(groups)]
    await at_most(20, names, lambda name: source.alter_group_offsets(name, offsets))
    sync = Sync(source, own, partitions)
    took = []
    for number in ("first", "second"):
        report, seconds, cpu = await sync.cycle()
        took.append(seconds)
        click.echo(
            f"{number} cycle: {report.groups} groups, {report.written} offsets written in {seconds:.1f} s, "
            f"{cpu:.1f} s of CPU, {len(report.errors)} errors"
        )
    return took[0]


@click.command()
@click.option("--groups", default=1_000, show_default=True)
@click.option("--partitions", default=100, show_default=True)
def main(groups: int, partitions: int) -> None:
    """Measure the consumer offset sync on two real brokers of this machine."""

    async def run() -> float:
        with two_clusters() as (source, destination):
            connections = [client_arguments(each.client_properties()) for each in (source, destination)]
            async with Admin(connections[0]) as there, Admin(connections[1]) as here:
                return await measure(there, here, groups, partitions)

    seconds = asyncio.run(run())
    is_met = seconds <= GOAL_S
    click.echo(f"{'met' if is_met else 'MISSED'}: one cycle within {GOAL_S:.0f} s")
    sys.exit(0 if is_met else 1)


if __name__ == "__main__":
    main()
