"""Secrets of links: sealed before they are written, opened where they are used, hidden where they are shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cluster.errors import SecretUnreadable
from pipeline.control.auditing import audit_line, audit_record
from pipeline.control.sealing import HIDDEN, Sealing, clear_secrets, masked, refuse_clear_secrets
from pipeline.link.commands import build, dump, parse
from pipeline.link.errors import InvalidProperties
from pipeline.link.models import Command, Link, Result
from pipeline.link.properties import SECRETS
from pipeline.secrets.encoder import Encoder
from pipeline.secrets.stored import is_stored

JAAS = "org.apache.kafka.common.security.plain.PlainLoginModule required username='a' password='hunter2';"
PASSWORD = "ssl.key.password"
SOME = st.text(min_size=1, max_size=50).filter(lambda text: text.strip())


def sealing(key: str = "the key", old: str = "", cluster: str = "cluster-b") -> Sealing:
    made = Sealing(Encoder(lambda: key, lambda: old, iterations=1_000))
    made.cluster_id = cluster
    return made


def create(configs: dict[str, str | None], link: str = "link-1") -> Command:
    return build("link.create", link, {"configs": [{"name": n, "value": v} for n, v in configs.items()]}, "1")


def update(*data: dict[str, Any], link: str = "link-1") -> Command:
    return build("link.update", link, {"data": list(data)}, "1")


def values(command: Command) -> dict[str, Any]:
    rows = command.arguments["configs" if command.kind == "link.create" else "data"]
    return {row["name"]: row.get("value") for row in rows}


SEALING = sealing()


@given(st.dictionaries(st.sampled_from(sorted(SECRETS)), SOME, min_size=1, max_size=4))
def test_secrets_of_a_command_are_sealed_and_come_back(secrets: dict[str, str]) -> None:
    """SEC-34: what is written holds none of them, whatever they are."""
    command = create({"bootstrap.servers": "a:1", **secrets})
    sealed = SEALING.seal_command(command)
    assert all(is_stored(values(sealed)[name]) for name in secrets)
    assert values(sealed)["bootstrap.servers"] == "a:1"
    assert clear_secrets(command) == sorted(secrets) and clear_secrets(sealed) == []
    assert SEALING.open_command(parse(dump(sealed))) == command
    assert SEALING.seal_command(sealed) == sealed


def test_what_updates_reset_or_leave_empty_is_no_secret() -> None:
    rows = {"name": PASSWORD, "operation": "DELETE"}, {"name": "sasl.jaas.config", "value": " "}
    command = update(*rows)
    assert sealing("").seal_command(command) == command
    refuse_clear_secrets(command)


def test_values_of_unknown_names_are_not_written() -> None:
    """A misspelt secret is one still; the command is refused for its name, with the nearest known one."""
    sealed = sealing("").seal_command(create({"sasl.jaas.confg": JAAS}))
    assert values(sealed) == {"sasl.jaas.confg": HIDDEN}


def test_commands_without_properties_pass_as_they_are() -> None:
    command = build(
        "mirror.create", "link-1", {"source_topic_name": "t", "configs": [{"name": "x", "value": "y"}]}, "1"
    )
    assert sealing("").seal_command(command) is command
    assert masked(command) is command


def test_without_a_key_secrets_are_refused_by_name() -> None:
    """SEC-30."""
    with pytest.raises(InvalidProperties, match=r"^sasl\.jaas\.config: is a secret, and no key") as caught:
        sealing("").seal_command(create({"sasl.jaas.config": JAAS, "bootstrap.servers": "a:1"}))
    assert "hunter2" not in str(caught.value)


def test_secrets_in_the_clear_are_refused_by_name() -> None:
    with pytest.raises(InvalidProperties, match=r"^sasl\.jaas\.config: is a secret and was written") as caught:
        refuse_clear_secrets(create({"sasl.jaas.config": JAAS}))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "other", [{"link": "link-2"}, {"cluster": "cluster-c"}, {"name": "ssl.keystore.password"}, {"key": "other key"}]
)
def test_a_sealed_secret_is_of_no_use_elsewhere(other: dict[str, str]) -> None:
    """SEC-37: neither for another link, nor another cluster, nor another property."""
    stored = values(SEALING.seal_command(create({PASSWORD: "hunter2"})))[PASSWORD]
    there = sealing(other.get("key", "the key"), cluster=other.get("cluster", "cluster-b"))
    name = other.get("name", PASSWORD)
    with pytest.raises(InvalidProperties, match=f"^{name}: "):
        there.open_command(create({name: stored}, other.get("link", "link-1")))
    with pytest.raises(SecretUnreadable, match=f"^{name}: "):
        there.open(Link(other.get("link", "link-1"), "u", "c", configs={name: stored}))


def link(made: Sealing) -> Link:
    configs = made.seal("link-1", {"acl.sync.ms": "9000", PASSWORD: "hunter2", "sasl.jaas.config": JAAS}, SECRETS)
    return Link("link-1", "u", "c", configs=configs)


def test_a_link_is_opened_to_connect() -> None:
    assert SEALING.open(link(SEALING)) == {"acl.sync.ms": "9000", PASSWORD: "hunter2", "sasl.jaas.config": JAAS}
    assert "hunter2" not in repr(link(SEALING))


def test_secrets_move_to_the_new_key() -> None:
    """SEC-32: with old and new key everything is rewritten once; then the old key may go."""
    before, both = link(SEALING), sealing("new key", "the key")
    fresh = both.resealed(before)
    assert fresh is not None
    after = Link("link-1", "u", "c", configs=fresh)
    assert both.resealed(after) is None
    assert sealing("new key").open(after) == SEALING.open(before)
    with pytest.raises(SecretUnreadable):
        SEALING.open(after)


def test_what_no_key_opens_is_told_and_not_rewritten() -> None:
    for wrong in (sealing("new key"), sealing("")):
        with pytest.raises(SecretUnreadable):
            wrong.resealed(link(SEALING))
    assert sealing("").resealed(Link("l", "u", "c", configs={"acl.sync.ms": "9000"})) is None
    assert sealing("", "the key").resealed(link(SEALING)) is None


def test_the_audit_log_shows_who_asked_for_what_and_no_secret() -> None:
    """SEC-36, SEC-34."""
    asked = update(
        {"name": PASSWORD, "value": "hunter2"},
        {"name": "acl.sync.ms", "value": "9000"},
        {"name": "ssl.key.passwrd", "value": "hunter2"},
        {"name": "sasl.jaas.config", "operation": "DELETE"},
    )
    for command in (asked, SEALING.seal_command(asked)):
        line = audit_line(Result("1", "link-1", "link.update", 400, 40002, "refused", time_ms=7), command)
        assert b"hunter2" not in line and b"clusterlink.secret" not in line and b"\n" not in line
        record = json.loads(line)
        assert record["request"]["data"] == [
            {"name": PASSWORD, "value": HIDDEN, "operation": "SET"},
            {"name": "acl.sync.ms", "value": "9000", "operation": "SET"},
            {"name": "ssl.key.passwrd", "value": HIDDEN, "operation": "SET"},
            {"name": "sasl.jaas.config", "value": None, "operation": "DELETE"},
        ]
        assert (record["status"], record["error_code"], record["time_ms"]) == (400, 40002, 7)


def test_a_record_that_is_no_command_is_audited_too() -> None:
    assert audit_record(Result("7-1", "", "", 400, 400, "no JSON"), None)["message"] == "no JSON"


def test_the_audit_log_shows_which_mirrors_were_refused() -> None:
    rows = [{"mirror_topic_name": "a", "error_code": None}, {"mirror_topic_name": "b", "error_code": 40403}]
    assert audit_record(Result("1", "l", "mirror.promote", data={"mirrors": rows}), None)["refused"] == {"b": 40403}
    assert "refused" not in audit_record(Result("1", "l", "mirror.promote", data={"mirrors": rows[:1]}), None)
    assert "refused" not in audit_record(Result("1", "l", "link.create", data={"link_id": "x"}), None)
