"""Listings of properties (LINK-11, LINK-12, LINK-43)."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.link.errors import Malformed
from pipeline.link.models import Link
from pipeline.link.property_listing import describe, listing, printable
from pipeline.link.states import ConnectionMode, LinkMode

LINK = Link(
    "link-1",
    "uuid",
    "0nqzJILoSAaEhxxtyzN33A",
    configs={"bootstrap.servers": "a:1", "sasl.jaas.config": "encrypted", "cluster.link.prefix": "w."},
)


def rows(link: Link = LINK) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in listing(link, "B")}


def test_a_row_has_the_fields_of_rest_58() -> None:
    assert rows()["consumer.offset.sync.ms"] == {
        "name": "consumer.offset.sync.ms",
        "value": "30000",
        "is_default": True,
        "is_read_only": False,
        "is_sensitive": False,
        "source": "DEFAULT_CONFIG",
        "synonyms": [],
    }


def test_secrets_are_null_and_marked() -> None:
    """LINK-11."""
    row = rows()["sasl.jaas.config"]
    assert (row["value"], row["is_sensitive"], row["is_default"]) == (None, True, False)
    assert "encrypted" not in str(rows())
    assert printable(LINK) == {"bootstrap.servers": "a:1", "cluster.link.prefix": "w."}


def test_what_was_set_is_dynamic_and_fixed_properties_are_read_only() -> None:
    row = rows()["cluster.link.prefix"]
    assert (row["value"], row["source"], row["is_read_only"]) == ("w.", "DYNAMIC_CLUSTER_LINK_CONFIG", True)


def test_derived_rows() -> None:
    """LINK-40, LINK-43."""
    assert rows()["dest.cluster.id"]["value"] == "B"
    assert rows()["link.prefix"]["value"] == "w."
    two_way = rows(Link("l", "u", "ID", LinkMode.BIDIRECTIONAL, ConnectionMode.INBOUND))
    assert (two_way["cluster.link.id"]["value"], two_way["connection.mode"]["value"]) == ("ID", "INBOUND")


def test_each_mode_lists_its_own_properties() -> None:
    """LINK-96, LINK-97."""
    assert not any(name.startswith("local.") for name in rows())
    source = rows(Link("l", "u", "c", LinkMode.SOURCE))
    assert "local.sasl.jaas.config" in source
    assert "acl.filters" not in source


def test_one_row_is_found_or_its_name_refused() -> None:
    """REST-70."""
    assert describe(LINK, "B", "acl.sync.ms") == rows()["acl.sync.ms"]
    with pytest.raises(Malformed, match=r"^Invalid Config Name\. .*did you mean acl.sync.ms"):
        describe(LINK, "B", "acl.sync.mss")
    with pytest.raises(Malformed, match=r"A DESTINATION link has no property 'local\.listener\.name'"):
        describe(LINK, "B", "local.listener.name")
