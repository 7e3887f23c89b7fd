"""A file of links: every problem at once, each with line and field; references; the published schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.declared import schema
from pipeline.declared.models import DeclarationError, DeclaredLink, Wanted
from pipeline.declared.reading import read

GOOD = """
links:
  - name: east
    source_cluster_id: SRC
    configs:
      bootstrap.servers: [a:9092, b:9092]
      consumer.offset.sync.enable: true
      consumer.offset.sync.ms: 5000
      consumer.offset.group.filters:
        groupFilters: [{name: "*", patternType: LITERAL, filterType: INCLUDE}]
      sasl.jaas.config: {env: EAST_JAAS}
      ssl.truststore.certificates: {file: ca.pem}
      mirror.start.offset.spec: 2024-01-02T03:04:05.000
    mirrors:
      - name: orders
      - {name: "7", state: pause, replication_factor: 2, configs: {retention.ms: 5}}
"""
JAAS = "org.apache.kafka.common.security.plain.PlainLoginModule required username='k' password='s';"
PEM = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----"


def problems(text: str, folder: Path = Path(), **environment: str) -> list[str]:
    with pytest.raises(DeclarationError) as refused:
        read(text, "links.yaml", folder, environment)
    return refused.value.problems


def test_a_whole_file(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(PEM + "\n")
    (link,) = read(GOOD, "links.yaml", tmp_path, {"EAST_JAAS": JAAS})
    assert link.ids == {"source_cluster_id": "SRC"}
    assert link.configs["bootstrap.servers"] == "a:9092,b:9092"
    assert link.configs["consumer.offset.sync.enable"] == "true" and link.configs["consumer.offset.sync.ms"] == "5000"
    assert link.configs["sasl.jaas.config"] == JAAS and link.configs["ssl.truststore.certificates"] == PEM
    orders, seven = link.mirrors
    assert (orders.source_topic, orders.state, orders.line) == ("orders", Wanted.ACTIVE, 15)
    assert (seven.name, seven.state, seven.replication_factor, seven.configs) == (
        "7",
        Wanted.PAUSE,
        2,
        {"retention.ms": "5"},
    )


def test_every_problem_at_once_with_line_and_field() -> None:
    text = """
links:
  - name: "a b"
    configs:
      consumer.offset.sync.ms: 5
      consumer.ofset.sync.enable: true
      sasl.jaas.config: {env: MISSING}
      acl.filters: {aclFilters: [{resourceFilter: 1}]}
    mirors: []
    mirrors:
      - name: orders
        state: running
        replication_factor: 0
      - name: orders
  - configs: {bootstrap.servers: a:9092}
"""
    found = problems(text)
    assert [each.split(":")[1] for each in found] == sorted((each.split(":")[1] for each in found), key=int)
    for line, words in (
        (3, "links[0].name"),
        (4, 'links[0].configs["bootstrap.servers"]: is required'),
        (5, '"consumer.offset.sync.ms"]: 5 is below the minimum 1000'),
        (6, "did you mean consumer.offset.sync.enable?"),
        (7, "the environment has no variable MISSING"),
        (8, '"acl.filters"]: '),
        (9, "links[0].mirors: unknown field; did you mean mirrors?"),
        (12, "state: must be one of active, pause, promote, failover"),
        (13, "replication_factor"),
        (14, "'orders' is declared twice"),
        (15, "links[1]: name is missing"),
    ):
        assert any(each.startswith(f"links.yaml:{line}: ") and words in each for each in found), (line, words, found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must hold fields: links"),
        ("links: [", "not YAML"),
        ("links: 5", "links: must be a list"),
        ("links:\n  - name: a\n    name: b\n", "given twice"),
        ("links: &a [*a]", "alias that contains itself"),
        ("links: [{name: e, configs: {bootstrap.servers: {file: nothing}}}]", "cannot read nothing"),
        ("links: [{name: e, configs: {bootstrap.servers: {file: a, env: b}}}]", "give either env or file"),
        ("links: [{name: e, configs: {acl.sync.ms: [1]}}]", "must be a text"),
        (
            "links: [{name: e, configs: {bootstrap.servers: a:9, cluster.link.prefix: p.}, mirrors: [{name: t}]}]",
            "must be the prefix and the source topic, 'p.t'",
        ),
    ],
)
def test_what_cannot_be_used_is_said(text: str, words: str) -> None:
    assert words in "\n".join(problems(text))


def test_a_secret_that_is_wrong_is_not_shown() -> None:
    text = "links: [{name: e, configs: {bootstrap.servers: a:9, sasl.jaas.config: {env: J}}}]"
    assert "s3cret" not in "\n".join(problems(text, J="s3cret"))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
    )
)
def test_no_file_ends_in_a_traceback(value: Any) -> None:
    import yaml  # noqa: PLC0415

    for document in (value, {"links": value}, {"links": [value]}, {"links": [{"name": "e", "configs": value}]}):
        try:
            read(yaml.safe_dump(document, allow_unicode=True), "f", Path(), {})
        except DeclarationError as error:
            assert all(each.startswith("f:") for each in error.problems)


def test_the_published_schema_is_the_tables() -> None:
    assert schema.PATH.read_text("utf-8") == schema.document(), "run python -m pipeline.declared.schema"


def test_a_prefixed_mirror_names_its_source() -> None:
    text = "links: [{name: e, configs: {bootstrap.servers: a:9, cluster.link.prefix: p.}, mirrors: [{name: p.t}]}]"
    (link,) = read(text, "f", Path(), {})
    assert isinstance(link, DeclaredLink) and link.mirrors[0].source_topic == "t"
