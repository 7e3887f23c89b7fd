"""Cycles of the topic config sync between two real clusters (MIRROR-80..91)."""

from __future__ import annotations

import pytest

from pipeline.cluster.admin import Admin
from pipeline.link.models import Mirror, TaskError
from pipeline.link.states import MirrorStatus, TaskErrorCode
from pipeline.link.topic_configs import DEFAULT_INCLUDE, LONGEST_MS, held_back
from pipeline.sync.topic_configs import ConfigReport, Rules, Wanted, changed_row, follow_configs, source_configs
from tests.broker.cluster.eventually import create, eventually


class Pair:
    """A source topic and its mirror, of one name."""

    def __init__(self, remote: Admin, own: Admin, topic: str, **configs: str) -> None:
        self.remote, self.own, self.topic = remote, own, topic
        given = {name.replace("_", "."): value for name, value in configs.items()}
        self.mirror = Mirror("link", topic, topic, partitions=1, status=MirrorStatus.ACTIVE, configs=given)
        self.last: dict[str, Wanted] = {}
        self.errors: list[TaskError] = []

    async def cycle(self, include: tuple[str, ...] = DEFAULT_INCLUDE, limit: int | None = None) -> ConfigReport:
        sources = await source_configs(self.remote, [self.mirror], self.errors)
        if self.topic in sources:
            self.mirror = changed_row(self.mirror, sources[self.topic]) or self.mirror
        rules = Rules(include, set(await self.own.topic_configs(self.topic)), limit)
        return await follow_configs(self.own, [self.mirror], sources, rules, self.last)

    async def shows(self, name: str, value: str) -> None:
        """The mirror has this value, as soon as its brokers have heard of it."""
        await eventually(lambda: self.own.topic_configs(self.topic), lambda found: (found[name].value or "") == value)


@pytest.fixture
async def pair(remote: Admin, own: Admin, topic: str) -> Pair:
    for admin in (remote, own):
        await create(admin, topic, 1)
    return Pair(remote, own, topic)


async def test_a_change_at_the_source_shows_on_the_mirror_and_nothing_more_is_done(pair: Pair) -> None:
    """MIRROR-87, MIRROR-89, TASK-50."""
    assert (await pair.cycle()).followed > 0
    await pair.shows("message.timestamp.before.max.ms", LONGEST_MS)
    await eventually(pair.cycle, lambda found: (found.followed, found.repaired) == (0, 0))
    await pair.remote.alter_topic_configs(pair.topic, {"retention.ms": "1234567", "min.insync.replicas": "1"})
    await eventually(pair.cycle, lambda found: (found.followed, found.repaired) == (1, 0))
    await pair.shows("retention.ms", "1234567")
    await pair.remote.alter_topic_configs(pair.topic, delete=["retention.ms"])
    await eventually(pair.cycle, lambda found: found.followed == 1)
    await pair.shows("retention.ms", str(7 * 24 * 3_600_000))


async def test_what_was_changed_by_hand_is_set_back_and_counted(pair: Pair) -> None:
    """MIRROR-88; independent names are not touched (MIRROR-82)."""
    await pair.cycle()
    await eventually(pair.cycle, lambda found: found.followed == 0)
    by_hand = {"retention.ms": "5", "compression.type": "gzip", "min.insync.replicas": "1"}
    await pair.own.alter_topic_configs(pair.topic, by_hand)
    report = await eventually(pair.cycle, lambda found: found.repaired > 0)
    assert (report.repaired, report.followed) == (2, 0)
    await pair.shows("compression.type", "producer")
    assert (await pair.own.topic_configs(pair.topic))["min.insync.replicas"].is_default is False


async def test_a_name_left_out_of_the_list_stays_as_it_was_set(remote: Admin, own: Admin, topic: str) -> None:
    """MIRROR-86, RUN-25."""
    for admin in (remote, own):
        await create(admin, topic, 1)
    longer = Pair(remote, own, topic, retention_ms="7776000000")
    include = tuple(name for name in DEFAULT_INCLUDE if name != "retention.ms")
    await longer.cycle(include)
    await longer.shows("retention.ms", "7776000000")
    await remote.alter_topic_configs(topic, {"retention.ms": "1000000"})
    await eventually(lambda: longer.cycle(include), lambda found: found.followed == 0)
    await longer.shows("retention.ms", "7776000000")


async def test_the_row_learns_of_the_cleanup_policy_and_of_what_is_held_back(pair: Pair) -> None:
    """MIRROR-90: what the mirror shows when it stops."""
    await pair.cycle()
    assert pair.mirror.cleanup_policy == "delete"
    changed = {"cleanup.policy": "compact", "compression.type": "zstd", "message.timestamp.type": "LogAppendTime"}
    await pair.remote.alter_topic_configs(pair.topic, changed)
    await eventually(pair.cycle, lambda found: pair.mirror.cleanup_policy == "compact")
    assert {name: pair.mirror.source_configs[name] for name in changed} == changed
    assert held_back(pair.mirror.source_configs) == pair.mirror.source_configs
    await pair.shows("cleanup.policy", "compact")
    await pair.shows("message.timestamp.type", "CreateTime")


async def test_a_batch_larger_than_the_brokers_take_is_said(pair: Pair) -> None:
    """MIRROR-91."""
    await pair.remote.alter_topic_configs(pair.topic, {"max.message.bytes": "200000000"})
    limit = int((await pair.own.broker_configs())["socket.request.max.bytes"].value or 0)
    report = await eventually(lambda: pair.cycle(limit=limit), lambda found: found.errors)
    (error,) = report.errors
    assert error.error_code is TaskErrorCode.POLICY_VIOLATION_ERROR
    assert "200000000" in error.error_message and str(limit) in error.error_message


async def test_a_source_topic_that_is_gone_is_named(pair: Pair) -> None:
    """STATE-43."""
    await pair.remote.delete_topic(pair.topic)
    await eventually(pair.cycle, lambda _: pair.errors)
    assert pair.errors[0].error_code is TaskErrorCode.UNKNOWN_TOPIC_OR_PARTITION_ERROR
    assert pair.topic in pair.errors[0].error_message
