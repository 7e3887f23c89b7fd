"""When tasks run and what they report (STATE-20..29, TASK-19, TASK-51, TASK-54)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from pipeline.control.reach import Dialling
from pipeline.control.read_model import ReadModel
from pipeline.control.tail import Entry
from pipeline.control.topics import ControlTopics
from pipeline.lifecycle import link_task, ticking
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.link_task import LinkTask, Report
from pipeline.lifecycle.ticking import TICKED, Tick, TickedTask, Ticking
from pipeline.link.models import Link, TaskError, TaskStatus
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import ConnectionMode, LinkMode, LinkState, TaskErrorCode, TaskName, TaskState
from tests.unit.lifecycle.rows import Clear

TOPICS = ControlTopics("app", 4, 1)
KEY = f"link/{TaskName.ACL_SYNC}"


class Rows:
    """Stands for the context: a read model, and outcomes that are seen at once."""

    def __init__(self) -> None:
        self.model = ReadModel(TOPICS)
        self.reach = Dialling(Clear())  # type: ignore[arg-type]
        self.reports: list[TaskStatus] = []
        self.put(state=LinkState.ACTIVE)

    def put(self, **changes: Any) -> None:
        link = replace(self.model.links.get("link") or Link("link", "uuid", "id"), **changes)
        value = json.dumps({"version": 1, "row": link.to_json()}).encode()
        self.model.apply(Entry(TOPICS.changelog("links"), 0, 0, 0, b'"link"', value))

    async def settle(self, decision: Decision) -> bool:
        for change in decision.outcome("worker").changes:
            assert change.row is not None
            self.reports.append(TaskStatus.from_json(change.row))
            self.model.tasks[change.key] = self.reports[-1]
        return True


class Task(LinkTask):
    """A task of the tests: on unless told, as quick as it is told."""

    name = TaskName.ACL_SYNC
    interval_property = "acl_sync_ms"
    properties = ("acl.sync.ms", "acl.sync.enable")
    report = Report()
    """Of every cycle."""
    missing: TaskError | None = None
    raises: Exception | None = None

    def __init__(self, context: Any, link: str) -> None:
        super().__init__(context, link)
        self.cycles, self.at_once, self.most_at_once = 0, 0, 0
        self.may_end = asyncio.Event()
        self.may_end.set()

    def is_on(self, settings: LinkSettings) -> bool:
        return settings.acl_sync_ms != 9_999

    def misconfigured(self, settings: LinkSettings) -> TaskError | None:
        return self.missing

    async def cycle(self, link: Link, settings: LinkSettings) -> Report:
        self.cycles += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.may_end.wait()
        finally:
            self.at_once -= 1
        if self.raises is not None:
            raise self.raises
        return self.report


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def task(rows: Rows) -> Task:
    return Task(rows, "link")


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        (LinkState.ACTIVE, TaskState.ACTIVE),
        (LinkState.PAUSED, TaskState.LINK_PAUSED),
        (LinkState.UNAVAILABLE, TaskState.LINK_UNAVAILABLE),
        (LinkState.FAILED, TaskState.LINK_FAILED),
    ],
)
async def test_a_task_follows_its_link(rows: Rows, task: Task, state: LinkState, shown: TaskState) -> None:
    """STATE-27."""
    rows.put(state=state)
    await task.run()
    assert [each.state for each in rows.reports] == [shown]
    assert task.cycles == (state is LinkState.ACTIVE)


async def test_the_side_that_waits_tells_of_tasks_only_while_nobody_runs_them(rows: Rows, task: Task) -> None:
    """MODE-44: what a link's tasks do is told by the side that dials, unless it has gone."""
    rows.put(connection_mode=ConnectionMode.INBOUND)
    await task.run()
    assert rows.reports == []
    rows.put(state=LinkState.UNAVAILABLE)
    await task.run()
    assert [each.state for each in rows.reports] == [TaskState.LINK_UNAVAILABLE]


async def test_what_is_off_and_what_cannot_mirror_is_not_configured(rows: Rows, task: Task) -> None:
    """STATE-26."""
    rows.put(configs={"acl.sync.ms": "9999"})
    await task.run()
    rows.put(configs={}, mode=LinkMode.SOURCE)
    await task.run()
    assert [each.state for each in rows.reports] == [TaskState.NOT_CONFIGURED]
    assert task.cycles == 0


