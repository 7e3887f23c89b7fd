"""Decisions on link commands (sections 2, 3; LINK-100..105)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.link.commands import build
from pipeline.link.errors import Invalid, InvalidProperties, LinkExists, LinkInUse
from pipeline.link.link_rules import (
    UNEXPECTED_LINK_ID,
    NewLink,
    changed_link,
    check_remote_id,
    mirrors_to_fail_over,
    new_link,
    warnings_of_deletion,
)
from pipeline.link.models import Link, Mirror
from pipeline.link.states import (
    ConnectionMode,
    LinkErrorCode,
    LinkMode,
    LinkState,
    MirrorStatus,
    PendingOperation,
)

LINK_ID = "0nqzJILoSAaEhxxtyzN33A"
FRESH = bytes(range(16))
OTHER = Link("other", "u", "c", configs={"bootstrap.servers": "a:1", "cluster.link.prefix": "w."})


def create(configs: dict[str, Any] | None = None, can_encrypt: Any = True, own: Any = "B", **arguments: Any) -> NewLink:
    rows = [{"name": name, "value": value} for name, value in {"bootstrap.servers": "a:1", **(configs or {})}.items()]
    command = build("link.create", "link-1", {"configs": rows, **arguments}, "1")
    return new_link(command, {"other": OTHER}, own, FRESH, 7, can_encrypt=can_encrypt)


def test_a_plain_link() -> None:
    made = create(source_cluster_id="A")
    assert made.link == Link(
        "link-1",
        "00010203-0405-0607-0809-0a0b0c0d0e0f",
        "AAECAwQFBgcICQoLDA0ODw",
        remote_cluster_id="A",
        configs={"bootstrap.servers": "a:1"},
        state=LinkState.UNKNOWN,
        state_time_ms=7,
        created_ms=7,
    )
    assert (made.validate, made.id_given, made.secrets, made.warnings) == (True, False, frozenset(), ())


def test_a_name_is_taken_once() -> None:
    """REST-79."""
    with pytest.raises(LinkExists, match=r"Cluster link 'other' already exists\."):
        new_link(build("link.create", "other", {}, "1"), {"other": OTHER}, "B", FRESH, 7)


def test_a_prefix_is_taken_once() -> None:
    """FILT-39."""
    with pytest.raises(
        InvalidProperties, match=r"cluster\.link\.prefix: 'w\.' is already used by cluster link 'other'"
    ):
        create({"cluster.link.prefix": "w."})
    assert create({"cluster.link.prefix": "v."}).link.prefix == "v."


@pytest.mark.parametrize(
    ("mode", "right", "wrong"),
    [
        ("DESTINATION", "source_cluster_id", "remote_cluster_id"),
        ("SOURCE", "destination_cluster_id", "source_cluster_id"),
        ("BIDIRECTIONAL", "remote_cluster_id", "destination_cluster_id"),
    ],
)
def test_each_mode_has_its_own_word_for_the_other_cluster(mode: str, right: str, wrong: str) -> None:
    """MODE-14, MODE-16."""
    assert create({"link.mode": mode}, **{right: "A"}).link.remote_cluster_id == "A"
    with pytest.raises(Invalid, match=f"{wrong} does not belong to a {mode} link; give {right}"):
        create({"link.mode": mode}, **{wrong: "A"})
    with pytest.raises(Invalid, match="cannot be linked to itself"):
        create({"link.mode": mode}, own="A", **{right: "A"})
    assert create({"link.mode": mode}).link.remote_cluster_id is None


@pytest.mark.parametrize(
    ("mode", "name"), [("DESTINATION", "source_cluster_id"), ("BIDIRECTIONAL", "remote_cluster_id")]
)
def test_an_inbound_side_must_be_told_the_other_and_is_not_probed(mode: str, name: str) -> None:
    """MODE-17."""
    inbound = {"link.mode": mode, "connection.mode": "INBOUND"}
    with pytest.raises(Invalid, match=f"{name} is required for an INBOUND link"):
        create(inbound)
    made = create(inbound, **{name: "A"})
    assert (made.validate, made.link.connection_mode) == (False, ConnectionMode.INBOUND)


def test_link_ids_of_two_sided_links() -> None:
    """MODE-13, LINK-40."""
    made = create({"link.mode": "SOURCE"}, cluster_link_id=LINK_ID)
    assert (made.link.cluster_link_id, made.id_given) == (LINK_ID, True)
    assert create({"link.mode": "BIDIRECTIONAL", "cluster.link.id": LINK_ID}).link.cluster_link_id == LINK_ID
    with pytest.raises(Invalid) as refusal:
        create(
            {"link.mode": "BIDIRECTIONAL", "connection.mode": "INBOUND"}, remote_cluster_id="A", cluster_link_id=LINK_ID
        )
    assert refusal.value.message == UNEXPECTED_LINK_ID
    for configs, given in (
        ({}, LINK_ID),
        ({"link.mode": "SOURCE"}, "short"),
        ({"link.mode": "SOURCE", "cluster.link.id": LINK_ID}, "AAECAwQFBgcICQoLDA0ODw"),
    ):
        with pytest.raises(Invalid):
            create(configs, cluster_link_id=given)


def test_secrets_need_a_key() -> None:
    """SEC-30."""
    assert create({"ssl.key.password": "x"}).secrets == {"ssl.key.password"}
    with pytest.raises(InvalidProperties, match=r"ssl\.key\.password: is a secret, and no key"):
        create({"ssl.key.password": "x"}, can_encrypt=False)


def test_a_link_may_be_created_paused_and_unprobed() -> None:
    """LINK-15, LINK-35."""
    made = create({"cluster.link.paused": "true"}, validate_link=False)
    assert (made.link.state, made.validate) == (LinkState.PAUSED, False)


def test_an_update_keeps_everything_but_what_it_names() -> None:
    command = build("link.update", "other", {"data": [{"name": "acl.sync.ms", "value": "9000"}]}, "1")
    changed = changed_link(command, OTHER, 7)
    assert changed.link == replace(OTHER, configs={**OTHER.configs, "acl.sync.ms": "9000"})
    assert (set(changed.changed), set(changed.secrets), changed.warnings) == ({"acl.sync.ms"}, set(), ())


def test_the_id_that_is_found_must_be_the_one_expected() -> None:
    """MODE-15, MODE-16."""
    expecting = Link("l", "u", "c", remote_cluster_id="A")
    assert check_remote_id(expecting, "A", "B") is None
    assert check_remote_id(expecting, "X", "B") == "cluster ID mismatch: expected A, the cluster reached is X"
    assert check_remote_id(Link("l", "u", "c"), "X", "B") is None
    assert check_remote_id(Link("l", "u", "c"), "B", "B") == "cluster B cannot be linked to itself"


def mirror(name: str, status: MirrorStatus, pending: PendingOperation | None = None) -> Mirror:
    return Mirror("link-1", name, name, status=status, pending=pending)


STOPPED = mirror("old", MirrorStatus.STOPPED)
ACTIVE = mirror("live", MirrorStatus.ACTIVE)
FAILING_OVER = mirror("going", MirrorStatus.PENDING_STOPPED, PendingOperation.FAILOVER)
PROMOTING = mirror("waiting", MirrorStatus.PENDING_STOPPED, PendingOperation.PROMOTE)
LINK = Link("link-1", "u", "c", LinkMode.DESTINATION)


def test_deleting_one_of_two_warns() -> None:
    """LIM-14: in the words of what it stops."""
    assert warnings_of_deletion(LINK) == ()
    pair = replace(LINK, mode=LinkMode.BIDIRECTIONAL, is_paired=True)
    (warning,) = warnings_of_deletion(pair)
    assert "data stops in both directions" in warning
    assert warnings_of_deletion(replace(pair, error=LinkErrorCode.REMOTE_LINK_NOT_FOUND_ERROR)) == ()
    assert warnings_of_deletion(replace(pair, is_paired=False)) == (), "it was alone"
    (warning,) = warnings_of_deletion(replace(LINK, connection_mode=ConnectionMode.INBOUND))
    assert "one of two: data stops, " in warning


def test_a_link_with_live_mirrors_is_not_deleted() -> None:
    """LINK-100, LINK-101, REST-75."""
    delete = build("link.delete", "link-1", {}, "1")
    assert mirrors_to_fail_over(delete, LINK, [STOPPED]) == ()
    for live in (ACTIVE, FAILING_OVER, PROMOTING):
        with pytest.raises(LinkInUse, match=rf"{live.mirror_topic} \({live.status}\)"):
            mirrors_to_fail_over(delete, LINK, [STOPPED, live])
    with pytest.raises(LinkInUse, match="and 3 more"):
        mirrors_to_fail_over(delete, LINK, [mirror(f"m{n}", MirrorStatus.ACTIVE) for n in range(8)])


def test_force_has_what_is_left_stopped_first() -> None:
    """LINK-103, LINK-101."""
    delete = build("link.delete", "link-1", {"force": True}, "1")
    assert mirrors_to_fail_over(delete, LINK, [STOPPED, ACTIVE, FAILING_OVER, PROMOTING]) == (
        ACTIVE,
        FAILING_OVER,
        PROMOTING,
    )
