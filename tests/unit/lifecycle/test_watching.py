"""Mirrors follow their link and what is reported of them (MIRROR-25..31)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.watching import Watching, next_step
from pipeline.link.models import Position
from pipeline.link.states import LinkState, MirrorError, MirrorStatus
from pipeline.link.transitions import Event
from tests.unit.lifecycle.rows import LINK, Rows, mirror

PENDING = mirror(status=MirrorStatus.PENDING_MIRROR, start_offsets=(5, 0), created_ms=100)


def at(partition: int, log_end: int, **more: object) -> Position:
    return Position("l", "m", partition, log_end_offset=log_end, **({"time_ms": 200} | more))  # type: ignore[arg-type]


def test_a_mirror_is_set_up_when_every_partition_has_its_start() -> None:
    assert next_step(PENDING, [at(0, 5)], LINK) is None
    assert next_step(PENDING, [at(0, 4), at(1, 0)], LINK) is None
    step = next_step(PENDING, [at(0, 5), at(1, 0)], LINK)
    assert step is not None and step.event is Event.SET_UP


def test_what_was_reported_before_a_mirror_existed_is_of_another_one() -> None:
    assert next_step(PENDING, [at(0, 5, time_ms=99), at(1, 0)], LINK) is None
    old = at(0, 5, time_ms=99, error=MirrorError.ILLEGAL_STATE)
    assert next_step(PENDING, [old], LINK) is None


def test_a_seeded_compacted_mirror_waits_for_its_policy() -> None:
    compacted = replace(PENDING, cleanup_policy="compact")
    assert next_step(compacted, [at(0, 5), at(1, 0)], LINK) is None


@pytest.mark.parametrize(
    ("status", "fails"),
    [
        (MirrorStatus.ACTIVE, True),
        (MirrorStatus.SOURCE_UNAVAILABLE, True),
        (MirrorStatus.PENDING_MIRROR, True),
        (MirrorStatus.PAUSED, False),
        (MirrorStatus.PENDING_STOPPED, False),
        (MirrorStatus.STOPPED, False),
    ],
)
def test_one_failed_partition_fails_the_mirror(status: MirrorStatus, fails: bool) -> None:
    bad = at(1, 0, error=MirrorError.ILLEGAL_STATE, error_message="offset 3: someone else's")
    step = next_step(mirror(status=status), [at(0, 0), bad], LINK)
    assert (step is not None and step.event is Event.FAIL) is fails


def test_all_mirrors_follow_their_link_in_one_decision_each_once() -> None:
    rows = Rows(
        replace(LINK, state=LinkState.PAUSED), mirror("a"), mirror("b", status=MirrorStatus.PAUSED), mirror("c")
    )
    duty = Watching(rows.context(), "l", lambda: None)
    decision = Decision(rows.model, "l")
    duty.decide(decision)
    assert [str(change).split(": ", 1)[1].split(" (")[0] for change in decision.happened] == [
        "ACTIVE -> LINK_PAUSED",
        "PAUSED -> LINK_PAUSED",
        "ACTIVE -> LINK_PAUSED",
    ]


async def test_a_paused_link_gives_each_mirror_its_state_back() -> None:
    rows = Rows(LINK, mirror("a"), mirror("b", status=MirrorStatus.PAUSED))
    context = rows.context()
    duty = Watching(context, "l", lambda: None)
    for state in (LinkState.PAUSED, LinkState.FAILED, LinkState.ACTIVE):
        rows.put("links", "l", replace(LINK, state=state).to_json())
        duty.saw("links", "l")
        while True:
            decision = Decision(rows.model, "l")
            duty.decide(decision)
            if decision.is_empty:
                break
            await context.settle(decision)
    assert (rows.mirror("a").status, rows.mirror("b").status) == (MirrorStatus.ACTIVE, MirrorStatus.PAUSED)
    assert rows.late == 0


def test_positions_that_tell_nothing_wake_nobody() -> None:
    rows, woken = Rows(LINK, mirror()), []
    duty = Watching(rows.context(), "l", lambda: woken.append(1))
    rows.report(at(0, 7))
    duty.saw("positions", "l/m/0")
    assert not woken
    rows.report(at(0, 7, error=MirrorError.ILLEGAL_STATE))
    duty.saw("positions", "l/m/0")
    assert woken
