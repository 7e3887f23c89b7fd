"""A seeded mirror of a compacted topic gets its own policy before it is ACTIVE (MIRROR-64)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from pipeline.cluster.errors import ClusterError, KafkaFailure
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.setting_up import SettingUp
from pipeline.link.models import Mirror, Position
from pipeline.link.states import MirrorStatus, TaskErrorCode
from tests.unit.lifecycle.rows import LINK, Rows, mirror

SEEDED = mirror(status=MirrorStatus.PENDING_MIRROR, start_offsets=(5, 0), cleanup_policy="compact")


class Own:
    def __init__(self, *refusals: ClusterError) -> None:
        self.refusals = list(refusals)
        self.altered: list[tuple[str, Mapping[str, str]]] = []

    async def alter_topic_configs(self, topic: str, values: Mapping[str, str]) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.altered.append((topic, values))


class World:
    def __init__(self, own: Own, row: Mirror = SEEDED, ends: tuple[int, int] = (5, 0)) -> None:
        self.own, self.rows = own, Rows(LINK, row)
        for partition, end in enumerate(ends):
            self.rows.report(Position("l", "m", partition, log_end_offset=end, time_ms=1))
        self.duty = SettingUp(self.rows.context(own=own), "l", lambda: None)

    async def look(self) -> Mirror:
        await self.duty._finish(self.rows.mirror())
        decision = Decision(self.rows.model, "l")
        self.duty.decide(decision)
        if not decision.is_empty:
            await self.rows.send_outcome(decision.outcome("w").to_json())
        return self.rows.mirror()


async def test_the_sources_policy_is_set_first() -> None:
    world = World(Own())
    assert (await world.look()).status is MirrorStatus.ACTIVE
    assert world.own.altered == [("m", {"cleanup.policy": "compact"})]


async def test_not_before_every_partition_has_its_start() -> None:
    world = World(Own(), ends=(4, 0))
    assert (await world.look()).status is MirrorStatus.PENDING_MIRROR
    assert not world.own.altered


async def test_a_refusal_is_listed_and_tried_again() -> None:
    world = World(Own(KafkaFailure(44, "no")))
    row = await world.look()
    assert row.status is MirrorStatus.PENDING_MIRROR
    assert [error.error_code for error in row.transition_errors] == [TaskErrorCode.POLICY_VIOLATION_ERROR]
    row = await world.look()
    assert (row.status, row.transition_errors) == (MirrorStatus.ACTIVE, ())


@pytest.mark.parametrize("status", [MirrorStatus.STOPPED, MirrorStatus.PENDING_STOPPED])
async def test_a_mirror_that_was_failed_over_meanwhile_is_left_alone(status: MirrorStatus) -> None:
    world = World(Own())
    await world.duty._finish(world.rows.mirror())
    world.rows.put_mirror(replace(SEEDED, status=status))
    decision = Decision(world.rows.model, "l")
    world.duty.decide(decision)
    assert decision.is_empty
