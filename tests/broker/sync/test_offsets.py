"""Cycles of the offset sync between two real clusters (TASK-1..20)."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Mapping

import pytest
from confluent_kafka import Consumer

from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.group_offsets import CommittedOffset
from pipeline.link.models import Mirror
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import MirrorStatus, TaskErrorCode
from pipeline.local.cluster import LocalCluster
from pipeline.sync.final_clamp import clamp_groups
from pipeline.sync.marks import Marks
from pipeline.sync.offsets import OffsetJob, OffsetReport, sync_offsets
from tests.support.clients import configuration, create_topic
from tests.support.producing import numbered, produce


class Link:
    """What a link's task is: settings, mirrors, and marks kept from one cycle to the next."""

    def __init__(self, remote: Admin, own: Admin, mirrors: Mapping[str, int], include: str, **more: str) -> None:
        filters = {"groupFilters": [{"name": include, "patternType": "PREFIXED", "filterType": "INCLUDE"}]}
        configs = {
            "consumer.offset.sync.enable": "true",
            "consumer.offset.group.filters": json.dumps(filters),
            **{name.replace("_", "."): value for name, value in more.items()},
        }
        self.remote, self.own = remote, own
        self.settings = LinkSettings.of(configs)
        self.mirrors = [
            Mirror("link", self.settings.mirror_name(topic), topic, partitions=count, status=MirrorStatus.ACTIVE)
            for topic, count in mirrors.items()
        ]
        self.known: dict[str, Marks] = {}

    async def cycle(self) -> OffsetReport:
        job = OffsetJob(self.settings, self.mirrors, lambda group: self.known.get(group, {}), self.keep)
        return await sync_offsets(self.remote, self.own, job)

    async def keep(self, news: Mapping[str, Marks]) -> bool:
        self.known |= {group: self.known.get(group, {}) | marks for group, marks in news.items()}
        return True


@pytest.fixture
def mirrored(source: LocalCluster, destination: LocalCluster, topic: str) -> str:
    """A topic with 20 records at the source and 12 on the mirror so far."""
    for cluster, records in ((source, 20), (destination, 12)):
        create_topic(cluster, topic)
        produce(cluster, topic, numbered(records))
    return topic


async def committed(admin: Admin, group: str, topic: str) -> int | None:
    found = (await admin.group_offsets(group)).get((topic, 0))
    return None if found is None else found.offset


async def test_offsets_are_carried_clamped_and_raised(
    remote: Admin, own: Admin, destination: LocalCluster, mirrored: str
) -> None:
    """TASK-1, 2, 4, 5, 6, 8, 11: RUN-7's clamp too."""
    group = f"{mirrored}-g"
    await remote.alter_group_offsets(group, {(mirrored, 0): CommittedOffset(5, "a note")})
    link = Link(remote, own, {mirrored: 1}, mirrored)
    first = await link.cycle()
    assert (first.errors, first.groups, first.written) == ([], 1, 1)
    assert await own.group_offsets(group) == {(mirrored, 0): CommittedOffset(5, "a note")}
    assert (await link.cycle()).written == 0
    await remote.alter_group_offsets(group, {(mirrored, 0): CommittedOffset(18)})
    ahead = await link.cycle()
    assert (ahead.written, ahead.clamped) == (1, 1)
    assert await committed(own, group, mirrored) == 12
    produce(destination, mirrored, numbered(3, start=12))
    await link.cycle()
    assert await committed(own, group, mirrored) == 15
    await remote.alter_group_offsets(group, {(mirrored, 0): CommittedOffset(2)})
    await link.cycle()
    assert await committed(own, group, mirrored) == 2


async def test_below_the_mirrors_start_is_its_start(remote: Admin, own: Admin, mirrored: str) -> None:
    """TASK-7."""
    group = f"{mirrored}-g"
    await own.delete_records({(mirrored, 0): 4})
    await remote.alter_group_offsets(group, {(mirrored, 0): CommittedOffset(1)})
    await Link(remote, own, {mirrored: 1}, mirrored).cycle()
    assert await committed(own, group, mirrored) == 4


