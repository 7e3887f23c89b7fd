"""What a side reads of its partner's control topics, and who its partner is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from pipeline.cluster.errors import ClusterError, NotAuthorized, RemoteLinkNotFound
from pipeline.cluster.metadata import TopicInfo
from pipeline.cluster.security import client_arguments
from pipeline.control.partner import Partner, check_topics
from pipeline.control.tail import Entry
from pipeline.link.models import Link
from pipeline.link.pairing import is_two_sided, takes_id_of, why_no_partner
from pipeline.link.states import ConnectionMode, LinkMode

LINK = Link("l", "id", "link-id", mode=LinkMode.BIDIRECTIONAL, remote_cluster_id="there", created_ms=5)
INBOUND = ConnectionMode.INBOUND


def topic(name: str, error: int = 0, *operations: str) -> TopicInfo:
    return TopicInfo(name, "", {}, error=error, operations=frozenset(operations))


@pytest.mark.parametrize(
    ("found", "error", "says"),
    [
        ({"a": topic("a", 3), "b": topic("b", 3)}, RemoteLinkNotFound, "no topics app"),
        ({"a": topic("a", 0, "READ"), "b": topic("b", 3)}, NotAuthorized, "WRITE on topic b"),
        ({"a": topic("a", 0, "DESCRIBE"), "b": topic("b", 0, "WRITE")}, NotAuthorized, "READ on topic a"),
        ({"a": topic("a", 29), "b": topic("b", 0, "WRITE")}, NotAuthorized, "READ on topic a"),
        ({"a": topic("a", 5), "b": topic("b", 0, "WRITE")}, ClusterError, "topic a"),
    ],
)
def test_what_stands_against_the_partners_topics_is_named(
    found: dict[str, TopicInfo], error: type[ClusterError], says: str
) -> None:
    with pytest.raises(error, match=says):
        check_topics(found, {"a": "READ", "b": "WRITE"}, "app")


def test_a_broker_that_tells_no_operations_is_believed() -> None:
    check_topics({"a": topic("a"), "b": topic("b")}, {"a": "READ", "b": "WRITE"}, "app")


def test_rows_of_other_links_and_secrets_are_dropped() -> None:
    partner = Partner("l", client_arguments({"bootstrap.servers": "there:9092"}), None, "app")  # type: ignore[arg-type]

    def write(table: str, key: str, row: dict[str, Any]) -> None:
        value = json.dumps({"version": 1, "row": row}).encode()
        partner._apply(Entry(f"app-{table}-changelog", 0, 0, 0, json.dumps(key).encode(), value))

    sealed = {"sasl.jaas.config": "clusterlink.secret:1:x", "bootstrap.servers": "here:9092"}
    for name in ("l", "l2"):
        write("links", name, replace(LINK, name=name, configs=sealed).to_json())
        write("synced_offsets", f"{name}/group", {"link_id": name, "marks": {}})
    seen = partner.link()
    assert seen is not None
    assert seen.configs == {"bootstrap.servers": "here:9092"}
    assert list(partner.model.links) == ["l"]
    assert partner.synced_offsets("group") == {"link_id": "l", "marks": {}}
    assert list(partner.model.synced_offsets) == ["l/group"]


@pytest.mark.parametrize(
    ("theirs", "why"),
    [
        (None, "there is no cluster link 'l'"),
        (replace(LINK, remote_cluster_id="here"), None),
        (replace(LINK, remote_cluster_id=None), None),
        (replace(LINK, remote_cluster_id="elsewhere"), "is with cluster elsewhere, this is here"),
        (replace(LINK, mode=LinkMode.DESTINATION), "is a DESTINATION link, not a BIDIRECTIONAL one"),
        (replace(LINK, remote_cluster_id="here", connection_mode=INBOUND), None),
    ],
)
def test_who_is_the_other_side(theirs: Link | None, why: str | None) -> None:
    found = why_no_partner(LINK, theirs, "here")
    assert found == why or (found and why and why in found)


def test_somebody_has_to_dial() -> None:
    inbound = replace(LINK, remote_cluster_id=None, connection_mode=INBOUND)
    assert "INBOUND on both sides" in str(why_no_partner(inbound, inbound, "here"))


def test_a_source_link_belongs_to_an_inbound_destination() -> None:
    source = replace(LINK, mode=LinkMode.SOURCE)
    destination = replace(LINK, mode=LinkMode.DESTINATION, remote_cluster_id="here")
    assert why_no_partner(source, replace(destination, connection_mode=INBOUND), "here") is None
    assert "not a DESTINATION one" in str(why_no_partner(source, destination, "here"))
    assert not is_two_sided(destination)


def test_exactly_one_side_takes_the_id_of_the_other() -> None:
    """MODE-13."""
    younger = replace(LINK, created_ms=9)
    assert takes_id_of(younger, LINK, "a", "b")
    assert not takes_id_of(LINK, younger, "b", "a")
    assert takes_id_of(LINK, LINK, "b", "a") != takes_id_of(LINK, LINK, "a", "b")
