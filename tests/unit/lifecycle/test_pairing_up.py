"""A new side that dials finds its partner, takes its id, or is told what is missing (MODE-12, MODE-13)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.cluster.errors import ClusterError, NotAuthorized, RemoteLinkNotFound
from pipeline.lifecycle.pairing_up import comes_second, pair_up
from pipeline.link.errors import Invalid, InvalidProperties
from pipeline.link.models import Link
from pipeline.link.names import cluster_link_id, link_id
from pipeline.link.states import LinkMode
from tests.unit.control.test_reach import HALF, WAITING
from tests.unit.lifecycle.rows import LINK

THEIR_ID, OUR_ID = cluster_link_id(b"a" * 16), cluster_link_id(b"b" * 16)
OURS = replace(HALF, cluster_link_id=OUR_ID, configs={"bootstrap.servers": "there:9092"})
THEIRS = replace(WAITING, cluster_link_id=THEIR_ID)
B = LinkMode.BIDIRECTIONAL


class Context:
    """A context whose partner is as told."""

    cluster_id = "here"
    own = None

    def __init__(self, theirs: Link | ClusterError) -> None:
        self._theirs = theirs

    async def partner(self, link: Link) -> Any:
        return self

    async def catch_up(self) -> None:
        pass

    def other_side(self, link: Link, cluster_id: str) -> Link:
        if isinstance(self._theirs, ClusterError):
            raise self._theirs
        return self._theirs


async def paired(link: Link, theirs: Link | ClusterError, id_given: bool = False) -> Link:
    return await pair_up(Context(theirs), link, id_given=id_given)  # type: ignore[arg-type]


async def test_the_second_side_takes_the_id_of_the_first() -> None:
    after = await paired(OURS, THEIRS)
    assert (after.cluster_link_id, after.link_id, after.is_paired) == (THEIR_ID, link_id(b"a" * 16), True)
    assert (await paired(replace(OURS, cluster_link_id=THEIR_ID), THEIRS, id_given=True)).cluster_link_id == THEIR_ID


async def test_an_id_that_is_given_has_to_be_the_firsts() -> None:
    with pytest.raises(Invalid, match=f"{OUR_ID} was given.*has {THEIR_ID}"):
        await paired(OURS, THEIRS, id_given=True)


async def test_a_source_half_that_comes_first_is_told_what_is_missing() -> None:
    with pytest.raises(Invalid, match="a cluster link 'l' of mode DESTINATION, INBOUND, on cluster there"):
        await paired(OURS, RemoteLinkNotFound("there is no cluster link 'l'"))


async def test_of_two_sides_that_both_dial_either_may_come_first() -> None:
    both = replace(OURS, mode=B)
    assert await paired(both, RemoteLinkNotFound()) == both
    assert await paired(both, NotAuthorized(29, "", "READ", "topic x")) == both
    assert not comes_second(both)


async def test_a_bidirectional_side_that_gives_access_to_its_own_cluster_comes_second() -> None:
    """MODE-42: only a partner that waits needs it."""
    gives = replace(OURS, mode=B, configs={**OURS.configs, "local.security.protocol": "PLAINTEXT"})
    assert comes_second(gives)
    with pytest.raises(Invalid, match="of mode BIDIRECTIONAL, INBOUND"):
        await paired(gives, RemoteLinkNotFound())


async def test_what_the_partner_does_not_let_us_see_is_said() -> None:
    with pytest.raises(Invalid, match="READ on topic x"):
        await paired(OURS, NotAuthorized(29, "", "READ", "topic x"))


async def test_a_link_without_a_partner_asks_nobody() -> None:
    assert await paired(LINK, RemoteLinkNotFound()) is LINK
    assert await paired(WAITING, RemoteLinkNotFound()) is WAITING


async def test_a_listener_that_the_own_brokers_do_not_have_is_refused() -> None:
    """LINK-41."""

    class Own:
        async def brokers(self) -> dict[int, None]:
            return {1: None}

        async def broker_configs(self, node: int) -> dict[str, Any]:
            return {}

    context = Context(THEIRS)
    context.own = Own()  # type: ignore[assignment]
    named = replace(OURS, configs={**OURS.configs, "local.listener.name": "NOWHERE"})
    with pytest.raises(InvalidProperties, match=r"local.listener.name: no broker .* has a listener 'NOWHERE'"):
        await pair_up(context, named, id_given=False)  # type: ignore[arg-type]
