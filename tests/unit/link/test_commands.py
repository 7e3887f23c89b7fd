"""Commands: one table for three doors (CLI-65)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.link.commands import KINDS, build, check, dump, identify, parse
from pipeline.link.errors import LinkError, Malformed

SAMPLES: dict[str, dict[str, Any]] = {
    "link.create": {"configs": [{"name": "bootstrap.servers", "value": "a:1"}]},
    "link.update": {"data": [{"name": "acl.sync.ms", "value": "1000"}]},
    "link.delete": {},
    "mirror.create": {"source_topic_name": "orders"},
    "mirror.become-mirror": {"mirror_topic_name": "a", "source_topic_name": "a", "log_end_offsets": [3, 0]},
}
words = st.text(max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


def arguments_of(kind: str) -> dict[str, Any]:
    return SAMPLES.get(kind, {"mirror_topic_names": ["a", "b"]})


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_survives_the_topic(kind: str) -> None:
    command = build(kind, "link-1", arguments_of(kind), "id-1", principal="User:op", time_ms=7)
    assert parse(dump(command)) == command
    assert check(command) == command


def test_defaults_are_filled_in_and_null_is_not_given() -> None:
    command = build("link.create", "l", {"cluster_link_id": None, "source_cluster_id": "A"}, "1")
    assert command.arguments == {"source_cluster_id": "A", "validate_link": True}
    restore = build("mirror.truncate-and-restore", "l", {"mirror_topic_names": ["a"]}, "1")
    assert restore.arguments["save_diverged"] is True


def test_config_values_become_strings() -> None:
    """REST-34."""
    values = [True, 7, 0.5, "x", None]
    command = build("link.create", "l", {"configs": [{"name": f"n{n}", "value": v} for n, v in enumerate(values)]}, "1")
    assert [row["value"] for row in command.arguments["configs"]] == ["true", "7", "0.5", "x", None]


def test_an_update_takes_either_name_of_its_list_and_any_case_of_its_operation() -> None:
    """CONF-7, REST-35."""
    rows = [{"name": "a", "value": "1"}, {"name": "b", "operation": "delete"}]
    for name in ("data", "configs"):
        command = build("link.update", "l", {name: rows}, "1")
        assert command.arguments["data"] == [
            {"name": "a", "value": "1", "operation": "SET"},
            {"name": "b", "value": None, "operation": "DELETE"},
        ]


def test_validate_only_may_be_in_the_body() -> None:
    """REST-36."""
    assert build("link.update", "l", {"data": [], "validate_only": True}, "1").validate_only
    assert not build("link.update", "l", {"data": []}, "1").validate_only


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("mirror.pause", {}, "exactly one of mirror_topic_names and mirror_topic_name_pattern"),
        ("mirror.pause", {"mirror_topic_names": ["a"], "mirror_topic_name_pattern": "a"}, "exactly one of"),
        ("mirror.pause", {"mirror_topic_names": []}, "mirror_topic_names: must name at least one"),
        ("mirror.pause", {"mirror_topic_names": "a"}, "mirror_topic_names: expected a list"),
        ("mirror.pause", {"mirror_topic_names": ["a", 7]}, r"mirror_topic_names\[1\]: expected a string"),
        ("mirror.pause", {"mirror_topic_name_pattern": "("}, "mirror_topic_name_pattern: not a regular expression"),
        (
            "mirror.pause",
            {"mirror_topic_nmes": ["a"]},
            "mirror_topic_nmes: unknown field; did you mean 'mirror_topic_names'",
        ),
        ("mirror.create", {}, "source_topic_name: missing"),
        ("mirror.create", {"source_topic_name": ""}, "source_topic_name: must not be empty"),
        (
            "mirror.create",
            {"source_topic_name": "a", "replication_factor": "3"},
            "replication_factor: expected an integer",
        ),
        (
            "mirror.create",
            {"source_topic_name": "a", "replication_factor": True},
            "replication_factor: expected an integer",
        ),
        ("link.delete", {"force": "yes"}, "force: expected true or false"),
        ("link.update", {}, "data: missing"),
        ("link.update", {"data": [{"value": "1"}]}, r"data\[0\].name: missing"),
        ("link.update", {"data": [{"name": "a", "value": [1]}]}, r"data\[0\].value: expected a string"),
        ("link.update", {"data": [{"name": "a", "operation": "ADD"}]}, r"data\[0\].operation: expected SET or DELETE"),
        ("link.update", {"data": [{"name": "a", "vlaue": "1"}]}, r"data\[0\].vlaue: unknown field"),
        ("link.update", {"data": [], "validate_only": 1}, "validate_only: expected a boolean"),
        ("link.create", {"source_cluster_id": "\ud800"}, "source_cluster_id: not valid Unicode"),
        ("link.delte", {}, "kind: 'link.delte' is unknown; did you mean 'link.delete'"),
    ],
)
def test_a_wrong_shape_names_its_field(kind: str, arguments: dict[str, Any], message: str) -> None:
    """REST-70."""
    with pytest.raises(Malformed, match=message):
        build(kind, "l", arguments, "1")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "not valid JSON"),
        (b"\xff", "not valid JSON"),
        (b"[1]", "not a JSON object"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"id":"1","link":"l"}', "kind: missing"),
        (b'{"id":"1","link":"-","kind":"link.delete"}', "Invalid Cluster Link Name"),
        (b'{"id":"","link":"l","kind":"link.delete"}', "id: must have"),
        (b'{"id":1,"link":"l","kind":"link.delete"}', "id: expected a string, not an integer"),
        (b" " * (1 << 20) + b"{}", "bytes, more than"),
    ],
)
def test_a_record_that_cannot_be_read_is_refused(raw: bytes, message: str) -> None:
    with pytest.raises(Malformed, match=message):
        parse(raw)


def test_a_bad_command_can_still_be_answered() -> None:
    assert identify(b'{"id":"1","link":"l","kind":7}') == ("1", "l", "")
    assert identify(b"{") == ("", "", "")


@given(kind=st.sampled_from(sorted(KINDS)), data=st.data())
def test_any_arguments_are_taken_or_refused_and_what_is_taken_fits_the_topic(kind: str, data: st.DataObject) -> None:
    names = [argument.name for argument in KINDS[kind].arguments]
    arguments = data.draw(st.dictionaries(st.sampled_from([*names, "other"]), json_values, max_size=4))
    try:
        command = build(kind, "l", arguments, "1")
    except Malformed:
        return
    assert parse(dump(command)) == command


@given(raw=st.binary(max_size=40) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_command_or_a_refusal(raw: bytes) -> None:
    identify(raw)
    with pytest.raises(LinkError):
        parse(raw)
