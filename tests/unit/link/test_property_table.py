"""The property table itself: complete, consistent, and its defaults valid."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.link.properties import PROPERTIES, SECRETS, effective, masked, typed
from pipeline.link.property_rows import Property
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import ConnectionMode, LinkMode

SPEC = (Path(__file__).resolve().parents[3] / "docs" / "spec.md").read_text()
ROWS = [pytest.param(row, id=name) for name, row in PROPERTIES.items()]


def test_every_property_of_the_specification_is_there() -> None:
    """LINK-20..47, 50..66, 70..90."""
    named = set()
    for line in SPEC.splitlines():
        cells = line.split("|")
        match = re.match(r"\s*LINK-(\d+)", cells[1]) if len(cells) > 2 else None
        if match and 20 <= int(match[1]) <= 90:
            named |= set(re.findall(r"`([a-z.]+)`", cells[2]))
    assert len(named) > 80
    assert named <= PROPERTIES.keys()
    security = {name for name, row in PROPERTIES.items() if row.spec_id >= "LINK-70" and not name.startswith("local.")}
    assert {f"local.{name}" for name in security} <= PROPERTIES.keys()


@pytest.mark.parametrize("row", ROWS)
def test_defaults_are_valid_values(row: Property) -> None:
    if row.default:
        assert row.read(row.default) == row.typed_default
        assert row.normal(row.default) == row.default


@given(name=st.sampled_from(sorted(PROPERTIES)), text=st.text(max_size=20) | st.from_regex(r"-?\d{1,12}"))
def test_any_text_is_a_value_or_a_sentence_and_what_is_stored_is_stable(name: str, text: str) -> None:
    row = PROPERTIES[name]
    try:
        stored = row.normal(text)
    except ValueError as problem:
        assert str(problem)
        assert not row.secret or len(text) < 3 or text not in str(problem)
        return
    assert row.normal(stored) == stored
    assert row.read(stored) == row.read(text) or row.normalise is not None


@pytest.mark.parametrize("row", [param for param in ROWS if param.values[0].minimum is not None])  # type: ignore[union-attr]
def test_minimum_is_named(row: Property) -> None:
    """FILT-40."""
    assert row.minimum is not None
    row.read(str(int(row.minimum) if row.type != "double" else row.minimum))
    with pytest.raises(ValueError, match=r"^-?\d+ is below the minimum -?[\d.]+$"):
        row.read(str(int(row.minimum) - 1))


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("consumer.offset.sync.ms", "fast", "'fast' is not a whole number"),
        ("consumer.offset.sync.ms", "99999999999", "does not fit into 32 bits"),
        ("consumer.offset.sync.ms", "\u0663\u0660\u0660\u0660", "is not a whole number"),
        ("acl.sync.enable", "yes", "'yes' is neither true nor false"),
        ("link.mode", "SINK", "'SINK' is not one of DESTINATION, SOURCE, BIDIRECTIONAL"),
        ("cluster.link.prefix", "a/", "only ASCII letters"),
        ("cluster.link.prefix", "p" * 249, "longer than the max allowed length 249"),
        ("mirror.start.offset.spec", "yesterday", "earliest, latest, or a time in UTC as YYYY-MM-DDTHH:mm:SS.sss"),
        ("mirror.start.offset.spec", "2024-13-01T00:00:00.000", "is no time"),
        ("bootstrap.servers", "a:1,b", "'b' is not host:port"),
        ("bootstrap.servers", "a:70000", "'a:70000' is not host:port"),
        ("link.max.bytes.per.second", "1023", "neither -1 .off. nor 1024 or more"),
        ("cluster.link.id", "short", "22-character base64"),
        ("sasl.jaas.config", "org.x.PlainLoginModule required", "must end in ';'"),
        ("sasl.jaas.config", "org.x.OddLoginModule required;", "the login module is not one of PlainLoginModule"),
        ("sasl.jaas.config", "org.x.PlainLoginModule\nrequired;", "must be one line"),
        ("sasl.jaas.config", "PlainLoginModule required password=';", "must read"),
        ("ssl.keystore.key", "secret", "must be PEM"),
        ("sasl.login.callback.handler.class", "com.example.Mine", "Java class"),
        ("sasl.login.refresh.window.factor", "1.5", "1.5 is above the maximum 1"),
        ("sasl.login.refresh.window.factor", "nan", "is not a number"),
        ("topic.config.sync.include", "retention.ms", "lacks names that are always synced: cleanup.policy"),
    ],
)
def test_wrong_values_are_explained(name: str, text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        PROPERTIES[name].read(text)


@pytest.mark.parametrize(
    ("name", "text", "stored"),
    [
        ("link.mode", "bidirectional", "BIDIRECTIONAL"),
        ("acl.sync.enable", "TRUE", "true"),
        ("acl.sync.ms", " 5000 ", "5000"),
        ("mirror.start.offset.spec", "Latest", "latest"),
        ("mirror.start.offset.spec", "2024-01-31T10:00:00.500", "2024-01-31T10:00:00.500"),
        ("mirror.start.offset.spec", "2024-01-31T10:00:00Z", "2024-01-31T10:00:00Z"),
        ("bootstrap.servers", "SASL_SSL://a:1, [::1]:9092", "SASL_SSL://a:1,[::1]:9092"),
        ("security.protocol", "sasl_ssl", "SASL_SSL"),
        ("ssl.endpoint.identification.algorithm", "", ""),
        ("ssl.endpoint.identification.algorithm", "HTTPS", "https"),
        ("sasl.jaas.config", "org.x.PlainLoginModule required username='a;b' password=\"c\";", None),
        ("sasl.jaas.config", "org.x.OAuthBearerLoginModule required ;", None),
        ("sasl.jaas.config", 'x.Krb5LoginModule required useKeyTab=true keyTab="/k" principal="a@B";', None),
    ],
)
def test_values_are_stored_in_one_form(name: str, text: str, stored: str | None) -> None:
    assert PROPERTIES[name].normal(text) == (text if stored is None else stored)


def test_secrets_are_the_ones_named() -> None:
    """LINK-72, 81..86."""
    remote = {name for name in SECRETS if not name.startswith("local.")}
    assert remote == {
        "sasl.jaas.config",
        "sasl.oauthbearer.client.secret",
        "ssl.truststore.certificates",
        "ssl.truststore.password",
        "ssl.keystore.certificate.chain",
        "ssl.keystore.key",
        "ssl.keystore.password",
        "ssl.key.password",
    }
    assert remote | {f"local.{name}" for name in remote} == SECRETS


def test_logs_hide_secrets_and_what_nobody_knows() -> None:
    """SEC-34."""
    shown = masked({"sasl.jaas.config": "x", "acl.sync.ms": "5000", "pasword": "y"})
    assert shown == {"sasl.jaas.config": "[hidden]", "acl.sync.ms": "5000", "pasword": "[hidden]"}


def test_typed_settings_have_the_defaults_and_what_was_set() -> None:
    settings = LinkSettings.of(
        {"cluster.link.prefix": "w.", "replica.fetch.max.bytes": "7", "sasl.jaas.config": "enc:?"}
    )
    assert (settings.prefix, settings.replica_fetch_max_bytes, settings.acl_sync_ms) == ("w.", 7, 5000)
    assert (settings.link_mode, settings.connection_mode) == (LinkMode.DESTINATION, ConnectionMode.OUTBOUND)
    assert settings.mirror_name("t") == "w.t"
    assert settings.group_name("g") == "g"
    assert (
        LinkSettings.of({"cluster.link.prefix": "w.", "consumer.group.prefix.enable": "true"}).group_name("g") == "w.g"
    )
    assert "retention.ms" in settings.topic_config_sync_include
    assert not settings.group_filters().selects_group("g")
    assert effective({}, "acl.sync.ms") == "5000"
    assert typed({}, "bootstrap.servers") is None


def test_every_behaviour_property_has_a_typed_attribute() -> None:
    attributes = {field.name for field in fields(LinkSettings)}
    elsewhere = {"cluster.link.id", "local.listener.name", "local.bootstrap.servers", "dest.cluster.id", "link.prefix"}
    behaviour = {name for name, row in PROPERTIES.items() if row.spec_id < "LINK-50"}
    assert {name.replace(".", "_") for name in behaviour - elsewhere} <= attributes
