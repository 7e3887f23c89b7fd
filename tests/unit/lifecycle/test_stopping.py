"""Stopping mirrors: in order, repeatable, and to the end (MIRROR-67, MIRROR-68, MIRROR-79)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import pytest

from pipeline.lifecycle import stopping
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.fence_asking import Place
from pipeline.lifecycle.fencing import Answer
from pipeline.lifecycle.stopping import Stopping, finish, is_stopping, stop
from pipeline.link.models import FinalPosition, Link, Mirror, Position, TaskError
from pipeline.link.states import MirrorStatus, PendingOperation, TaskErrorCode
from tests.unit.lifecycle.rows import LINK, Rows, mirror

S, P = MirrorStatus, PendingOperation
FAILING_OVER = mirror(status=S.PENDING_STOPPED, pending=P.FAILOVER)
DRAINED = mirror(status=S.PENDING_STOPPED, pending=P.PROMOTE, is_drained=True)
ERROR = TaskError(TaskErrorCode.POLICY_VIOLATION_ERROR, "destination: refused")


@pytest.mark.parametrize(
    ("row", "stops"),
    [
        (FAILING_OVER, True),
        (DRAINED, True),
        (replace(DRAINED, is_drained=False), False),
        (replace(DRAINED, pending=P.FAILOVER), True),
        (mirror(), False),
        (mirror(status=S.STOPPED), False),
    ],
)
def test_who_is_stopped(row: Mirror, stops: bool) -> None:
    assert is_stopping(row) is stops


class World:
    """Fences and last steps that answer as told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *mirrors: Mirror) -> None:
        self.rows = Rows(LINK, *mirrors)
        self.context = self.rows.context()
        self.order: list[str] = []
        self.fence_errors: list[TaskError] = []
        self.step_error: TaskError | None = None
        self.seen_final: tuple[FinalPosition, ...] = ()
        monkeypatch.setattr(stopping, "fence", self._fence)
        monkeypatch.setattr(stopping, "AT_STOP", (self._step,))
        monkeypatch.setattr(stopping, "AGAIN_S", 0.01)

    async def _fence(self, context: Context, places: Collection[Place]) -> dict[Place, Answer]:
        self.order.append("fence")
        error = self.fence_errors.pop(0) if self.fence_errors else None
        return {place: error or 10 + place.partition for place in places}

    async def _step(self, context: Context, link: Link, mirrors: Sequence[Mirror]) -> Mapping[str, TaskError | None]:
        self.order.append("step")
        self.seen_final = mirrors[0].final if mirrors else ()
        return {row.mirror_topic: self.step_error for row in mirrors}

    async def decide(self, duty: Stopping) -> None:
        decision = Decision(self.rows.model, "l")
        duty.decide(decision)
        if not decision.is_empty:
            await self.rows.send_outcome(decision.outcome("w").to_json())


async def test_fence_first_then_the_last_steps_which_know_the_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, FAILING_OVER)
    world.rows.report(
        Position("l", "m", 0, log_end_offset=9, source_high_watermark=15, last_source_fetch_offset=9, time_ms=1)
    )
    (stopped,) = await stop(world.context, LINK, [FAILING_OVER])
    assert world.order == ["fence", "step"]
    assert stopped.final == world.seen_final == (FinalPosition(0, 10, 5, 10), FinalPosition(1, 11, 0, -1))


async def test_a_drained_mirror_has_no_lag_whatever_was_reported_last(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, DRAINED)
    world.rows.report(Position("l", "m", 0, source_high_watermark=15, last_source_fetch_offset=9, time_ms=1))
    (stopped,) = await stop(world.context, LINK, [DRAINED])
    assert stopped.final[0] == FinalPosition(0, 10, 0, 10)


