"""A cycle of the consumer offset sync over many groups (TASK-19).

The goal is 1,000 groups of 100 partitions within the default interval of 30 s, with the default number of requests in
flight, all offsets new: the first cycle of a link. The second cycle finds nothing to write.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.cases import Case
from bench.loading import delete_topic
from bench.measures import OURS, Measure
from bench.running import Bench, Outcome, Say, Starter
from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.group_offsets import CommittedOffset
from pipeline.cluster.security import client_arguments
from pipeline.link.models import Mirror
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import MirrorStatus
from pipeline.sync.batches import at_most
from pipeline.sync.marks import Marks
from pipeline.sync.offsets import OffsetJob, OffsetReport, sync_offsets

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


async def cycles(source: Admin, own: Admin, groups: int, partitions: int, say: Say) -> float:
    """Run both cycles; seconds of the first."""
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
        if report.errors or report.written != (groups * partitions if number == "first" else 0):
            raise RuntimeError(f"{number} cycle: {report.written} offsets written, errors {report.errors}")
        say(
            f"  {number} cycle: {report.groups} groups, {report.written} offsets written in {seconds:.1f} s, "
            f"{cpu:.1f} s of CPU, {len(report.errors)} errors"
        )
    return took[0]


async def _measured(bench: Bench, groups: int, partitions: int) -> float:
    sides = [client_arguments(each.client_properties()) for each in (bench.source, bench.destination)]
    async with Admin(sides[0]) as source, Admin(sides[1]) as own:
        return await cycles(source, own, groups, partitions, bench.say)


def measure(bench: Bench, case: Case, groups: int, _starters: Sequence[Starter]) -> Iterator[Outcome]:
    """The task itself, in this process: no worker, no link. Every offset is new in the first cycle."""
    seconds = asyncio.run(_measured(bench, groups, case.partitions))
    yield Outcome(case, OURS, {Measure.SECONDS: seconds})
    for cluster in (bench.source, bench.destination):
        delete_topic(cluster.bootstrap_servers, TOPIC)
