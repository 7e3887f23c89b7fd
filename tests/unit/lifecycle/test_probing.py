"""Probes drive a link's state (STATE-1..17, LINK-37, LINK-38)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from pipeline.cluster.errors import SecretUnreadable
from pipeline.cluster.probe import ProbeResult
from pipeline.lifecycle import probing
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.probing import Finding, Probing, event_of, examine, is_probed
from pipeline.link.link_transitions import LinkEvent
from pipeline.link.models import Link
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import ConnectionMode, LinkErrorCode, LinkState
from tests.unit.lifecycle.rows import LINK, Clear, Rows

E, S = LinkErrorCode, LinkState
CONFIGS = {"availability.check.consecutive.failure.threshold": "3", "availability.check.ms": "1000"}
GOOD = ProbeResult(E.NO_ERROR, cluster_id="remote")


def found(error: LinkErrorCode, failures: int = 1) -> Finding:
    return Finding({}, ProbeResult(error, "why"), failures, error in probing.NEEDS_REPAIR)


@pytest.mark.parametrize(
    ("state", "finding", "event"),
    [
        (S.ACTIVE, Finding({}, GOOD), LinkEvent.REACHED),
        (S.UNAVAILABLE, Finding({}, GOOD), LinkEvent.REACHED),
        (S.ACTIVE, found(E.TIMEOUT_ERROR, 1), None),
        (S.ACTIVE, found(E.TIMEOUT_ERROR, 2), None),
        (S.ACTIVE, found(E.TIMEOUT_ERROR, 3), LinkEvent.LOST),
        (S.ACTIVE, found(E.BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR, 3), LinkEvent.LOST),
        (S.ACTIVE, found(E.AUTHENTICATION_ERROR, 1), LinkEvent.LOST),
        (S.UNKNOWN, found(E.UNRESOLVABLE_BOOTSTRAP_ERROR, 1), LinkEvent.LOST),
        (S.FAILED, found(E.TIMEOUT_ERROR, 1), LinkEvent.LOST),
        (S.ACTIVE, found(E.CLUSTER_ID_MISMATCH_ERROR, 1), LinkEvent.BROKEN),
        (S.ACTIVE, found(E.FILE_NOT_FOUND_ERROR, 1), LinkEvent.BROKEN),
        (S.UNAVAILABLE, found(E.SECRET_DECRYPTION_ERROR, 1), LinkEvent.BROKEN),
        (S.ACTIVE, found(E.UNSUPPORTED_VERSION_ERROR, 1), LinkEvent.BROKEN),
    ],
)
def test_what_findings_mean(state: LinkState, finding: Finding, event: LinkEvent | None) -> None:
    assert event_of(state, finding, LinkSettings.of(CONFIGS)) is event


def test_who_is_probed() -> None:
    assert is_probed(LINK)
    assert not is_probed(replace(LINK, state=S.PAUSED))
    assert not is_probed(replace(LINK, connection_mode=ConnectionMode.INBOUND))


async def test_another_cluster_than_expected_and_our_own_are_mismatches(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers(monkeypatch, replace(GOOD, cluster_id="other"), replace(GOOD, cluster_id="own"), GOOD)
    context = Rows().context()
    for expected in (E.CLUSTER_ID_MISMATCH_ERROR, E.CLUSTER_ID_MISMATCH_ERROR, E.NO_ERROR):
        assert (await examine(context, LINK, 0)).result.link_error is expected
    assert answers.asked == 3


async def test_a_secret_that_cannot_be_read_needs_repair_and_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    class Sealed(Clear):
        def open(self, link: Link) -> Mapping[str, str]:
            raise SecretUnreadable("sasl.jaas.config", "another key")

    answers = Answers(monkeypatch)
    finding = await examine(Rows().context(sealing=Sealed()), LINK, 0)
    assert (finding.result.link_error, finding.needs_repair) == (E.SECRET_DECRYPTION_ERROR, True)
    assert answers.asked == 0


async def test_a_link_is_lost_after_the_threshold_and_comes_back_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = ProbeResult(E.TIMEOUT_ERROR, "there:9092: no answer")
    Answers(monkeypatch, silent, silent, silent, replace(GOOD, cluster_id="remote"))
    link = replace(LINK, configs=LINK.configs | CONFIGS)
    rows = Rows(link)
    states = []
    finding = 0
    duty = Probing(rows.context(), "l", lambda: None)
    for _ in range(4):
        duty._finding = await examine(rows.context(), rows.model.links["l"], finding)
        finding = duty._finding.failures
        await decided(rows, duty)
        states.append(rows.model.links["l"].state)
    assert states == [S.ACTIVE, S.ACTIVE, S.UNAVAILABLE, S.ACTIVE]
    assert rows.model.links["l"].error is E.NO_ERROR


async def test_findings_about_other_properties_decide_nothing() -> None:
    rows = Rows()
    duty = Probing(rows.context(), "l", lambda: None)
    duty._finding = Finding({"bootstrap.servers": "elsewhere:1"}, ProbeResult(E.AUTHENTICATION_ERROR, "no"), 9)
    assert not await decided(rows, duty)


async def test_the_first_good_probe_of_an_unvalidated_link_learns_the_remote_id() -> None:
    rows = Rows(replace(LINK, remote_cluster_id=None, state=S.UNKNOWN))
    duty = Probing(rows.context(), "l", lambda: None)
    duty._finding = Finding(LINK.configs, GOOD)
    assert await decided(rows, duty)
    assert (rows.model.links["l"].state, rows.model.links["l"].remote_cluster_id) == (S.ACTIVE, "remote")
    assert not await decided(rows, duty), "decided once"


async def test_changed_properties_are_probed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers(monkeypatch, GOOD, GOOD)
    rows = Rows()  # availability.check.ms is a minute
    task = asyncio.create_task(Probing(rows.context(), "l", lambda: None).run())
    while answers.asked < 1:
        await asyncio.sleep(0)
    rows.put("links", "l", replace(LINK, configs={"bootstrap.servers": "moved:9092"}).to_json())
    async with asyncio.timeout(60):
        while answers.asked < 2:
            await asyncio.sleep(0.001)
    task.cancel()


async def decided(rows: Rows, duty: Probing) -> bool:
    decision = Decision(rows.model, "l")
    duty.decide(decision)
    if not decision.is_empty:
        await rows.send_outcome(decision.outcome("w").to_json())
    return not decision.is_empty


class Answers:
    """Stands for the remote cluster: one result after the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *results: ProbeResult) -> None:
        self._results = list(results)
        self.asked = 0
        monkeypatch.setattr(probing, "probe", self._probe)

    async def _probe(self, configs: Mapping[str, str], **_: Any) -> ProbeResult:
        self.asked += 1
        return self._results.pop(0)
