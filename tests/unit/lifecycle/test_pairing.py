"""What becomes of a side whose partner comes, goes, or was never there (MODE-13, MODE-24)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from pipeline.cluster.errors import ClusterError, NotAuthorized, RemoteLinkNotFound
from pipeline.cluster.probe import ProbeResult
from pipeline.control.work import is_open
from pipeline.lifecycle.auto_create_task import AutoCreate
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.mirror_commands import remote_mirrors
from pipeline.lifecycle.pairing import Pairing
from pipeline.lifecycle.probing import Finding, Probing
from pipeline.link.models import Command, Link, Mirror, Result
from pipeline.link.names import cluster_link_id
from pipeline.link.states import ConnectionMode, LinkErrorCode, LinkMode, LinkState, MirrorStatus
from tests.unit.lifecycle.rows import LINK, Rows, mirror

OWN_ID, THEIR_ID = cluster_link_id(b"o" * 16), cluster_link_id(b"t" * 16)
SIDE = replace(LINK, mode=LinkMode.BIDIRECTIONAL, cluster_link_id=OWN_ID, created_ms=9)
THEIRS = replace(SIDE, remote_cluster_id="own", cluster_link_id=THEIR_ID, created_ms=5)
ALONE = LinkErrorCode.REMOTE_LINK_NOT_FOUND_ERROR


class Partner:
    """The other side as it is; `link` may be an error."""

    cluster_id = "remote"

    def __init__(self, link: Link | ClusterError | None) -> None:
        self.is_there = link

    def changed(self) -> asyncio.Event:
        return asyncio.Event()

    async def catch_up(self) -> None:
        if isinstance(self.is_there, ClusterError):
            raise self.is_there

    def other_side(self, own: Link, own_cluster_id: str) -> Link:
        if not isinstance(self.is_there, Link):
            raise RemoteLinkNotFound("there is none")
        return self.is_there

    def mirrors(self) -> list[Mirror]:
        return [mirror("live"), mirror("stopped", status=MirrorStatus.STOPPED)]


def context_with(rows: Rows, partner: Partner) -> Context:
    context = rows.context()

    async def given(_: Link) -> Partner:
        await partner.catch_up()
        partner.other_side(SIDE, "own")
        return partner

    async def as_it_is(_: Link) -> Partner:
        return partner

    context.partner = as_it_is  # type: ignore[method-assign,assignment]
    context.paired_partner = given  # type: ignore[method-assign,assignment]
    return context


async def look(rows: Rows, partner: Partner) -> Link:
    """One look, and what is decided on it; the link as it is then."""
    found = asyncio.Event()
    duty = Pairing(context_with(rows, partner), "l", found.set)
    task = asyncio.create_task(duty.run())
    for _ in range(20):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    decision = Decision(rows.model, "l")
    duty.decide(decision)
    if not decision.is_empty:
        await rows.send_outcome(decision.outcome("w").to_json())
    return rows.model.links["l"]


async def test_the_first_side_works_alone() -> None:
    link = await look(Rows(SIDE), Partner(None))
    assert (link.state, link.is_paired) == (LinkState.ACTIVE, False)


async def test_the_second_side_takes_the_id_when_they_meet() -> None:
    link = await look(Rows(SIDE), Partner(THEIRS))
    assert link.is_paired and link.cluster_link_id == THEIR_ID
    first = await look(Rows(replace(SIDE, created_ms=1)), Partner(THEIRS))
    assert first.is_paired and first.cluster_link_id == OWN_ID


async def test_a_side_with_mirrors_keeps_its_id() -> None:
    link = await look(Rows(SIDE, mirror()), Partner(THEIRS))
    assert link.is_paired and link.cluster_link_id == OWN_ID


async def test_a_deleted_partner_stops_data_until_there_is_one_again() -> None:
    rows = Rows(replace(SIDE, is_paired=True))
    link = await look(rows, Partner(None))
    assert (link.state, link.error) == (LinkState.UNAVAILABLE, ALONE)
    assert "there is none" in link.error_message
    assert not is_open(link)
    probing = Probing(rows.context(), "l", lambda: None)
    probing._finding = Finding(link.configs, ProbeResult(LinkErrorCode.NO_ERROR, "", cluster_id="remote"))
    decision = Decision(rows.model, "l")
    probing.decide(decision)
    assert decision.is_empty, "that the cluster answers is not enough"
    assert await look(rows, Partner(None)) == link, "said once"
    link = await look(rows, Partner(replace(THEIRS, cluster_link_id=OWN_ID)))
    assert (link.state, link.error) == (LinkState.ACTIVE, LinkErrorCode.NO_ERROR)
    assert is_open(link)


async def test_a_source_half_is_never_the_first() -> None:
    """MODE-12: created unseen, it is alone until the half that waits is there, whose id it takes whenever that is."""
    half = replace(SIDE, mode=LinkMode.SOURCE, created_ms=1)
    rows = Rows(half)
    link = await look(rows, Partner(None))
    assert (link.state, link.error) == (LinkState.UNAVAILABLE, ALONE)
    waits = replace(THEIRS, mode=LinkMode.DESTINATION, connection_mode=ConnectionMode.INBOUND)
    link = await look(rows, Partner(waits))
    assert (link.state, link.cluster_link_id) == (LinkState.ACTIVE, THEIR_ID)


async def test_a_partner_that_may_not_be_seen_is_no_reason_to_stop() -> None:
    rows = Rows(replace(SIDE, is_paired=True))
    link = await look(rows, Partner(NotAuthorized(29, "", "READ", "topic t")))
    assert link.state is LinkState.ACTIVE


@pytest.mark.parametrize("state", [LinkState.PAUSED, LinkState.FAILED])
async def test_nobody_looks_over_a_link_that_is_paused_or_failed(state: LinkState) -> None:
    rows = Rows(replace(SIDE, state=state, is_paired=True))
    assert (await look(rows, Partner(None))).state is state


async def test_nothing_is_created_any_more_once_it_was_turned_off() -> None:
    """A cycle of thousands takes minutes."""
    rows, asked = Rows(SIDE), []

    async def submit(command: Command) -> Result:
        asked.append(command.arguments["source_topic_name"])
        rows.put("links", "l", replace(SIDE, configs={"auto.create.mirror.topics.enable": "false"}).to_json())
        return Result(command.id, "l", command.kind)

    task = AutoCreate(rows.context(submit=submit), "l")
    seen = task.watched()
    assert [await task._create(SIDE, name, seen) for name in "abc"] == [True, False, False]
    assert asked == ["a"]


async def test_what_came_over_the_link_is_not_mirrored_back() -> None:
    """MODE-22, MIRROR-115: asked for, what is a mirror now; by itself, what ever was one."""
    context = context_with(Rows(SIDE), Partner(THEIRS))
    assert await remote_mirrors(context, SIDE) == {"live"}
    assert await remote_mirrors(context, LINK) == set(), "a link with one side"
    task = AutoCreate(context, "l")
    assert await task._mirrors_there(SIDE) == {"live", "stopped"}
    alone = context_with(Rows(SIDE), Partner(None))
    assert await remote_mirrors(alone, SIDE) == set()
