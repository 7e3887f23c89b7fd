"""A link's leader: commands in turn, duties beside them, everything repeatable by another worker (CLI-65, I3)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from pipeline.control.read_model import Request
from pipeline.lifecycle import context as context_module
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.duties import Duty
from pipeline.lifecycle.leading import Handler, LinkLeader
from pipeline.lifecycle.operations import operate
from pipeline.link.errors import Invalid
from pipeline.link.models import Command, Result
from pipeline.link.states import MirrorStatus
from tests.unit.lifecycle.rows import LINK, Rows, mirror

PAUSE = Command("c1", "l", "mirror.pause", {"mirror_topic_names": ["m"]})


async def answered(rows: Rows, leader: LinkLeader, command_id: str = "c1") -> Result:
    """Lead until a command has its result."""
    task = asyncio.create_task(leader.run())
    try:
        async with asyncio.timeout(60):
            while not rows.model.requests[command_id].is_done:
                await asyncio.sleep(0.001)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return Result.from_json(rows.model.requests[command_id].result)


async def test_a_command_is_carried_out_and_answered_together() -> None:
    rows = Rows(LINK, mirror())
    rows.ask(PAUSE)
    result = await answered(rows, LinkLeader(rows.context(), "l", {"mirror.pause": operate}, ()))
    assert (result.status, rows.mirror().status, rows.applied) == (200, MirrorStatus.PAUSED, 1)


async def test_validate_only_decides_the_same_and_changes_nothing() -> None:
    rows = Rows(LINK, mirror("m"), mirror("p", status=MirrorStatus.PAUSED))
    both = {"mirror_topic_names": ["m", "p"]}
    rows.ask(replace(PAUSE, arguments=both, validate_only=True))
    result = await answered(rows, LinkLeader(rows.context(), "l", {"mirror.pause": operate}, ()))
    assert [row["error_code"] for row in result.data["mirrors"]] == [None, 400]
    assert rows.mirror("m").status is MirrorStatus.ACTIVE


async def test_what_is_not_done_in_time_says_so() -> None:
    """REST-83: a timeout has no words of its own."""

    async def never(*_: object) -> None:
        raise TimeoutError

    rows = Rows(LINK, mirror())
    rows.ask(PAUSE)
    result = await answered(rows, LinkLeader(rows.context(), "l", {"mirror.pause": never}, ()))
    assert (result.status, result.error_code) == (500, 50003)
    assert result.message is not None and "mirror.pause: a step was not done in time" in result.message


async def test_what_is_applied_late_is_sent_again_less_and_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a worker short of CPU would drown in its own repetitions."""
    monkeypatch.setattr(context_module, "NOTHING_FOR_S", 0.001)
    monkeypatch.setattr(context_module, "MOST_NOTHING_FOR_S", 0.006)
    rows = Rows(LINK, mirror())
    context = rows.context()

    def decided() -> Decision:
        decision = Decision(rows.model, "l")
        decision.put_mirror(rows.mirror())
        return decision

    seen = []
    for _ in range(4):
        await context.seen(decided())  # nothing was sent: as if it were applied much later
        seen.append(context._patience["l"])
    assert seen == [0.002, 0.004, 0.006, 0.006]
    for _ in range(3):
        await context.settle(decided())
    assert context._patience == {}


async def test_commands_are_carried_out_in_the_order_in_which_they_were_given() -> None:
    rows = Rows(LINK, mirror())
    rows.ask(PAUSE)
    rows.ask(replace(PAUSE, id="c2", kind="mirror.resume"))
    rows.ask(replace(PAUSE, id="c3", kind="mirror.failover"))
    handlers: dict[str, Handler] = dict.fromkeys(("mirror.pause", "mirror.resume", "mirror.failover"), operate)
    await answered(rows, LinkLeader(rows.context(), "l", handlers, ()), "c3")
    assert [rows.model.requests[c].result["status"] for c in ("c1", "c2", "c3")] == [200, 200, 200]  # type: ignore[index]
    assert rows.mirror().status is MirrorStatus.PENDING_STOPPED


async def test_a_refusal_changes_nothing_and_a_defect_is_not_shown() -> None:
    async def refuse(context: Context, command: Command, request: Request, decision: Decision) -> None:
        decision.put_mirror(mirror(status=MirrorStatus.FAILED))
        raise Invalid("not so")

    async def fail(context: Context, command: Command, request: Request, decision: Decision) -> None:
        raise ZeroDivisionError("a password, maybe")

    rows = Rows(LINK, mirror())
    rows.ask(PAUSE)
    result = await answered(rows, LinkLeader(rows.context(), "l", {"mirror.pause": refuse}, ()))
    assert (result.status, result.error_code, result.message) == (400, 40002, "not so")
    assert rows.mirror().status is MirrorStatus.ACTIVE
    rows.ask(replace(PAUSE, id="c2"))
    result = await answered(rows, LinkLeader(rows.context(), "l", {"mirror.pause": fail}, ()), "c2")
    assert result.status == 500
    assert "password" not in (result.message or "")


async def test_what_a_dead_worker_began_another_ends_and_only_one_is_heard() -> None:
    rows = Rows(LINK, mirror())
    rows.ask(PAUSE)
    both = [LinkLeader(rows.context(worker=name), "l", {"mirror.pause": operate}, ()) for name in ("dead", "heir")]
    results = await asyncio.gather(*(answered(rows, leader) for leader in both))
    assert results[0] == results[1]
    assert rows.applied == 1


class Slow(Duty):
    """Waits for something that never comes."""

    async def run(self) -> None:
        await asyncio.Event().wait()


class Eager(Duty):
    """Has one thing to decide."""

    def __init__(self, context: Context, link: str, wake: Callable[[], None]) -> None:
        super().__init__(context, link, wake)
        self.is_found = False

    async def run(self) -> None:
        await asyncio.sleep(0.01)
        self.is_found = True
        self.wake()

    def decide(self, decision: Decision) -> None:
        if self.is_found and self.context.model.mirrors["l/m"].replication_factor != 3:
            decision.put_mirror(replace(self.context.model.mirrors["l/m"], replication_factor=3))


class Broken(Duty):
    """A defect."""

    async def run(self) -> None:
        raise ZeroDivisionError


async def test_a_duty_that_waits_holds_no_command_up_and_one_that_fails_stops_no_other() -> None:
    rows = Rows(LINK, mirror())
    leader = LinkLeader(rows.context(), "l", {"mirror.pause": operate}, (Slow, Broken, Eager))
    task = asyncio.create_task(leader.run())
    async with asyncio.timeout(60):
        while rows.mirror().replication_factor != 3:
            await asyncio.sleep(0.001)
        rows.ask(PAUSE)
        leader.saw("requests", "c1")
        while rows.mirror().status is not MirrorStatus.PAUSED:
            await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("kind", ["mirror.pause", "mirror.resume"])
async def test_an_operation_names_each_topic_it_refuses(kind: str) -> None:
    rows = Rows(LINK, mirror("m", status=MirrorStatus.STOPPED))
    rows.ask(replace(PAUSE, kind=kind, arguments={"mirror_topic_names": ["m", "nosuch"]}))
    result = await answered(rows, LinkLeader(rows.context(), "l", {kind: operate}, ()))
    assert [row["error_code"] for row in result.data["mirrors"]] == [400, 40403]
    assert "STOPPED" in result.data["mirrors"][0]["error_message"]
