"""A mirror's life: every row of MIRROR-37, and nothing else."""

from __future__ import annotations

import itertools

import pytest

from pipeline.link.errors import IllegalTransition, MirrorFailure
from pipeline.link.models import Mirror, TaskError
from pipeline.link.restore import Restore, RestoreStage
from pipeline.link.states import LinkState, MirrorError, MirrorStatus, PendingOperation, TaskErrorCode
from pipeline.link.transitions import (
    ENTRIES,
    EXITS,
    PENDING,
    TRANSITIONS,
    Before,
    Event,
    advance,
    after_link,
    fail,
    is_legal,
)

S, E, P = MirrorStatus, Event, PendingOperation
REASON = "because"


def mirror(status: MirrorStatus, pending: PendingOperation | None = None, **fields: object) -> Mirror:
    return Mirror("link-1", "topic-1", "topic-1", status=status, status_time_ms=5, pending=pending, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(("status", "event"), list(itertools.product(MirrorStatus, Event)))
def test_every_pair_either_moves_by_the_table_or_is_refused_by_state(status: MirrorStatus, event: Event) -> None:
    before = mirror(status)
    target = TRANSITIONS.get((status, event))
    if target is None:
        with pytest.raises(IllegalTransition) as refusal:
            advance(before, event, REASON, 9)
        assert refusal.value.error_code == 400
        assert status in refusal.value.message or "already stopped" in refusal.value.message
    else:
        after, change = advance(before, event, REASON, 9)
        assert after.status is (S.ACTIVE if isinstance(target, Before) else target)
        assert (change.previous, change.current, change.reason) == (status, after.status, REASON)
        assert after.status_time_ms == (9 if change.is_change else 5)


@pytest.mark.parametrize(
    ("status", "events"),
    [
        (S.ACTIVE, "PAUSE PROMOTE FAILOVER REVERSE_AND_START REVERSE_AND_PAUSE"),
        (S.PAUSED, "RESUME FAILOVER"),
        (S.LINK_PAUSED, "FAILOVER"),
        (S.SOURCE_UNAVAILABLE, "FAILOVER"),
        (S.LINK_FAILED, "FAILOVER"),
        (S.FAILED, "FAILOVER"),
        (S.PENDING_MIRROR, "FAILOVER"),
        (S.PENDING_STOPPED, "FAILOVER"),
        (S.PENDING_SYNCHRONIZE, ""),
        (S.PENDING_SETUP_FOR_RESTORE, "FAILOVER"),
        (S.PENDING_RESTORE, "FAILOVER"),
        (S.STOPPED, "TRUNCATE_AND_RESTORE"),
    ],
)
def test_what_people_may_ask_of_each_state(status: MirrorStatus, events: str) -> None:
    """MIRROR-37, written out a second time by hand."""
    asked = {E.PAUSE, E.RESUME, *PENDING}
    assert {event for event in asked if is_legal(mirror(status), event)} == {Event(word) for word in events.split()}


def test_repeating_a_finished_stop_says_so() -> None:
    """MIRROR-54."""
    for event in (E.PROMOTE, E.FAILOVER):
        with pytest.raises(IllegalTransition) as refusal:
            advance(mirror(S.STOPPED), event, REASON, 9)
        assert refusal.value.message == "Topic 'topic-1' has already stopped its mirror from 'link-1'"


@pytest.mark.parametrize("event", [E.PROMOTE, E.FAILOVER, E.REVERSE_AND_START, E.REVERSE_AND_PAUSE])
def test_repeating_an_operation_in_progress_changes_nothing(event: Event) -> None:
    """MIRROR-54."""
    running, _ = advance(mirror(S.ACTIVE), event, REASON, 7)
    again, change = advance(running, event, REASON, 9)
    assert again is running
    assert not change.is_change


def test_failover_overtakes_a_promote_but_not_the_other_way_round() -> None:
    promoting, _ = advance(mirror(S.ACTIVE), E.PROMOTE, REASON, 7)
    assert promoting.is_copying
    failing_over, _ = advance(promoting, E.FAILOVER, REASON, 9)
    assert (failing_over.status, failing_over.pending) == (S.PENDING_STOPPED, P.FAILOVER)
    assert not failing_over.is_copying
    with pytest.raises(IllegalTransition, match=r"PENDING_STOPPED \(for failover\)"):
        advance(failing_over, E.PROMOTE, REASON, 11)


@pytest.mark.parametrize("operation", [P.REVERSE_AND_START, P.REVERSE_AND_PAUSE])
def test_failover_does_not_overtake_a_reverse(operation: PendingOperation) -> None:
    """MIRROR-37 has it for PENDING_STOPPED of a promote only."""
    with pytest.raises(IllegalTransition, match="delete the link with force"):
        advance(mirror(S.PENDING_STOPPED, operation), E.FAILOVER, REASON, 9)


@pytest.mark.parametrize("stage", list(RestoreStage))
def test_failover_gives_a_restore_up(stage: RestoreStage) -> None:
    """MIRROR-68: any state but STOPPED. What groups had is still owed to them where the topic was made anew."""
    restore = Restore(cuts=(5,), ends=(9,), starts=(0,), old_topic_id="id", stage=stage)
    status = S.PENDING_SETUP_FOR_RESTORE if stage is RestoreStage.COMPARING else S.PENDING_RESTORE
    before = mirror(status, P.TRUNCATE_AND_RESTORE, restore=restore)
    assert before.is_restoring
    after, _ = advance(before, E.FAILOVER, REASON, 9)
    assert (after.status, after.pending, after.is_restoring, after.is_copying) == (
        S.PENDING_STOPPED,
        P.FAILOVER,
        False,
        False,
    )
    assert after.restore == (restore if stage is RestoreStage.COPYING else None)


@pytest.mark.parametrize("was", [S.ACTIVE, S.PAUSED])
def test_the_end_of_a_pause_or_failure_of_the_link_brings_back_the_state_before(was: MirrorStatus) -> None:
    for there, back in ((E.LINK_PAUSED, E.LINK_RESUMED), (E.LINK_FAILED, E.LINK_REPAIRED)):
        away, _ = advance(mirror(was), there, REASON, 7)
        assert away.resume_status is was
        home, _ = advance(away, back, REASON, 9)
        assert (home.status, home.resume_status) == (was, None)


def test_a_mirror_out_of_reach_comes_back_active_after_a_pause_of_its_link() -> None:
    away, _ = advance(mirror(S.SOURCE_UNAVAILABLE), E.LINK_PAUSED, REASON, 7)
    failed, _ = advance(away, E.LINK_FAILED, REASON, 8)
    home, _ = advance(failed, E.LINK_REPAIRED, REASON, 9)
    assert home.status is S.ACTIVE


@pytest.mark.parametrize("status", MirrorStatus)
@pytest.mark.parametrize("link", LinkState)
def test_mirrors_settle_on_their_links_state(link: LinkState, status: MirrorStatus) -> None:
    one, steps = mirror(status, resume_status=S.PAUSED if status is S.LINK_PAUSED else None), 0
    while (event := after_link(one, link)) is not None:
        one, _ = advance(one, event, REASON, 9)
        steps += 1
        assert steps < 3
    if (
        status in (S.ACTIVE, S.PAUSED, S.LINK_PAUSED, S.LINK_FAILED, S.SOURCE_UNAVAILABLE)
        and link is not LinkState.UNKNOWN
    ):
        expected = {
            LinkState.ACTIVE: {S.ACTIVE, S.PAUSED},
            LinkState.PAUSED: {S.LINK_PAUSED},
            LinkState.FAILED: {S.LINK_FAILED},
            LinkState.UNAVAILABLE: {S.SOURCE_UNAVAILABLE, S.PAUSED},
        }
        assert one.status in expected[link]
    else:
        assert one.status is status


def test_a_failure_carries_its_code_and_message_and_recovery_clears_them() -> None:
    """I4."""
    failed, change = fail(mirror(S.ACTIVE), MirrorFailure(MirrorError.UNEXPECTED_TRUNCATION, "cut at 7"), 9)
    assert (failed.status, failed.error, failed.error_message) == (
        S.FAILED,
        MirrorError.UNEXPECTED_TRUNCATION,
        "cut at 7",
    )
    assert str(change) == "link link-1, mirror topic-1: ACTIVE -> FAILED (FAIL: cut at 7)"
    restored, _ = advance(
        mirror(S.PENDING_RESTORE, P.TRUNCATE_AND_RESTORE, error=MirrorError.UNKNOWN), E.RESTORED, REASON, 9
    )
    assert (restored.error, restored.pending) == (MirrorError.NO_ERROR, None)


def test_a_reverse_remembers_how_it_ends() -> None:
    started = mirror(ENTRIES[E.BECOME_MIRROR], P.REVERSE_AND_PAUSE)
    synchronized, _ = advance(started, E.SYNCHRONIZED, REASON, 7)
    assert synchronized.pending is P.REVERSE_AND_PAUSE
    paused, _ = advance(synchronized, E.SET_UP_PAUSED, REASON, 9)
    assert (paused.status, paused.pending) == (S.PAUSED, None)


def test_transition_errors_go_with_the_state_they_belong_to() -> None:
    """MIRROR-55."""
    stuck = mirror(
        S.PENDING_STOPPED,
        P.PROMOTE,
        transition_errors=(TaskError(TaskErrorCode.CONSUMER_GROUP_IN_USE_ERROR, "group g"),),
    )
    assert advance(stuck, E.PROMOTE, REASON, 9)[0].transition_errors
    assert not advance(stuck, E.STOP, REASON, 9)[0].transition_errors


def test_a_mirror_is_forgotten_with_its_topic_always_and_with_its_link_once_stopped() -> None:
    assert set(EXITS[E.TOPIC_DELETED]) == set(MirrorStatus)
    assert EXITS[E.LINK_DELETED] == (S.STOPPED,)


def test_every_state_is_reached_and_left() -> None:
    reached = set(ENTRIES.values()) | {target for target in TRANSITIONS.values() if isinstance(target, MirrorStatus)}
    assert reached == set(MirrorStatus)
    assert {status for status, _ in TRANSITIONS} == set(MirrorStatus)
