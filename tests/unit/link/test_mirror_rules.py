"""Decisions on mirror commands (5.3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.link.commands import KINDS, build
from pipeline.link.errors import IllegalTransition, Invalid, InvalidProperties, TopicNotFound
from pipeline.link.mirror_rules import Decision, answer, check_clusters, decide, new_mirror
from pipeline.link.models import Link, Mirror, Position
from pipeline.link.states import LinkMode, LinkState, MirrorStatus, PendingOperation
from pipeline.link.transitions import Event

LINK = Link("link-1", "u", "c", remote_cluster_id="A", state=LinkState.ACTIVE)
PREFIXED = replace(LINK, configs={"cluster.link.prefix": "w."})
TWO_WAY = replace(LINK, mode=LinkMode.BIDIRECTIONAL)
ACTIVE = Mirror("link-1", "orders", "orders", partitions=1, status=MirrorStatus.ACTIVE)


def create(link: Link = LINK, mirrors: tuple[Mirror, ...] = (), **arguments: Any) -> Mirror:
    given = {"source_topic_name": "orders", **arguments}
    return new_mirror(build("mirror.create", link.name, given, "1"), link, mirrors, 7)


def run(
    kind: str, *mirrors: Mirror, link: Link = LINK, names: list[str] | None = None, pattern: str = ""
) -> list[Decision]:
    given: dict[str, Any] = (
        {"mirror_topic_name_pattern": pattern} if pattern else {"mirror_topic_names": names or ["orders"]}
    )
    return decide(build(kind, link.name, given, "1"), link, mirrors)


def test_a_new_mirror_has_the_sources_name_behind_the_prefix() -> None:
    """MIRROR-7, REST-38."""
    assert create() == Mirror(
        "link-1", "orders", "orders", status=MirrorStatus.PENDING_MIRROR, status_time_ms=7, created_ms=7
    )
    assert create(PREFIXED).mirror_topic == "w.orders"
    assert create(PREFIXED, mirror_topic_name="w.orders", replication_factor=2).replication_factor == 2


@pytest.mark.parametrize(("link", "name"), [(LINK, "sales"), (PREFIXED, "orders"), (PREFIXED, "w_orders")])
def test_there_is_no_other_renaming(link: Link, name: str) -> None:
    """MIRROR-56."""
    with pytest.raises(Invalid, match="Topic renaming for mirroring not yet supported"):
        create(link, mirror_topic_name=name)


def test_names_must_be_legal_with_their_prefix() -> None:
    """MIRROR-20."""
    with pytest.raises(Invalid, match="longer than the max allowed length 249"):
        create(PREFIXED, source_topic_name="x" * 248)
    with pytest.raises(Invalid, match="source_topic_name: 'a b' is illegal"):
        create(source_topic_name="a b")


def test_a_source_link_has_no_mirrors() -> None:
    """MODE-18."""
    with pytest.raises(Invalid, match="Create them on its DESTINATION half"):
        create(replace(LINK, mode=LinkMode.SOURCE))


@pytest.mark.parametrize("state", LinkState)
def test_mirrors_are_created_on_a_link_that_is_active_or_paused(state: LinkState) -> None:
    """MIRROR-56."""
    if state in (LinkState.ACTIVE, LinkState.PAUSED):
        assert create(replace(LINK, state=state)).link == "link-1"
    else:
        with pytest.raises(Invalid, match=f"Cluster link 'link-1' is {state}"):
            create(replace(LINK, state=state))


def test_a_name_is_mirrored_once_but_a_stopped_mirrors_name_is_free_again() -> None:
    other = replace(ACTIVE, link="link-2")
    for mirror in (ACTIVE, other):
        with pytest.raises(Invalid, match=r"^Topic 'orders' already exists\.$"):
            create(LINK, (mirror,))
    assert create(LINK, (replace(ACTIVE, status=MirrorStatus.STOPPED),)).status is MirrorStatus.PENDING_MIRROR


def test_overrides_and_replication_factor_are_checked() -> None:
    """MIRROR-86."""
    kept = create(configs=[{"name": "min.insync.replicas", "value": 2}, {"name": "x", "value": None}])
    assert kept.configs == {"min.insync.replicas": "2"}
    with pytest.raises(InvalidProperties, match=r"retention\.ms: follows the source"):
        create(configs=[{"name": "retention.ms", "value": "1"}])
    for factor in (0, -1, 40000):
        with pytest.raises(Invalid, match="replication_factor"):
            create(replication_factor=factor)


def test_both_clusters_have_their_say() -> None:
    """MIRROR-56, REST-77, STATE-41, MODE-22."""
    mirror = create(PREFIXED)
    check_clusters(mirror, ["orders", "x"], 3)
    with pytest.raises(Invalid, match=r"^Topic 'w.orders' already exists\.$"):
        check_clusters(mirror, ["w.orders"], 3)
    with pytest.raises(Invalid, match="collides with existing topic 'w_orders'"):
        check_clusters(mirror, ["w_orders"], 3)
    with pytest.raises(TopicNotFound, match="Source topic 'orders' does not exist"):
        check_clusters(mirror, [], None)
    with pytest.raises(Invalid, match="is itself a mirror of cluster link 'link-1'"):
        check_clusters(mirror, [], 3, remote_mirrors=["orders"])


def test_each_topic_is_decided_for_itself() -> None:
    """MIRROR-52."""
    paused, stopped = (
        replace(ACTIVE, mirror_topic="paused", status=MirrorStatus.PAUSED),
        replace(ACTIVE, mirror_topic="stopped", status=MirrorStatus.STOPPED),
    )
    good, none, wrong, done = run(
        "mirror.promote", ACTIVE, paused, stopped, names=["orders", "nobody", "paused", "stopped"]
    )
    assert (good.event, good.refused, good.mirror) == (Event.PROMOTE, None, ACTIVE)
    assert isinstance(none.refused, TopicNotFound)
    assert isinstance(wrong.refused, IllegalTransition)
    assert "is PAUSED" in wrong.refused.message
    assert done.refused is not None
    assert done.refused.message == "Topic 'stopped' has already stopped its mirror from 'link-1'"


def test_a_pattern_takes_whole_names_of_this_links_mirrors() -> None:
    """MIRROR-50, REST-42."""
    mirrors = [replace(ACTIVE, mirror_topic=name) for name in ("b.1", "a.1", "a.10")]
    foreign = replace(ACTIVE, link="link-2", mirror_topic="a.2")
    assert [one.mirror_topic for one in run("mirror.pause", *mirrors, foreign, pattern=r"a\.\d")] == ["a.1"]
    assert [one.mirror_topic for one in run("mirror.pause", *mirrors, foreign, pattern=".*")] == ["a.1", "a.10", "b.1"]
    assert run("mirror.pause", *mirrors, pattern="nothing") == []


def test_repeating_what_is_running_is_told_apart() -> None:
    """MIRROR-54."""
    promoting = replace(ACTIVE, status=MirrorStatus.PENDING_STOPPED, pending=PendingOperation.PROMOTE)
    (again,) = run("mirror.promote", promoting)
    assert (again.is_repeated, again.refused) == (True, None)
    (overtaking,) = run("mirror.failover", promoting)
    assert (overtaking.is_repeated, overtaking.refused) == (False, None)


@pytest.mark.parametrize("status", MirrorStatus)
def test_a_mirror_can_be_deleted_in_any_state(status: MirrorStatus) -> None:
    """MIRROR-69."""
    (one,) = run("mirror.delete", replace(ACTIVE, status=status))
    assert (one.event, one.refused) == (Event.TOPIC_DELETED, None)


@pytest.mark.parametrize(
    "kind", ["mirror.reverse-and-start", "mirror.reverse-and-pause", "mirror.truncate-and-restore"]
)
def test_two_way_operations_need_a_two_way_link(kind: str) -> None:
    """MODE-25."""
    with pytest.raises(Invalid, match="the mode of cluster link 'link-1' is DESTINATION") as refusal:
        run(kind, ACTIVE)
    assert refusal.value.error_code == 40002
    expected = IllegalTransition if "truncate" in kind else type(None)
    assert isinstance(run(kind, ACTIVE, link=TWO_WAY)[0].refused, expected)


def test_a_regular_topic_can_be_restored_from_its_mirror() -> None:
    """MIRROR-73."""
    (one,) = run("mirror.truncate-and-restore", link=TWO_WAY)
    assert (one.mirror, one.refused, one.event) == (None, None, Event.TRUNCATE_AND_RESTORE)


def test_every_kind_that_names_mirrors_can_be_decided() -> None:
    for kind in (name for name, row in KINDS.items() if row.names_mirrors):
        assert len(run(kind, ACTIVE, link=TWO_WAY)) == 1


def test_rows_of_an_answer_have_the_fields_of_rest_63() -> None:
    positions = [
        Position("link-1", "orders", 1, log_end_offset=93, source_high_watermark=100, last_source_fetch_offset=92),
        Position("link-1", "orders", 0),
    ]
    row = answer("orders", positions)
    assert row["mirror_lags"] == [
        {"partition": 0, "lag": 0, "last_source_fetch_offset": -1},
        {"partition": 1, "lag": 7, "last_source_fetch_offset": 92},
    ]
    assert (row["error_code"], row["messages_truncated"], row["partition_level_truncation_data"]) == (None, None, [])
    refused = answer("orders", positions, IllegalTransition("no"))
    assert (refused["error_code"], refused["error_message"], refused["mirror_lags"]) == (400, "no", [])
    assert answer("orders", messages_truncated=7)["messages_truncated"] == 7
