"""A link's life (STATE-1..7)."""

from __future__ import annotations

import itertools

import pytest

from pipeline.link.link_transitions import LINK_TRANSITIONS, LinkEvent, advance_link
from pipeline.link.models import Link
from pipeline.link.states import LinkErrorCode, LinkState

S, E = LinkState, LinkEvent


def link(state: LinkState, **fields: object) -> Link:
    return Link("l", "u", "c", state=state, state_time_ms=5, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(("state", "event"), list(itertools.product(LinkState, LinkEvent)))
def test_events_move_by_the_table_or_change_nothing(state: LinkState, event: LinkEvent) -> None:
    after, change = advance_link(link(state), event, "reason", 9)
    target = LINK_TRANSITIONS.get((state, event))
    if target is None:
        assert change is None
        assert (after.state, after.state_time_ms) == (state, 5)
    else:
        assert change is not None
        assert (change.previous, change.current, after.state, after.state_time_ms) == (state, target, target, 9)


def test_a_link_that_is_reached_again_has_no_error() -> None:
    lost, _ = advance_link(link(S.ACTIVE), E.LOST, "refused", 7, LinkErrorCode.BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR)
    assert (lost.error, lost.error_message) == (LinkErrorCode.BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR, "refused")
    back, _ = advance_link(lost, E.REACHED, "reached", 9)
    assert (back.state, back.error, back.error_message) == (S.ACTIVE, LinkErrorCode.NO_ERROR, "")


def test_an_unavailable_link_shows_its_newest_error_since_the_same_time() -> None:
    lost = link(S.UNAVAILABLE, error=LinkErrorCode.TIMEOUT_ERROR, error_message="old")
    after, change = advance_link(lost, E.LOST, "new", 9, LinkErrorCode.AUTHENTICATION_ERROR)
    assert change is None
    assert (after.error, after.error_message, after.state_time_ms) == (LinkErrorCode.AUTHENTICATION_ERROR, "new", 5)


@pytest.mark.parametrize("event", [E.REACHED, E.LOST, E.BROKEN])
def test_a_paused_link_stays_paused_whatever_probes_find(event: LinkEvent) -> None:
    """STATE-3."""
    paused = link(S.PAUSED)
    assert advance_link(paused, event, "reason", 9) == (paused, None)


def test_a_change_reads_as_one_line() -> None:
    """STATE-62."""
    _, change = advance_link(link(S.ACTIVE), E.BROKEN, "ids differ", 9, LinkErrorCode.CLUSTER_ID_MISMATCH_ERROR)
    assert str(change) == "link l: ACTIVE -> FAILED (BROKEN, CLUSTER_ID_MISMATCH_ERROR: ids differ)"
