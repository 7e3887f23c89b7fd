"""What a promotion looks at last, and the configs of a topic that has stopped (MIRROR-67, MIRROR-90)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from pipeline.cluster.administration.configs import ConfigSource, ConfigValue
from pipeline.cluster.errors import ClusterError, KafkaFailure, Unreachable
from pipeline.cluster.metadata import PartitionInfo, TopicInfo
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.final_configs import check_partitions, release_topic_configs, sync_topic_configs
from pipeline.link.models import Link
from pipeline.link.states import MirrorStatus, PendingOperation, TaskErrorCode
from pipeline.sync.topic_configs import Rules, follow_configs
from tests.unit.lifecycle.rows import LINK, Rows, mirror

KNOWN = {"compression.type", "max.message.bytes", "cleanup.policy", "retention.ms", "message.timestamp.type"}


class Side:
    """A cluster with one topic."""

    def __init__(self, partitions: int = 2, topic_id: str = "source-m", **configs: str) -> None:
        self.partitions, self.topic_id = partitions, topic_id
        self.configs = {name.replace("_", "."): value for name, value in configs.items()}
        self.altered: dict[str, str | None] = {}
        self.refusal: ClusterError | None = None

    async def describe_topics(self, names: Iterable[str]) -> dict[str, TopicInfo]:
        if self.refusal:
            raise self.refusal
        info = PartitionInfo(0, 0, (0,))
        error = 0 if self.partitions else 3
        return {n: TopicInfo(n, self.topic_id, dict.fromkeys(range(self.partitions), info), error) for n in names}

    async def topic_configs(self, topic: str) -> dict[str, ConfigValue]:
        if topic == "t.commands":
            return {name: ConfigValue(name, "", ConfigSource.DEFAULT_CONFIG, False, False) for name in KNOWN}
        return {
            name: ConfigValue(name, value, ConfigSource.DYNAMIC_TOPIC_CONFIG, False, False)
            for name, value in self.configs.items()
        }

    async def topics_configs(self, topics: Iterable[str]) -> dict[str, dict[str, ConfigValue]]:
        return {topic: await self.topic_configs(topic) for topic in topics}

    async def alter_topic_configs(self, topic: str, values: Mapping[str, str], delete: Iterable[str]) -> None:
        if self.refusal:
            raise self.refusal
        self.altered = {**values, **dict.fromkeys(delete)}

    async def alter_topics_configs(
        self, changes: Mapping[str, Mapping[str, str | None]]
    ) -> dict[str, ClusterError | None]:
        for values in changes.values():
            self.altered |= values
        return dict.fromkeys(changes, self.refusal)


def context(source: Side, own: Side, rows: Rows | None = None) -> Context:
    made = (rows or Rows(LINK, mirror())).context(own=own)

    async def remote(link: Link) -> Side:
        return source

    made.remote = remote  # type: ignore[method-assign, assignment]
    return made


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (Side(2), None),
        (Side(3), TaskErrorCode.UNKNOWN),
        (Side(1), TaskErrorCode.UNKNOWN_TOPIC_OR_PARTITION_ERROR),
        (Side(2, "another"), TaskErrorCode.UNKNOWN_TOPIC_OR_PARTITION_ERROR),
        (Side(0), TaskErrorCode.UNKNOWN_TOPIC_OR_PARTITION_ERROR),
    ],
)
async def test_partitions_added_at_the_last_moment_are_waited_for(source: Side, code: TaskErrorCode | None) -> None:
    _, errors = await check_partitions(context(source, Side()), LINK, mirror())
    assert [error.error_code for error in errors] == ([] if code is None else [code])


async def test_the_last_sync_takes_over_configs_and_remembers_what_is_held_back() -> None:
    source = Side(compression_type="gzip", retention_ms="5000", max_message_bytes="9000", cleanup_policy="delete")
    own = Side(compression_type="producer", retention_ms="4000", max_message_bytes="9000", cleanup_policy="delete")
    row, errors = await sync_topic_configs(context(source, own), LINK, mirror())
    assert errors == ()
    assert own.altered.get("retention.ms") == "5000"
    assert "compression.type" not in own.altered, "still a mirror"
    assert row.source_configs["compression.type"] == "gzip"


@pytest.mark.parametrize("side", ["source", "destination"])
async def test_whoever_refuses_is_named(side: str) -> None:
    source, own = Side(), Side(retention_ms="1")
    if side == "source":
        source.topic_configs = unreachable  # type: ignore[method-assign]
    else:
        own.refusal = KafkaFailure(44, "no")
    source.configs = {"retention.ms": "2"}
    _, errors = await sync_topic_configs(context(source, own), LINK, mirror())
    assert [error.error_message.split(":")[0] for error in errors] == [side]


async def refused(changes: Mapping[str, Mapping[str, str | None]]) -> dict[str, ClusterError | None]:
    return dict.fromkeys(changes, KafkaFailure(44, "no"))


async def unreachable(topic: str) -> Any:
    raise Unreachable("gone")


async def test_a_stopped_topic_gets_its_sources_values_without_asking_it() -> None:
    source, own = Side(), Side(topic_id="id-m")
    source.refusal = Unreachable("dead")
    source.topic_configs = unreachable  # type: ignore[method-assign]
    answers = await release_topic_configs(context(source, own), LINK, [mirror()])
    assert answers == {"m": None}
    assert own.altered["compression.type"] == "zstd"
    assert own.altered["max.message.bytes"] == "2000"


async def test_a_policy_that_forbids_it_is_named() -> None:
    own = Side(topic_id="id-m")
    own.alter_topics_configs = refused  # type: ignore[method-assign]
    answers = await release_topic_configs(context(Side(), own), LINK, [mirror()])
    assert answers["m"] is not None and answers["m"].error_code is TaskErrorCode.POLICY_VIOLATION_ERROR


async def test_another_topic_of_the_name_keeps_its_configs() -> None:
    own = Side(topic_id="made-again")
    answers = await release_topic_configs(context(Side(), own), LINK, [mirror()])
    assert own.altered == {} and answers["m"] is not None


async def test_a_promotion_that_is_failed_over_while_its_source_is_asked_sets_nothing_any_more() -> None:
    """The topic has its own values by then, which nobody would set again (MIRROR-90)."""
    source, own = Side(compression_type="gzip"), Side(compression_type="gzip")
    draining = mirror(status=MirrorStatus.PENDING_STOPPED, pending=PendingOperation.PROMOTE)
    rows = Rows(LINK, draining)
    made = context(source, own, rows)
    answer = await source.topic_configs("m")

    async def late(topic: str) -> dict[str, ConfigValue]:
        rows.put_mirror(replace(draining, status=MirrorStatus.STOPPED, pending=None))
        return answer

    source.topic_configs = late  # type: ignore[method-assign]
    _, errors = await sync_topic_configs(made, LINK, draining)
    assert errors and own.altered == {}


async def test_a_mirror_that_stops_during_a_cycle_keeps_its_own_configs() -> None:
    """Cycles of many mirrors take seconds: what is read of one then may be what it has as a regular topic."""
    own = Side(compression_type="gzip")
    rules = Rules(("compression.type",), KNOWN)
    await follow_configs(own, [mirror()], {"m": {"compression.type": "gzip"}}, rules, {}, is_active=lambda row: False)  # type: ignore[arg-type]
    assert own.altered == {}
    await follow_configs(own, [mirror()], {"m": {"compression.type": "gzip"}}, rules, {})  # type: ignore[arg-type]
    assert own.altered["compression.type"] == "producer"
