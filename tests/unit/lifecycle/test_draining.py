"""A promotion waits until the mirror has everything, twice in a row (MIRROR-67, MIRROR-55)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.cluster.administration.offsets import FoundOffset
from pipeline.cluster.errors import ClusterError, NotAuthorized, Unreachable
from pipeline.lifecycle import draining
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.drained_ends import Ends, compare
from pipeline.lifecycle.draining import Draining, obstacles
from pipeline.link.models import Link, Mirror, Position, TaskError
from pipeline.link.states import (
    LinkErrorCode,
    LinkState,
    MirrorError,
    MirrorStatus,
    PendingOperation,
    TaskErrorCode,
)
from tests.unit.lifecycle.rows import LINK, Rows, mirror

DRAINING = mirror(status=MirrorStatus.PENDING_STOPPED, pending=PendingOperation.PROMOTE)
GONE = TaskError(TaskErrorCode.UNKNOWN, "source: gone")


def ends(source: tuple[Any, Any], own: tuple[Any, Any]) -> Ends:
    return Ends({("m", p): source[p] for p in (0, 1)}, {("m", p): own[p] for p in (0, 1)})


@pytest.mark.parametrize(
    ("source", "own", "answer"),
    [
        ((5, 7), (5, 7), True),
        ((5, 7), (5, 6), False),
        ((0, 0), (0, 0), True),
        ((GONE, 7), (5, 7), GONE),
        ((5, 7), (5, GONE), GONE),
    ],
)
def test_a_mirror_has_all_when_every_partition_does(source: Any, own: Any, answer: bool | TaskError) -> None:
    assert compare(DRAINING, ends(source, own)) == answer


def test_a_source_that_lost_records_is_an_error_and_no_end() -> None:
    answer = compare(DRAINING, ends((5, 3), (5, 7)))
    assert isinstance(answer, TaskError)
    assert "ends at 7, its source at 3" in answer.error_message


@pytest.mark.parametrize(
    ("link", "code"),
    [
        (replace(LINK, state=LinkState.PAUSED), TaskErrorCode.UNKNOWN),
        (
            replace(LINK, state=LinkState.UNAVAILABLE, error=LinkErrorCode.AUTHENTICATION_ERROR),
            TaskErrorCode.AUTHENTICATION_ERROR,
        ),
        (replace(LINK, state=LinkState.FAILED, error=LinkErrorCode.FILE_NOT_FOUND_ERROR), TaskErrorCode.UNKNOWN),
    ],
)
def test_a_link_that_does_not_work_holds_a_promotion_up(link: Link, code: TaskErrorCode) -> None:
    assert [error.error_code for error in obstacles(DRAINING, link, ())] == [code]


def test_a_partition_that_cannot_go_on_holds_a_promotion_up() -> None:
    bad = Position("l", "m", 1, error=MirrorError.UNEXPECTED_TRUNCATION, error_message="lost", time_ms=1)
    assert [e.error_message for e in obstacles(DRAINING, LINK, (bad,))] == ["UNEXPECTED_TRUNCATION: lost"]
    assert obstacles(replace(DRAINING, created_ms=2), LINK, (bad,)) == ()


class Side:
    """A cluster that answers with ends; a class of error instead where it is one."""

    def __init__(self, *found: int | ClusterError) -> None:
        self.found = list(found)
        self.stable: list[int] = []

    async def end_offsets(self, places: list[tuple[str, int]], read_committed: bool) -> dict[tuple[str, int], int]:
        return {place: self.stable[place[1]] for place in places}

    async def offsets_for_times(self, places: dict[tuple[str, int], int]) -> dict[Any, Any]:
        return {
            place: FoundOffset(answer) if isinstance(answer := self.found[place[1]], int) else answer
            for place in places
        }


class World:
    """A draining mirror, its source and the clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, row: Mirror = DRAINING) -> None:
        self.rows = Rows(LINK, row)
        self.source, self.own = Side(5, 7), Side(5, 7)
        self.now = 100.0
        self.syncs: list[str] = []
        self.sync_errors: tuple[TaskError, ...] = ()
        self.context = self.rows.context(own=self.own)
        self.context.remote = self._remote  # type: ignore[method-assign, assignment]
        self.duty = Draining(self.context, "l", lambda: None)
        monkeypatch.setattr(draining, "time", self)
        monkeypatch.setattr(draining, "FINAL_SYNCS", (self._sync,))

    def monotonic(self) -> float:
        return self.now

    async def _remote(self, link: Link) -> Side:
        return self.source

    async def _sync(self, context: Context, link: Link, row: Mirror) -> tuple[Mirror, tuple[TaskError, ...]]:
        self.syncs.append(row.mirror_topic)
        return replace(row, source_configs={"compression.type": "lz4"}), self.sync_errors

    async def look(self, later_s: float = 1.0) -> Mirror:
        """One look of the duty, and what the leader makes of it."""
        self.now += later_s
        waiting = {m.mirror_topic: m for m in self.duty.mirrors() if draining.is_draining(m)}
        self.duty._drains = {topic: self.duty._drain_of(row) for topic, row in waiting.items()}
        await self.duty._look(self.rows.model.links["l"])
        decision = Decision(self.rows.model, "l")
        self.duty.decide(decision)
        if not decision.is_empty:
            await self.rows.send_outcome(decision.outcome("w").to_json())
        return self.rows.mirror()


