"""Promotions that come together share one look at the groups; each hears only of what concerns it (RUN-3, RUN-5)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from pipeline.lifecycle import offset_task
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.offset_task import FinalSyncs, OffsetSync, above_ends
from pipeline.link.models import Link, Mirror
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import ConnectionMode, LinkMode, MirrorStatus, PendingOperation
from pipeline.sync.marks import Mark, write_row
from pipeline.sync.offsets import OffsetJob, OffsetReport
from pipeline.sync.problems import in_use
from tests.unit.lifecycle.rows import Rows, mirror

LINK = Link("l", "uuid", "id", LinkMode.DESTINATION, ConnectionMode.OUTBOUND)


class Cycles:
    """Stands for the cycles; each waits until it is let go."""

    def __init__(self) -> None:
        self.mirrors: list[Sequence[str]] = []
        self.go = asyncio.Event()

    async def run(self, context: Context, link: Link, job: OffsetJob) -> OffsetReport:
        self.mirrors.append([mirror.mirror_topic for mirror in job.mirrors])
        await self.go.wait()
        report = OffsetReport()
        report.met(in_use("g"), ["b"])
        return report


async def test_mirrors_that_wait_are_synced_together(monkeypatch: pytest.MonkeyPatch) -> None:
    cycles = Cycles()
    monkeypatch.setattr(offset_task, "run_job", cycles.run)
    joined = FinalSyncs(Rows(LINK).context())
    asked = [asyncio.create_task(joined.sync(LINK, Mirror("l", name, name))) for name in "abcd"]
    await asyncio.sleep(0)
    cycles.go.set()
    assert [len(each) for each in await asyncio.gather(*asked)] == [0, 1, 0, 0]
    assert cycles.mirrors == [["a", "b", "c", "d"]]
    cycles.go.clear()
    first = asyncio.create_task(joined.sync(LINK, Mirror("l", "a", "a")))
    while len(cycles.mirrors) < 2:
        await asyncio.sleep(0)
    later = asyncio.create_task(joined.sync(LINK, Mirror("l", "e", "e")))
    await asyncio.sleep(0)
    cycles.go.set()
    assert await asyncio.gather(first, later) == [[], []]
    assert cycles.mirrors[1:] == [["a"], ["e"]], "what comes while a cycle runs is the next one's"


async def test_a_defect_reaches_all_who_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> OffsetReport:
        raise ValueError("a defect")

    monkeypatch.setattr(offset_task, "run_job", broken)
    joined = FinalSyncs(Rows(LINK).context())
    asked = [joined.sync(LINK, Mirror("l", name, name)) for name in "ab"]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(each, Exception) and "a defect" in str(each) for each in found)


async def test_the_last_cycle_of_a_promotion_that_is_failed_over_commits_nothing_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jobs: list[OffsetJob] = []

    async def run(context: Context, link: Link, job: OffsetJob) -> OffsetReport:
        jobs.append(job)
        return OffsetReport()

    monkeypatch.setattr(offset_task, "run_job", run)
    row = mirror(status=MirrorStatus.PENDING_STOPPED, pending=PendingOperation.PROMOTE)
    rows = Rows(LINK, row)
    await FinalSyncs(rows.context()).sync(LINK, row)
    assert jobs[0].may_write("m")
    rows.put_mirror(replace(row, pending=PendingOperation.FAILOVER))
    assert not jobs[0].may_write("m")
    rows.put("mirrors", "l/m", None)
    assert not jobs[0].may_write("m")


async def test_groups_that_are_taken_out_during_a_cycle_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """They may be in use here from that moment on. A promotion goes by the new filters, once more."""
    jobs: list[OffsetJob] = []
    rows = Rows(
        LINK, mirror(), row := mirror("p", status=MirrorStatus.PENDING_STOPPED, pending=PendingOperation.PROMOTE)
    )
    changed = replace(LINK, configs={**LINK.configs, "consumer.offset.group.filters": '{"groupFilters": []}'})

    async def run(context: Context, link: Link, job: OffsetJob) -> OffsetReport:
        jobs.append(job)
        assert job.may_write(job.mirrors[0].mirror_topic)
        rows.put("links", "l", changed.to_json())
        assert not job.may_write(job.mirrors[0].mirror_topic)
        return OffsetReport()

    monkeypatch.setattr(offset_task, "run_job", run)
    await OffsetSync(rows.context(), "l").cycle(LINK, LinkSettings.of(LINK.configs))
    rows.put("links", "l", LINK.to_json())
    (error,) = await FinalSyncs(rows.context()).sync(LINK, row)
    assert "has changed" in error.error_message
    assert len(jobs) == 2


async def test_who_was_cancelled_leaves_no_former_row_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A leader that loses its link and gets it back; meanwhile the mirror has grown."""
    jobs: list[OffsetJob] = []
    go = asyncio.Event()

    async def run(context: Context, link: Link, job: OffsetJob) -> OffsetReport:
        jobs.append(job)
        await go.wait()
        return OffsetReport()

    monkeypatch.setattr(offset_task, "run_job", run)
    joined = FinalSyncs(Rows(LINK).context())
    first, waiting = (asyncio.create_task(joined.sync(LINK, Mirror("l", name, name, 1))) for name in "ab")
    while not jobs:
        await asyncio.sleep(0)
        waiting = asyncio.create_task(joined.sync(LINK, Mirror("l", "c", "c", 1))) if jobs else waiting
    await asyncio.sleep(0)
    waiting.cancel()
    go.set()
    await first
    await joined.sync(LINK, Mirror("l", "c", "c", 2))
    assert [mirror.partitions for mirror in jobs[1].mirrors] == [2]


def test_a_stop_asks_only_for_groups_that_are_above_the_end() -> None:
    """MIRROR-70: every sync has clamped already, so there are as good as none (RUN-6: within 5 s)."""
    rows = {
        "l/above": write_row("id", {("t", 0): Mark(105, 101), ("u", 0): Mark(1, 1)}),
        "l/at": write_row("id", {("t", 0): Mark(105, 100)}),
        "l/own": write_row("id", {("t", 0): Mark(105, 101, is_ours=False)}),
        "l/elsewhere": write_row("id", {("u", 0): Mark(500, 500)}),
        "l/older": write_row("another link of this name", {("t", 0): Mark(105, 105)}),
        "other/above": write_row("id", {("t", 0): Mark(105, 105)}),
    }
    assert above_ends(rows, LINK, {"t"}, {("t", 0): 100}) == ["above"]
