"""Topics deleted here, partitions added and lost there (MIRROR-37, MIRROR-41, MIRROR-92)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.cluster.errors import ClusterError, KafkaFailure, Unreachable
from pipeline.cluster.metadata import PartitionInfo, TopicInfo
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.duties import Duty
from pipeline.lifecycle.partition_counts import PartitionCounts, grown
from pipeline.lifecycle.topics_gone import TopicsGone
from pipeline.link.models import Link
from pipeline.link.states import MirrorError, MirrorStatus
from tests.unit.lifecycle.rows import LINK, Rows, mirror


def topic(name: str, topic_id: str, partitions: int = 2) -> TopicInfo:
    return TopicInfo(name, topic_id, {p: PartitionInfo(0, 0, (0,)) for p in range(partitions)})


class Side:
    """A cluster with topics; `refusals` come first."""

    def __init__(self, *topics: TopicInfo) -> None:
        self.topics = {each.name: each for each in topics}
        self.refusals: list[ClusterError] = []
        self.grown: list[tuple[str, int]] = []

    async def list_topics(self) -> dict[str, TopicInfo]:
        return dict(self.topics)

    async def describe_topics(self, names: Any) -> dict[str, TopicInfo]:
        if self.refusals and isinstance(self.refusals[0], Unreachable):
            raise self.refusals.pop(0)
        return {name: self.topics.get(name) or TopicInfo(name, "", {}, error=3) for name in names}

    async def create_partitions(self, name: str, count: int) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.grown.append((name, count))


class Registry:
    def __init__(self) -> None:
        self.forgotten: list[str] = []

    async def forget(self, topic_id: str) -> None:
        self.forgotten.append(topic_id)


async def settle(rows: Rows, duty: Duty) -> bool:
    decision = Decision(rows.model, "l")
    duty.decide(decision)
    if not decision.is_empty:
        await rows.send_outcome(decision.outcome("w").to_json())
    return not decision.is_empty


@pytest.mark.parametrize("status", list(MirrorStatus))
async def test_a_mirror_goes_with_its_topic_whatever_its_state(status: MirrorStatus) -> None:
    rows, own, registry = Rows(LINK, mirror(status=status)), Side(), Registry()
    context = rows.context(own=own, registry=registry)
    duty = TopicsGone(context, "l", lambda: None)
    await duty._look([rows.mirror()])
    assert not await settle(rows, duty), "one look may be one too early"
    context._own_topics_at = float("-inf")
    await duty._look([rows.mirror()])
    assert await settle(rows, duty)
    assert not rows.model.mirrors
    assert registry.forgotten == ["id-m"]
    assert rows.forgotten == [("l", "m", 0), ("l", "m", 1)]


async def test_another_topic_of_its_name_is_no_mirror() -> None:
    rows, own = Rows(LINK, mirror()), Side(topic("m", "another"))
    duty = TopicsGone(rows.context(own=own, registry=Registry()), "l", lambda: None)
    for _ in range(2):
        await duty._look([rows.mirror()])
    assert await settle(rows, duty)


async def test_a_topic_that_shows_again_was_never_gone() -> None:
    rows, own = Rows(LINK, mirror()), Side()
    context = rows.context(own=own, registry=Registry())
    duty = TopicsGone(context, "l", lambda: None)
    for topics in ({}, {"m": topic("m", "id-m")}, {}):
        own.topics = topics
        context._own_topics_at = float("-inf")
        await duty._look([rows.mirror()])
    assert not await settle(rows, duty)


class Growth:
    """A mirror of two partitions and its source."""

    def __init__(self, source_partitions: int, status: MirrorStatus = MirrorStatus.ACTIVE) -> None:
        self.rows = Rows(LINK, mirror(status=status, start_offsets=(7, 9)))
        self.source = Side(topic("m", "source-m", source_partitions))
        self.own = Side(topic("m", "id-m"))
        context = self.rows.context(own=self.own)
        context.remote = self._remote  # type: ignore[method-assign, assignment]
        self.duty = PartitionCounts(context, "l", lambda: None)

    async def _remote(self, link: Link) -> Side:
        return self.source

    async def look(self) -> bool:
        await self.duty._look(LINK, [self.rows.mirror()])
        return await settle(self.rows, self.duty)


async def test_a_mirror_grows_with_its_source() -> None:
    growth = Growth(5)
    assert await growth.look()
    row = growth.rows.mirror()
    assert (row.partitions, row.start_offsets, growth.own.grown) == (5, (7, 9, 0, 0, 0), [("m", 5)])
    assert not await settle(growth.rows, growth.duty), "decided once"
    assert not await growth.look()


async def test_after_a_death_between_topic_and_row_the_row_follows() -> None:
    growth = Growth(5)
    growth.own.topics["m"] = topic("m", "id-m", 5)
    growth.own.refusals = [KafkaFailure(37)]
    assert await growth.look()
    assert growth.rows.mirror().partitions == 5


@pytest.mark.parametrize("refusal", [KafkaFailure(44), Unreachable("gone")])
async def test_what_cannot_grow_now_says_so_and_is_tried_again(refusal: ClusterError) -> None:
    """Until then records of the source stay behind, in a mirror that is ACTIVE."""
    growth = Growth(5)
    growth.own.refusals = [refusal, refusal]
    assert await growth.look()
    (error,) = growth.rows.mirror().transition_errors
    assert "m has 2 partitions, its source 5" in error.error_message
    assert growth.rows.mirror().partitions == 2
    assert not await growth.look(), "the same is no news"
    assert await growth.look()
    assert growth.rows.mirror().partitions == 5
    assert await settle(growth.rows, growth.duty)
    assert growth.rows.mirror().transition_errors == ()


async def test_a_mirror_that_was_stopped_while_it_grew_stays_as_it_is() -> None:
    """Its final positions are those of the partitions that were mirrored (MIRROR-79)."""
    growth = Growth(5)
    await growth.duty._look(LINK, [growth.rows.mirror()])
    growth.rows.put_mirror(replace(growth.rows.mirror(), status=MirrorStatus.STOPPED))
    assert not await settle(growth.rows, growth.duty)
    assert growth.rows.mirror().partitions == 2


async def test_lost_partitions_fail_the_mirror() -> None:
    growth = Growth(1)
    assert await growth.look()
    row = growth.rows.mirror()
    assert (row.status, row.error) == (MirrorStatus.FAILED, MirrorError.SOURCE_PARTITIONS_DECREASED)
    assert not await settle(growth.rows, growth.duty)


async def test_another_source_topic_of_the_name_is_the_copiers_to_find() -> None:
    growth = Growth(5)
    growth.source.topics["m"] = topic("m", "another", 5)
    assert not await growth.look()
    del growth.source.topics["m"]
    assert not await growth.look()


async def test_a_source_that_does_not_answer_says_nothing() -> None:
    growth = Growth(5)
    growth.source.refusals = [Unreachable("gone")]
    assert not await growth.look()


def test_growing_twice_is_growing_once() -> None:
    once = grown(mirror(), 4)
    assert grown(once, 4) == once == replace(mirror(), partitions=4, start_offsets=(0, 0, 0, 0))
