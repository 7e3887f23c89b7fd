"""What a worker has to copy (`wanted`): its share of the open links' copying mirrors, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest

from pipeline.cluster.errors import SecurityError
from pipeline.cluster.security import ClientSecurity, client_arguments
from pipeline.control.keys import work_partition
from pipeline.control.read_model import ReadModel
from pipeline.control.tail import Entry
from pipeline.control.topics import ControlTopics
from pipeline.control.work import tuning, wanted
from pipeline.link.jsonable import Jsonable
from pipeline.link.models import Link, Mirror
from pipeline.link.states import ConnectionMode, LinkState, MirrorStatus, PendingOperation
from pipeline.mirror.engine import LinkWork

TOPICS = ControlTopics("t", 4, 1)
ALL = range(4)
CONFIGS = {"bootstrap.servers": "a:9092"}
LINK = Link("l", "", "", configs=CONFIGS, state=LinkState.ACTIVE)
MIRROR = Mirror(
    "l",
    "eu.orders",
    "orders",
    partitions=6,
    status=MirrorStatus.ACTIVE,
    start_offsets=(0, 10, 20, 30, 40, 50),
    source_topic_id="source-id",
    mirror_topic_id="mirror-id",
)


def connect(link: Link) -> ClientSecurity:
    return client_arguments(link.configs)


def dials(link: Link) -> bool:
    return link.connection_mode is ConnectionMode.OUTBOUND


def model(link: Link = LINK, *mirrors: Mirror) -> ReadModel:
    made = ReadModel(TOPICS)

    def put(table: str, key: str, row: Jsonable) -> None:
        value = json.dumps({"version": 1, "row": row.to_json()}).encode()
        made.apply(Entry(TOPICS.changelog(table), 0, 0, 0, json.dumps(key).encode(), value))

    put("links", link.name, link)
    for mirror in mirrors:
        put("mirrors", f"{mirror.link}/{mirror.mirror_topic}", mirror)
    return made


def pieces(work: dict[str, LinkWork]) -> dict[int, int]:
    """Mirror partition -> start offset."""
    return {piece.partition: piece.start_offset for each in work.values() for piece in each.pieces}


def share(owned: Collection[int]) -> dict[int, int]:
    return pieces(wanted(model(LINK, MIRROR), owned, 4, dials, connect))


def test_one_worker_has_everything() -> None:
    work = wanted(model(LINK, MIRROR), ALL, 4, dials, connect)
    assert pieces(work) == {n: 10 * n for n in range(6)}
    piece = min(work["l"].pieces, key=lambda each: each.partition)
    assert (piece.source_topic, piece.mirror_topic) == ("orders", "eu.orders")
    assert (piece.source_topic_id, piece.mirror_topic_id) == ("source-id", "mirror-id")
    assert work["l"].connection == client_arguments(CONFIGS)


def test_workers_share_without_overlap_or_hole() -> None:
    one, two = share({0, 3}), share({1, 2})
    assert not one.keys() & two.keys()
    assert one.keys() | two.keys() == set(range(6))
    assert one.keys() == {n for n in range(6) if work_partition("l", "eu.orders", n, 4) in (0, 3)}


def test_who_owns_nothing_copies_nothing() -> None:
    assert wanted(model(LINK, MIRROR), (), 4, dials, connect) == {}


def test_a_link_without_a_piece_here_is_not_opened() -> None:
    assert wanted(model(), ALL, 4, dials, connect) == {}


@pytest.mark.parametrize("state", LinkState)
def test_which_links_are_open(state: LinkState) -> None:
    """STATE-7: an unavailable one keeps trying, by itself; paused and failed ones do not."""
    work = wanted(model(replace(LINK, state=state), MIRROR), ALL, 4, dials, connect)
    assert bool(work) == (state not in (LinkState.PAUSED, LinkState.FAILED))


def test_the_side_that_does_not_dial_copies_nothing() -> None:
    assert wanted(model(replace(LINK, connection_mode=ConnectionMode.INBOUND), MIRROR), ALL, 4, dials, connect) == {}


@pytest.mark.parametrize(
    ("status", "copies"),
    [
        (MirrorStatus.ACTIVE, True),
        (MirrorStatus.PENDING_MIRROR, True),
        (MirrorStatus.SOURCE_UNAVAILABLE, False),
        (MirrorStatus.PAUSED, False),
        (MirrorStatus.STOPPED, False),
        (MirrorStatus.FAILED, False),
    ],
)
def test_which_mirrors_copy(status: MirrorStatus, copies: bool) -> None:
    assert bool(wanted(model(LINK, replace(MIRROR, status=status)), ALL, 4, dials, connect)) == copies


def test_a_failover_copies_no_more() -> None:
    """MIRROR-68."""
    failing = replace(MIRROR, status=MirrorStatus.PENDING_STOPPED, pending=PendingOperation.FAILOVER)
    assert wanted(model(LINK, failing), ALL, 4, dials, connect) == {}


def test_a_link_that_cannot_be_connected_does_not_hold_up_another() -> None:
    """I6."""
    made = model(LINK, MIRROR)
    other = model(replace(LINK, name="other"), replace(MIRROR, link="other"))
    made.links |= other.links
    made.mirrors |= other.mirrors
    made._mirrors_of |= other._mirrors_of

    def fails(link: Link) -> Any:
        if link.name == "l":
            raise SecurityError("ssl.keystore.location", "no such file")
        return connect(link)

    assert list(wanted(made, ALL, 4, dials, fails)) == ["other"]


def test_compacted_mirrors_are_known_as_such() -> None:
    work = wanted(model(LINK, replace(MIRROR, cleanup_policy="compact,delete")), ALL, 4, dials, connect)
    assert {piece.is_compacted for piece in work["l"].pieces} == {True}


def test_fetching_is_tuned_by_the_links_properties() -> None:
    """LINK-36, 44, 60..64."""
    made = tuning(
        {
            "replica.fetch.max.bytes": "1000",
            "replica.fetch.wait.max.ms": "7",
            "link.max.bytes.per.second": "5000",
            "cluster.link.retry.timeout.ms": "90000",
        }
    )
    assert (made.fetch.partition_max_bytes, made.fetch.max_wait_ms) == (1_000, 7)
    assert (made.max_bytes_per_second, made.retry_timeout_s) == (5_000, 90.0)
    assert tuning({}).max_bytes_per_second == -1
