"""What a worker does for which links: of its own cluster, or of a partner that waits for it to dial (MODE-43, 44)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.control.reach import NEEDS_BOTH_CLUSTERS, Carrying, Dialling, dials_for_partner, is_carried
from pipeline.link.models import Link
from pipeline.link.states import ConnectionMode, LinkMode, LinkState
from tests.unit.lifecycle.rows import Clear, Rows

CONFIGS = {"bootstrap.servers": "there:9092", "local.bootstrap.servers": "inside:9092"}
HALF = Link("l", "", "", LinkMode.SOURCE, ConnectionMode.OUTBOUND, "there", CONFIGS, LinkState.ACTIVE)
WAITING = Link("l", "", "", LinkMode.DESTINATION, ConnectionMode.INBOUND, "here", {}, LinkState.ACTIVE)
B = LinkMode.BIDIRECTIONAL


def carrying(half: Link | None) -> Carrying:
    clear = Clear()
    return Carrying("l", "here", Rows(half).model, clear, {"bootstrap.servers": "own:9092"})  # type: ignore[arg-type]


def test_at_home_a_link_that_waits_gets_what_needs_its_own_cluster_alone() -> None:
    """MODE-44: failover works with the dialling side gone."""
    home = Dialling(Clear())  # type: ignore[arg-type]
    assert home.can(HALF)
    assert not home.can(WAITING)
    kinds = ["link.update", "link.delete", "mirror.promote", "mirror.failover", "mirror.pause", "mirror.delete"]
    assert all(home.does(WAITING, kind) for kind in kinds)
    assert not any(home.does(WAITING, kind) for kind in NEEDS_BOTH_CLUSTERS)
    assert all(home.does(link, kind) for kind in NEEDS_BOTH_CLUSTERS for link in (HALF, None))


def test_the_side_that_dials_does_the_rest_and_no_more() -> None:
    away = carrying(HALF)
    assert away.leads(WAITING)
    assert away.can(WAITING)
    assert away.does(WAITING, "mirror.create")
    assert not away.does(WAITING, "mirror.failover")
    assert not away.does(None, "mirror.create")
    assert away.properties(WAITING)["bootstrap.servers"] == "inside:9092"


@pytest.mark.parametrize(
    ("half", "link", "fits"),
    [
        (HALF, WAITING, True),
        (replace(HALF, mode=B), replace(WAITING, mode=B), True),
        (HALF, replace(WAITING, mode=B), False),
        (replace(HALF, mode=B), WAITING, False),
        (HALF, replace(WAITING, name="other"), False),
        (HALF, replace(WAITING, remote_cluster_id="elsewhere"), False),
        (HALF, replace(WAITING, connection_mode=ConnectionMode.OUTBOUND), False),
        (replace(HALF, mode=LinkMode.DESTINATION), WAITING, False),
        (replace(HALF, mode=B, connection_mode=ConnectionMode.INBOUND), replace(WAITING, mode=B), False),
    ],
)
def test_which_links_are_carried(half: Link, link: Link, fits: bool) -> None:
    assert is_carried(half, link, "here") is fits
    assert carrying(half).leads(link) is fits


def test_who_may_have_a_partner_that_waits() -> None:
    assert dials_for_partner(HALF)
    assert not dials_for_partner(WAITING)


def test_a_paused_source_half_pauses_the_whole_link() -> None:
    """LINK-35; of a bidirectional pair each object pauses what comes to its own cluster (LINK-9)."""
    paused = replace(HALF, state=LinkState.PAUSED)
    assert not carrying(paused).can(WAITING)
    assert carrying(paused).leads(WAITING)
    assert carrying(replace(paused, mode=B)).can(replace(WAITING, mode=B))


def test_nothing_is_carried_without_the_half_at_home() -> None:
    assert not carrying(None).leads(WAITING)
    assert carrying(None).configs(WAITING) == {}
