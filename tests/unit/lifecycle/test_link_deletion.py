"""Deleting links, with force too (LINK-100..105)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from pipeline.lifecycle import link_commands
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.link_commands import delete_link
from pipeline.lifecycle.stopping import Stopped
from pipeline.link.errors import KafkaRetriable, LinkError, LinkInUse, LinkNotFound
from pipeline.link.models import Command, Link, TaskError
from pipeline.link.states import MirrorStatus, PendingOperation, TaskErrorCode
from tests.unit.lifecycle.rows import LINK, Rows, mirror

DELETE = Command("c", "l", "link.delete", {"force": False})
FORCED = replace(DELETE, arguments={"force": True})
ERROR = TaskError(TaskErrorCode.UNKNOWN, "destination: silent")
LIVE = [s for s in MirrorStatus if s is not MirrorStatus.STOPPED]


async def delete(rows: Rows, command: Command) -> Decision:
    decision = Decision(rows.model, "l")
    await delete_link(rows.context(), command, None, decision)  # type: ignore[arg-type]
    await rows.send_outcome(decision.outcome("w").to_json())
    return decision


async def test_a_link_without_mirrors_goes() -> None:
    rows = Rows(LINK)
    await delete(rows, DELETE)
    assert not rows.model.links


async def test_stopped_mirrors_go_with_their_history() -> None:
    rows = Rows(LINK, mirror(status=MirrorStatus.STOPPED))
    await delete(rows, DELETE)
    assert not rows.model.links and not rows.model.mirrors
    assert rows.forgotten == [("l", "m", 0), ("l", "m", 1)]


async def test_an_absent_link_is_not_found() -> None:
    with pytest.raises(LinkNotFound) as refusal:
        await delete(Rows(None), DELETE)
    assert refusal.value.status == 404


@pytest.mark.parametrize("status", LIVE)
async def test_every_state_but_stopped_keeps_the_link(status: MirrorStatus) -> None:
    rows = Rows(LINK, mirror(status=status))
    with pytest.raises(LinkInUse) as refusal:
        await delete(rows, DELETE)
    assert (refusal.value.status, refusal.value.error_code) == (403, 40301)
    assert f"m ({status})" in refusal.value.message
    assert rows.model.links and rows.applied == 0


async def test_validate_only_forgets_nothing() -> None:
    rows = Rows(LINK, mirror(status=MirrorStatus.STOPPED))
    await delete_link(rows.context(), replace(DELETE, validate_only=True), None, Decision(rows.model, "l"))  # type: ignore[arg-type]
    assert rows.forgotten == []
    forced = Rows(LINK, mirror())
    await delete_link(forced.context(), replace(FORCED, validate_only=True), None, Decision(forced.model, "l"))  # type: ignore[arg-type]
    assert forced.mirror().status is MirrorStatus.ACTIVE


class Finishing:
    """Stands for the stopping of mirrors."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, rows: Rows, *errors: TaskError) -> None:
        self.rows, self.errors = rows, errors
        self.seen: list[tuple[MirrorStatus, PendingOperation | None, bool]] = []
        monkeypatch.setattr(link_commands, "finish", self.finish)

    async def finish(self, context: Context, link: Link, topics: Sequence[str], within_s: float) -> list[Stopped]:
        rows = [self.rows.mirror(topic) for topic in topics]
        self.seen += [(row.status, row.pending, row.is_copying) for row in rows]
        return [Stopped(row, errors=self.errors) for row in rows]


@pytest.mark.parametrize(
    ("status", "pending"),
    [
        (MirrorStatus.ACTIVE, None),
        (MirrorStatus.PAUSED, None),
        (MirrorStatus.FAILED, None),
        (MirrorStatus.LINK_PAUSED, None),
        (MirrorStatus.PENDING_MIRROR, None),
        (MirrorStatus.PENDING_STOPPED, PendingOperation.PROMOTE),
        (MirrorStatus.PENDING_STOPPED, PendingOperation.FAILOVER),
    ],
)
async def test_force_fails_over_whatever_is_left_before_the_link_goes(
    monkeypatch: pytest.MonkeyPatch, status: MirrorStatus, pending: PendingOperation | None
) -> None:
    rows = Rows(LINK, mirror(status=status, pending=pending), mirror("s", status=MirrorStatus.STOPPED))
    stopping = Finishing(monkeypatch, rows)
    await delete(rows, FORCED)
    assert stopping.seen == [(MirrorStatus.PENDING_STOPPED, PendingOperation.FAILOVER, False)]
    assert not rows.model.links and not rows.model.mirrors


async def test_mirrors_that_cannot_be_failed_over_in_time_keep_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Rows(LINK, mirror())
    Finishing(monkeypatch, rows, ERROR)
    with pytest.raises(KafkaRetriable) as refusal:
        await delete(rows, FORCED)
    assert isinstance(refusal.value, LinkError) and "m for: destination: silent" in refusal.value.message
    assert rows.mirror().pending is PendingOperation.FAILOVER, "it goes on by itself"


async def test_a_forced_deletion_that_was_cut_off_is_ended_by_whoever_repeats_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = Rows(LINK, mirror())
    Finishing(monkeypatch, rows, ERROR)
    with pytest.raises(KafkaRetriable):
        await delete(rows, FORCED)
    Finishing(monkeypatch, rows)
    await delete(rows, FORCED)
    assert not rows.model.links
