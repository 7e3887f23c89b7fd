"""What is counted where it happens: commands, changes of state, probes, cycles."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from pipeline.lifecycle import probing
from pipeline.lifecycle.context import note_changes
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.leading import LinkLeader
from pipeline.lifecycle.offset_task import count_offsets
from pipeline.lifecycle.operations import operate
from pipeline.lifecycle.probing import Probing
from pipeline.link.link_transitions import LinkEvent, advance_link
from pipeline.link.models import Command
from pipeline.link.states import LinkErrorCode, LinkState
from pipeline.metrics.meter import METER
from pipeline.sync.offsets import OffsetReport
from tests.unit.lifecycle.rows import LINK, Rows, mirror

PAUSE = Command("c1", "l", "mirror.pause", {"mirror_topic_names": ["m"]})


@pytest.fixture(autouse=True)
def meter() -> None:
    METER.__init__()  # type: ignore[misc]


def counted(metric: str, *labels: str) -> float:
    return METER.numbers[f"clusterlink_{metric}"].get(labels, 0)


async def test_commands_are_counted_by_kind_and_outcome() -> None:
    rows = Rows(LINK, mirror())
    rows.ask(PAUSE)
    rows.ask(replace(PAUSE, id="c2", kind="mirror.resume", arguments={}))
    leader = LinkLeader(rows.context(), "l", {"mirror.pause": operate, "mirror.resume": operate}, ())
    task = asyncio.create_task(leader.run())
    async with asyncio.timeout(60):
        while not rows.model.requests["c2"].is_done:
            await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert counted("commands_total", "mirror.pause", "ok") == 1
    refused = rows.model.requests["c2"].result
    assert refused is not None and counted("commands_total", "mirror.resume", str(refused["error_code"])) == 1
    assert METER.distributions["clusterlink_command_seconds"]["mirror.pause", "ok"].counts
    assert counted("state_changes_total", "l", "mirror", "PAUSED") == 1


def test_a_link_that_is_lost_counts_once_however_often_its_reason_changes() -> None:
    rows = Rows(LINK)
    decision = Decision(rows.model, "l")
    lost, change = advance_link(LINK, LinkEvent.LOST, "gone", 1, LinkErrorCode.TIMEOUT_ERROR)
    decision.note(change)
    _, again = advance_link(lost, LinkEvent.LOST, "gone otherwise", 2, LinkErrorCode.UNKNOWN)
    decision.note(again)
    note_changes(decision)
    assert counted("link_unavailable_total", "l") == 1
    assert counted("state_changes_total", "l", "link", LinkState.UNAVAILABLE) == 1


async def test_probes_that_fail_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nobody(*_: Any, **__: Any) -> probing.ProbeResult:
        return probing.ProbeResult(LinkErrorCode.TIMEOUT_ERROR, "silence")

    monkeypatch.setattr(probing, "probe", nobody)
    found = asyncio.Event()
    duty = Probing(Rows(LINK).context(), "l", found.set)
    task = asyncio.create_task(duty.run())
    async with asyncio.timeout(60):
        await found.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert counted("probe_failures_total", "l") == 1


def test_a_cycle_of_the_offset_sync() -> None:
    report = OffsetReport(groups=5, written=7, refused=2, in_use={"a"}, failed={"a", "b"}, lags={"a": 3, "b": 0})
    count_offsets("l", report)
    assert counted("consumer_offset_commits_total", "l", "success") == 7
    assert counted("consumer_offset_commits_total", "l", "failure") == 2
    assert [counted("consumer_groups", "l", state) for state in ("synced", "in_use", "error")] == [3, 1, 1]
    assert counted("consumer_offset_lag_records", "l", "a") == 3


async def test_a_change_that_is_decided_again_is_counted_once() -> None:
    """Where outcomes are applied late: the first is on its way still; the next change of the row counts."""
    rows = Rows(LINK)
    context = rows.context()

    def decision() -> Decision:
        made, link = Decision(rows.model, "l"), rows.model.links["l"]
        event = LinkEvent.LOST if link.state is LinkState.ACTIVE else LinkEvent.REACHED
        after, change = advance_link(link, event, "", 1, LinkErrorCode.TIMEOUT_ERROR)
        made.note(change)
        made.put_link(after)
        return made

    first, again = decision(), decision()
    for each in (first, again):
        await context.settle(each)
    assert (rows.applied, rows.late) == (1, 1)
    assert counted("link_unavailable_total", "l") == 1
    for _ in range(2):
        await context.settle(decision())
    assert counted("link_unavailable_total", "l") == 2