async def test_equal_twice_a_second_apart_and_then_the_last_syncs(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    assert not (await world.look()).is_drained
    assert not (await world.look(0.4)).is_drained, "too soon after the first"
    assert world.syncs == []
    drained = await world.look(0.6)
    assert (drained.is_drained, drained.source_configs, drained.is_copying) == (
        True,
        {"compression.type": "lz4"},
        False,
    )
    assert drained.status is MirrorStatus.PENDING_STOPPED


async def test_a_record_in_between_begins_the_count_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    await world.look()
    world.source.found[1] = 8
    await world.look()
    world.own.found[1] = 8
    assert not (await world.look()).is_drained
    assert (await world.look()).is_drained


async def test_equal_twice_but_further_on_is_a_source_still_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    for end in range(8, 12):
        assert not (await world.look()).is_drained
        world.source.found[1] = world.own.found[1] = end
    await world.look()
    assert (await world.look()).is_drained


async def test_producers_that_go_on_keep_it_pending_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    for _ in range(20):
        world.own.found[0] = world.source.found[0]  # type: ignore[assignment]
        world.source.found[0] += 1  # type: ignore[operator]
        assert not (await world.look()).is_drained
    assert world.rows.mirror().transition_errors == ()


async def test_a_transaction_that_hangs_at_the_source_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would hold a promotion up for ever, and nobody would know why (MIRROR-55)."""
    world = World(monkeypatch)
    world.source.found, world.source.stable = [9, 7], [5, 7]
    for _ in range(10):
        assert (await world.look()).transition_errors == ()
    (error,) = (await world.look()).transition_errors
    assert "a transaction is open on m-0;" in error.error_message
    applied = world.rows.applied
    await world.look()
    assert world.rows.applied == applied
    world.source.stable = [9, 7]
    (error,) = (await world.look()).transition_errors
    assert error.error_message == "m-0: there are records at the source that have not come for 10 s"
    world.own.found = [9, 7]
    assert (await world.look()).transition_errors == ()
    assert (await world.look()).is_drained


async def test_a_permission_that_copying_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    world.source.found = [9, 7]
    lacks = TaskError(TaskErrorCode.BROKER_AUTHORIZATION_ERROR, "destination: WRITE on topic m is not allowed")
    world.rows.report(Position("l", "m", 0, denied=(lacks,), time_ms=1))
    for _ in range(11):
        await world.look()
    assert world.rows.mirror().transition_errors == (lacks,)


async def test_errors_are_listed_and_vanish(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    world.source.found[0] = NotAuthorized(29, "", "DESCRIBE", "topic m")
    assert [e.error_code for e in (await world.look()).transition_errors] == [TaskErrorCode.AUTHORIZATION_ERROR]
    applied = world.rows.applied
    await world.look()
    assert world.rows.applied == applied, "the same error is no news"
    world.source.found[0] = Unreachable("no connection")
    assert [e.error_code for e in (await world.look()).transition_errors] == [TaskErrorCode.UNKNOWN]
    world.source.found[0] = 5
    assert (await world.look()).transition_errors == ()


async def test_an_error_stays_listed_while_the_source_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead source takes 15 s to ask, and other duties have the leader decide meanwhile."""
    world = World(monkeypatch)
    world.source.found[0] = Unreachable("no connection")
    await world.look()
    in_between = []

    async def asked(link: Link) -> Side:
        decision = Decision(world.rows.model, "l")
        world.duty.decide(decision)
        in_between.append(decision.is_empty)
        return world.source

    world.context.remote = asked  # type: ignore[method-assign, assignment]
    assert (await world.look()).transition_errors
    assert in_between == [True]


async def test_a_last_sync_that_fails_keeps_it_pending(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    world.sync_errors = (TaskError(TaskErrorCode.CONSUMER_GROUP_IN_USE_ERROR, "group g has live members"),)
    await world.look()
    row = await world.look()
    assert (row.is_drained, row.transition_errors) == (False, world.sync_errors)
    world.sync_errors = ()
    await world.look()
    assert (await world.look()).is_drained


async def test_a_failover_ends_the_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    await world.look()
    world.rows.put_mirror(replace(DRAINING, pending=PendingOperation.FAILOVER))
    assert not (await world.look()).is_drained
    assert world.syncs == []


async def test_a_drained_mirror_that_is_sent_back_is_drained_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other side of a reverse has come further (`reversing`): what was found before is of the past at once."""
    world = World(monkeypatch)
    await world.look()
    assert (await world.look()).is_drained
    decision = Decision(world.rows.model, "l")
    world.duty.decide(decision)
    assert decision.is_empty
    world.source.found[1] = 8
    world.rows.put_mirror(replace(world.rows.mirror(), is_drained=False))
    world.duty.decide(decision)
    assert decision.is_empty, "there is a record to copy"
    assert not (await world.look()).is_drained
    world.own.found[1] = 8
    await world.look()
    assert (await world.look()).is_drained
