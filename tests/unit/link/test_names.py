"""Names and ids (LINK-17, MIRROR-20, TERM-14)."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.link import names
from pipeline.link.errors import Invalid, Malformed


@pytest.mark.parametrize("name", ["a", "A-b_c.9", "x" * 249, "..."])
def test_legal_names(name: str) -> None:
    assert names.check_link_name(name) == names.check_mirror_name(name) == name


@pytest.mark.parametrize("name", ["", ".", "..", "x" * 250, "a b", "a/b", "é", "a\n", "-"])
def test_illegal_link_names_are_refused_with_the_text_clients_know(name: str) -> None:
    """REST-70."""
    with pytest.raises(Malformed, match=r"^Invalid Cluster Link Name\."):
        names.check_link_name(name)


def test_a_mirror_name_that_is_too_long_says_so() -> None:
    """MIRROR-20."""
    with pytest.raises(Invalid, match="longer than the max allowed length 249"):
        names.check_mirror_name("p." + "x" * 248)


def test_dot_and_underscore_collide() -> None:
    """STATE-41."""
    assert names.colliding("a.b", ["x", "a.b", "a_b"]) == "a_b"
    assert names.colliding("a.b", ["a.b", "ab"]) is None


@given(raw=st.binary(min_size=16, max_size=16))
def test_ids_survive_printing(raw: bytes) -> None:
    printed = names.cluster_link_id(raw)
    assert len(printed) == 22
    assert names.read_cluster_link_id(printed) == raw
    assert uuid.UUID(names.link_id(raw)).bytes == raw


@given(text=st.text(max_size=30))
def test_only_what_would_be_printed_is_read(text: str) -> None:
    try:
        raw = names.read_cluster_link_id(text)
    except ValueError:
        return
    assert names.cluster_link_id(raw) == text


def test_the_seen_id_is_read() -> None:
    assert names.link_id(names.read_cluster_link_id("0nqzJILoSAaEhxxtyzN33A"))
    for bad in ("0nqzJILoSAaEhxxtyzN33B", "0nqzJILoSAaEhxxtyzN33A==", "0nqzJILoSAaEhxxtyzN33", ""):
        with pytest.raises(ValueError, match="22-character"):
            names.read_cluster_link_id(bad)


def test_the_nearest_name_is_found_or_none() -> None:
    assert names.nearest("acl.filter", ["acl.filters", "acl.sync.ms"]) == "acl.filters"
    assert names.nearest("zzz", ["acl.filters"]) is None
