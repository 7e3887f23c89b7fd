"""The side that waits knows whether the side that dials is there, and answers for it where it is not (MODE-44)."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline.cluster.errors import SECURITY_DISABLED, KafkaFailure
from pipeline.cluster.probe import ProbeResult
from pipeline.cluster.security import client_arguments
from pipeline.lifecycle import hearing, probing
from pipeline.lifecycle.carrying import Carrying
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.hearing import Hearing, judge
from pipeline.lifecycle.leading import LinkLeader
from pipeline.lifecycle.mirror_commands import create_mirror
from pipeline.lifecycle.operations import operate
from pipeline.link.carrier import Carrier
from pipeline.link.link_transitions import LinkEvent
from pipeline.link.models import Command, Link
from pipeline.link.states import ConnectionMode, LinkErrorCode, LinkState, MirrorStatus
from tests.unit.control.test_reach import HALF, carrying
from tests.unit.lifecycle.rows import LINK, Rows, mirror
from tests.unit.lifecycle.test_guarding import Own
from tests.unit.lifecycle.test_leading import answered

E, S = LinkErrorCode, LinkState
CONFIGS = {"availability.check.ms": "1000", "availability.check.consecutive.failure.threshold": "3"}
WAITING = replace(LINK, connection_mode=ConnectionMode.INBOUND, remote_cluster_id="here", configs=CONFIGS)
ALIVE = Carrier("l", "cluster-link-id", "here", "far-worker")
CREATE = Command("c1", "l", "mirror.create", {"source_topic_name": "m"})


def said(rows: Rows, carrier: Carrier = ALIVE) -> None:
    rows.put("carriers", "l", carrier.to_json())


def decided(rows: Rows, duty: Hearing) -> Link:
    decision = Decision(rows.model, "l")
    duty.decide(decision)
    for change in decision.outcome("w").changes:
        rows.put(change.table, change.key, change.row)
    return rows.model.links["l"]


@pytest.mark.parametrize(
    ("carrier", "is_fresh", "silent_s", "event", "error"),
    [
        (None, False, 0, LinkEvent.LOST, E.TIMEOUT_ERROR),
        (ALIVE, True, 2.9, LinkEvent.REACHED, E.NO_ERROR),
        (ALIVE, True, 3.1, LinkEvent.LOST, E.TIMEOUT_ERROR),
        (ALIVE, False, 2.9, None, E.NO_ERROR),
        (ALIVE, False, 3.1, LinkEvent.LOST, E.TIMEOUT_ERROR),
        (replace(ALIVE, error=E.UNKNOWN, error_message="paused"), True, 0, LinkEvent.LOST, E.UNKNOWN),
        (replace(ALIVE, error=E.REMOTE_LINK_NOT_FOUND_ERROR), False, 9, LinkEvent.LOST, E.REMOTE_LINK_NOT_FOUND_ERROR),
        (replace(ALIVE, error=E.CLUSTER_ID_MISMATCH_ERROR), True, 0, LinkEvent.BROKEN, E.CLUSTER_ID_MISMATCH_ERROR),
    ],
)
def test_what_is_heard(
    carrier: Carrier | None, is_fresh: bool, silent_s: float, event: LinkEvent | None, error: LinkErrorCode
) -> None:
    assert judge(WAITING, carrier, is_fresh, silent_s)[:2] == (event, error)


async def test_a_link_is_there_while_its_dialling_side_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(hearing.time, "monotonic", lambda: now)
    rows = Rows(replace(WAITING, state=S.UNKNOWN))
    duty = Hearing(rows.context(), "l", lambda: None)
    assert decided(rows, duty).state is S.UNKNOWN  # nothing is known before it listens
    duty._listen()
    link = decided(rows, duty)
    assert link.state is S.UNAVAILABLE
    assert "the side that dials for cluster link 'l' (cluster here) is away" in link.error_message
    said(rows)
    duty._listen()
    assert decided(rows, duty).state is S.ACTIVE
    now = 3.5
    duty._listen()
    assert decided(rows, duty).error is E.TIMEOUT_ERROR
    said(rows)
    duty._listen()
    assert decided(rows, duty).state is S.ACTIVE
    said(rows, replace(ALIVE, cluster_link_id="of a link that was here before"))
    duty._listen()
    assert decided(rows, duty).state is S.UNAVAILABLE


async def test_an_old_sign_of_life_revives_nothing() -> None:
    """Whoever leads the link next does not know how old the row is."""
    rows = Rows(replace(WAITING, state=S.UNAVAILABLE))
    said(rows)
    duty = Hearing(rows.context(), "l", lambda: None)
    duty._listen()
    assert decided(rows, duty).state is S.UNAVAILABLE


async def test_the_dialling_side_says_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async def found(configs: object, **_: object) -> ProbeResult:
        return results.pop(0)

    monkeypatch.setattr(probing, "probe", found)
    refused = ProbeResult(E.AUTHENTICATION_ERROR, "inside:9092: no")
    results = [ProbeResult(E.NO_ERROR, cluster_id="here"), refused, ProbeResult(E.NO_ERROR, cluster_id="other")]
    rows = Rows(WAITING)
    own = Own(refusal=KafkaFailure(SECURITY_DISABLED))
    cast(Any, own).client = SimpleNamespace(security=client_arguments({"bootstrap.servers": "there:9092"}))
    duty = Carrying(rows.context(reach=carrying(HALF), own=own), "l", lambda: None)
    found_errors = [(await duty._look(WAITING)).error for _ in range(3)]
    assert found_errors == [E.NO_ERROR, E.AUTHENTICATION_ERROR, E.CLUSTER_ID_MISMATCH_ERROR]
    paused = Carrying(rows.context(reach=carrying(replace(HALF, state=S.PAUSED)), own=own), "l", lambda: None)
    assert "is paused there" in (await paused._look(WAITING)).error_message


async def test_a_command_that_needs_the_dialling_side_is_refused_while_it_is_away() -> None:
    """Nothing hangs: 503 at once, naming who is away."""
    rows = Rows(replace(WAITING, state=S.UNAVAILABLE, error_message="silent for 9 s"))
    rows.ask(CREATE)
    result = await answered(rows, LinkLeader(rows.context(), "l", {"mirror.create": create_mirror}, ()))
    assert (result.status, result.error_code) == (503, 503)
    assert "(cluster here)" in (result.message or "")
    assert "silent for 9 s" in (result.message or "")


async def test_what_waits_for_the_dialling_side_holds_up_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failover needs the own cluster alone; what nobody takes up is answered all the same."""
    rows = Rows(WAITING, mirror())
    rows.ask(CREATE)
    rows.ask(Command("c2", "l", "mirror.failover", {"mirror_topic_names": ["m"]}))
    handlers = {"mirror.create": create_mirror, "mirror.failover": operate}
    leader = LinkLeader(rows.context(), "l", handlers, ())
    assert (await answered(rows, leader, "c2")).status == 200
    assert rows.mirror().status is MirrorStatus.PENDING_STOPPED
    assert not rows.model.requests["c1"].is_done
    monkeypatch.setattr("pipeline.lifecycle.leading.TAKEN_UP_WITHIN_S", 0)
    assert (await answered(rows, leader)).status == 503


async def test_what_the_dialling_side_has_begun_is_left_to_it() -> None:
    rows = Rows(replace(WAITING, state=S.UNAVAILABLE))
    rows.ask(CREATE, stage="creating the topic")
    leader = LinkLeader(rows.context(), "l", {}, ())
    assert leader._next() is None


async def test_a_link_that_is_not_there_is_answered_for_at_home() -> None:
    rows = Rows(None)
    rows.ask(CREATE)
    result = await answered(rows, LinkLeader(rows.context(), "l", {"mirror.create": create_mirror}, ()))
    assert result.status == 404


async def test_the_dialling_side_takes_up_nothing_but_its_part() -> None:
    rows = Rows(WAITING, mirror())
    rows.ask(Command("c2", "l", "mirror.failover", {"mirror_topic_names": ["m"]}))
    leader = LinkLeader(rows.context(reach=carrying(HALF)), "l", {}, ())
    assert leader._next() is None
    rows.ask(CREATE)
    request = leader._next()
    assert request is not None
    assert request.id == "c1"