async def test_the_duty_stops_and_keeps_the_history(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, FAILING_OVER)
    duty = Stopping(world.context, "l", lambda: None)
    duty._found = {"m": (await stop(world.context, LINK, [FAILING_OVER]))[0]}
    await world.decide(duty)
    row = world.rows.mirror()
    assert (row.status, row.pending, row.is_drained) == (S.STOPPED, None, False)
    assert [final.log_end_offset for final in row.final] == [10, 11]
    await world.decide(duty)
    assert world.rows.applied == 1, "decided once"


async def test_a_second_leader_that_does_it_all_again_finds_it_done(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, FAILING_OVER)
    duties = [Stopping(world.context, "l", lambda: None) for _ in range(2)]
    for duty in duties:
        duty._found = {"m": (await stop(world.context, LINK, [FAILING_OVER]))[0]}
    decisions = []
    for duty in duties:
        decision = Decision(world.rows.model, "l")
        duty.decide(decision)
        decisions.append(decision)
    for decision in decisions:
        await world.rows.send_outcome(decision.outcome("w").to_json())
    assert (world.rows.applied, world.rows.late) == (1, 1)
    assert world.rows.mirror().status is S.STOPPED


@pytest.mark.parametrize(("row", "is_stopped"), [(FAILING_OVER, True), (DRAINED, False)])
async def test_configs_that_are_refused_hold_up_a_promotion_but_no_failover(
    monkeypatch: pytest.MonkeyPatch, row: Mirror, is_stopped: bool
) -> None:
    world = World(monkeypatch, row)
    world.step_error = ERROR
    (stopped,) = await stop(world.context, LINK, [row])
    assert (stopped.errors == ()) is is_stopped
    duty = Stopping(world.context, "l", lambda: None)
    duty._found = {"m": stopped}
    await world.decide(duty)
    after = world.rows.mirror()
    assert (after.status is S.STOPPED) is is_stopped
    assert after.transition_errors == (ERROR,), "also where it has stopped: its configs are to be put right by hand"


async def test_an_unfenced_mirror_is_never_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, FAILING_OVER)
    world.fence_errors = [ERROR]
    (stopped,) = await stop(world.context, LINK, [FAILING_OVER])
    assert (stopped.final, stopped.errors, world.order) == ((), (ERROR,), ["fence", "step"])
    assert world.seen_final == ()


async def test_what_goes_by_name_does_not_reach_a_mirror_made_again_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fences of many mirrors may take 20 s: a deletion and a creation fit in, and a mirror has other configs."""
    world = World(monkeypatch, FAILING_OVER)

    async def made_again(context: Context, places: Collection[Place]) -> dict[Place, Answer]:
        world.rows.put_mirror(mirror(mirror_topic_id="another"))
        return dict.fromkeys(places, 10)

    altered: list[str] = []

    async def alter(context: Context, link: Link, mirrors: Sequence[Mirror]) -> Mapping[str, TaskError | None]:
        altered.extend(each.mirror_topic for each in mirrors)
        return {}

    monkeypatch.setattr(stopping, "fence", made_again)
    monkeypatch.setattr(stopping, "AT_STOP", (alter,))
    (stopped,) = await stop(world.context, LINK, [FAILING_OVER])
    assert altered == [] and stopped.errors


async def test_a_mirror_made_again_meanwhile_is_not_stopped_for_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, FAILING_OVER)
    duty = Stopping(world.context, "l", lambda: None)
    duty._found = {"m": (await stop(world.context, LINK, [FAILING_OVER]))[0]}
    world.rows.put_mirror(replace(FAILING_OVER, mirror_topic_id="another"))
    await world.decide(duty)
    assert world.rows.mirror().status is S.PENDING_STOPPED


async def test_a_command_waits_until_all_are_stopped_or_says_which_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, FAILING_OVER)
    world.fence_errors = [ERROR]
    done = await finish(world.context, LINK, ["m"], within_s=5)
    assert [each.errors for each in done] == [()]
    assert world.order.count("fence") == 2
    world.fence_errors = [ERROR] * 3
    left = await finish(world.context, LINK, ["m"], within_s=0)
    assert [each.errors for each in left] == [(ERROR,)]