async def test_only_mirrors_and_only_what_the_filters_select(
    remote: Admin, own: Admin, source: LocalCluster, destination: LocalCluster, mirrored: str
) -> None:
    """TASK-2, FILT-11, FILT-13: the group's other topic and other groups are not touched; the prefix is put on."""
    other, group, unselected = f"{mirrored}-other", f"{mirrored}-g", f"not-{mirrored}"
    create_topic(source, other)
    produce(source, other, numbered(3))
    create_topic(destination, f"dr.{mirrored}")
    produce(destination, f"dr.{mirrored}", numbered(12))
    for each in (group, unselected):
        await remote.alter_group_offsets(each, {(mirrored, 0): CommittedOffset(5), (other, 0): CommittedOffset(2)})
    link = Link(remote, own, {mirrored: 1}, mirrored, cluster_link_prefix="dr.", consumer_group_prefix_enable="true")
    report = await link.cycle()
    assert (report.errors, report.written) == ([], 1)
    assert await own.group_offsets(f"dr.{group}") == {(f"dr.{mirrored}", 0): CommittedOffset(5)}
    assert await own.groups_offsets([group, unselected, f"dr.{unselected}"]) == {
        group: {},
        unselected: {},
        f"dr.{unselected}": {},
    }


@pytest.fixture(params=["classic", "consumer"])
def reader(request: pytest.FixtureRequest, destination: LocalCluster, mirrored: str) -> Iterator[Consumer]:
    """A consumer of either protocol on the destination, in the group that is synced; it joins when polled."""
    consumer = Consumer(
        configuration(
            destination,
            **{
                "group.id": f"{mirrored}-g",
                "group.protocol": request.param,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
            },
        )
    )
    yield consumer
    consumer.close()


def read(consumer: Consumer, count: int) -> list[int]:
    found: list[int] = []
    deadline = time.monotonic() + 40
    while len(found) < count and time.monotonic() < deadline:
        for message in consumer.consume(count - len(found), 0.2):
            assert message.error() is None
            found.append(int(message.offset() or 0))
    return found


async def test_a_live_group_is_left_alone_and_its_own_commits_win(
    remote: Admin, own: Admin, mirrored: str, reader: Consumer
) -> None:
    """TASK-3, 9, 10, RUN-2: it reads on where it was on the source, and is not set back."""
    group = f"{mirrored}-g"
    await remote.alter_group_offsets(group, {(mirrored, 0): CommittedOffset(5)})
    link = Link(remote, own, {mirrored: 1}, mirrored)
    await link.cycle()
    reader.subscribe([mirrored])
    assert await asyncio.to_thread(read, reader, 5) == [5, 6, 7, 8, 9]
    await remote.alter_group_offsets(group, {(mirrored, 0): CommittedOffset(7)})
    live = await link.cycle()
    assert [error.error_code for error in live.errors] == [TaskErrorCode.CONSUMER_GROUP_IN_USE_ERROR]
    assert group in live.errors[0].error_message
    assert await committed(own, group, mirrored) == 5
    await asyncio.to_thread(reader.commit, asynchronous=False)
    await asyncio.to_thread(reader.close)
    for _ in range(2):
        idle = await link.cycle()
        assert (idle.errors, idle.written, idle.kept) == ([], 0, 1)
        assert await committed(own, group, mirrored) == 10
    await remote.alter_group_offsets(group, {(mirrored, 0): CommittedOffset(8)})
    assert (await link.cycle()).written == 1
    assert await committed(own, group, mirrored) == 8


async def test_a_group_deleted_at_the_source_keeps_its_offsets_here(remote: Admin, own: Admin, mirrored: str) -> None:
    """TASK-12."""
    group = f"{mirrored}-g"
    await remote.alter_group_offsets(group, {(mirrored, 0): CommittedOffset(5)})
    link = Link(remote, own, {mirrored: 1}, mirrored)
    await link.cycle()
    await remote.delete_group_offsets(group, [(mirrored, 0)])
    assert (await link.cycle()).errors == []
    assert await committed(own, group, mirrored) == 5


async def test_what_lies_above_the_end_of_a_stopped_mirror_is_lowered(own: Admin, mirrored: str) -> None:
    """MIRROR-70: 105 and an end of 100 make 100."""
    group = f"{mirrored}-g"
    await own.alter_group_offsets(group, {(mirrored, 0): CommittedOffset(105, "kept")})
    assert await clamp_groups(own, [group, f"{group}-none"], {(mirrored, 0): 100}, 10) == {}
    assert await own.group_offsets(group) == {(mirrored, 0): CommittedOffset(100, "kept")}
    assert await clamp_groups(own, [group], {(mirrored, 0): 100}, 10) == {}