async def test_reports_are_news_or_half_a_minute_apart(rows: Rows, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    """TASK-5, TASK-54: counts add up over the cycles that nobody heard of."""
    now = 1_000_000
    monkeypatch.setattr(link_task, "now_ms", lambda: now)
    task.report = Report((), {"seen": 3}, {"written": 2})
    for _ in range(3):
        await task.run()
    assert [each.counts for each in rows.reports] == [{"seen": 3, "written": 2}]
    now += 30_000
    await task.run()
    assert [each.counts["written"] for each in rows.reports] == [2, 8]
    task.report = Report((TaskError(TaskErrorCode.UNKNOWN, "oh"),))
    await task.run()
    task.report = Report()
    await task.run()
    assert [each.state for each in rows.reports[2:]] == [TaskState.IN_ERROR, TaskState.ACTIVE]
    assert rows.reports[-1].errors == ()
    again = Task(rows, "link")
    again.report = Report((), {}, {"written": 1})
    now += 30_000
    rows.model.tasks[KEY] = rows.reports[1]
    await again.run()
    assert rows.reports[-1].counts["written"] == 9, "another worker goes on counting"


async def test_a_task_that_does_not_work_is_told_of_once(
    rows: Rows, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000_000
    monkeypatch.setattr(link_task, "now_ms", lambda: now)
    rows.put(configs={"acl.sync.ms": "9999"})
    for _ in range(3):
        await task.run()
        now += 30_000
    assert [each.state for each in rows.reports] == [TaskState.NOT_CONFIGURED]


async def test_misconfiguration_and_defects_are_listed(rows: Rows, task: Task) -> None:
    """STATE-30, STATE-48."""
    task.missing = link_task.not_set("acl.filters")
    await task.run()
    task.missing, task.raises = None, ValueError("a defect")
    await task.run()
    codes = [error.error_code for each in rows.reports for error in each.errors]
    assert codes == [TaskErrorCode.MISCONFIGURATION_ERROR, TaskErrorCode.INTERNAL_ERROR]
    assert "acl.filters" in rows.reports[0].errors[0].error_message


class Ticked:
    """The duty with one task, whose agent begins every tick."""

    def __init__(self, rows: Rows) -> None:
        self.made: list[Task] = []
        self.duty = Ticking(rows, "link", lambda: None)  # type: ignore[arg-type]

    def make(self, context: Any, link: str) -> Task:
        self.made.append(Task(context, link))
        return self.made[-1]

    async def put(self, tick: Tick) -> None:
        tick.begin()

    @property
    def task(self) -> Task:
        return self.made[-1]


@pytest.fixture
def ticked(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ticked]:
    made = Ticked(rows)
    monkeypatch.setattr(ticking, "TICKED", {TaskName.ACL_SYNC: TickedTask(made.make, made.put)})
    yield made
    assert TICKED is not ticking.TICKED


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


async def test_cycles_follow_each_other_and_never_overlap(ticked: Ticked, monkeypatch: pytest.MonkeyPatch) -> None:
    """TASK-19."""
    monkeypatch.setattr(Task, "interval_s", lambda _: 0.002)
    running = asyncio.create_task(ticked.duty.run())
    await until(lambda: bool(ticked.made) and ticked.task.cycles > 3)
    ticked.task.may_end.clear()
    await until(lambda: ticked.task.at_once == 1)
    begun = ticked.task.cycles
    await asyncio.sleep(0.02)
    assert ticked.task.cycles == begun, "ten intervals long"
    ticked.task.may_end.set()
    await until(lambda: ticked.task.cycles > begun)
    assert ticked.task.most_at_once == 1
    ticked.task.may_end.clear()
    await until(lambda: ticked.task.at_once == 1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert ticked.task.at_once == 0, "a cycle ends with the leading of its link"


async def test_a_change_of_what_the_task_reads_makes_it_run_at_once(rows: Rows, ticked: Ticked) -> None:
    """TASK-51: long before the interval is over."""
    rows.put(configs={"acl.sync.ms": "3600000"})
    running = asyncio.create_task(ticked.duty.run())
    await until(lambda: bool(ticked.made) and ticked.task.cycles == 1)
    rows.put(configs={"acl.sync.ms": "3600000", "acl.sync.enable": "true"})
    await until(lambda: ticked.task.cycles == 2)
    rows.put(state=LinkState.PAUSED)
    await until(lambda: rows.reports[-1].state is TaskState.LINK_PAUSED)
    rows.put(state=LinkState.ACTIVE)
    await until(lambda: ticked.task.cycles == 3)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_errors_of_properties_that_have_changed_meanwhile_are_not_reported(rows: Rows, task: Task) -> None:
    """LINK-10: the connections of the old ones were closed under the cycle; the next one is due at once."""
    task.report = Report((TaskError(TaskErrorCode.INTERNAL_ERROR, "this client is closed"),))
    task.may_end.clear()
    running = asyncio.create_task(task.run())
    while not task.at_once:
        await asyncio.sleep(0)
    rows.put(configs={"request.timeout.ms": "1234"})
    task.may_end.set()
    await running
    assert task.is_void and not rows.reports
    await task.run()
    assert not task.is_void and [report.state for report in rows.reports] == [TaskState.IN_ERROR]
