"""Properties at creation (spec 2.7): every problem at once, each with the property's name."""

from __future__ import annotations

import json

import pytest

from pipeline.link.errors import InvalidProperties
from pipeline.link.properties import Checked, check_new, check_update, pairs
from pipeline.link.states import LinkMode

NOW_MS = 1_700_000_000_000
OUTBOUND = {"bootstrap.servers": "a:9092"}
GROUPS = json.dumps({"groupFilters": [{"name": "*", "patternType": "LITERAL", "filterType": "INCLUDE"}]})


def new(**given: str | None) -> Checked:
    return check_new({**OUTBOUND, **{name.replace("_", "."): value for name, value in given.items()}}, NOW_MS)


def problems(given: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(InvalidProperties) as refusal:
        check_new(given, NOW_MS)
    assert (refusal.value.status, refusal.value.error_code) == (400, 40002)
    assert refusal.value.message == "\n".join(refusal.value.problems)
    return refusal.value.problems


def test_what_was_set_is_kept_in_its_stored_form_and_nothing_else() -> None:
    checked = new(link_mode="destination", acl_sync_ms="6000", acl_filters=None, cluster_link_prefix="")
    assert checked.configs == {**OUTBOUND, "link.mode": "DESTINATION", "acl.sync.ms": "6000"}
    assert checked.warnings == ()


def test_every_problem_is_told_at_once_each_by_its_property() -> None:
    found = problems({"acl.sync.ms": "5", "acl.filter": "x", "consumer.offset.group.filters": "{", "link.prefix": "p"})
    assert found == (
        "acl.filter: unknown property; did you mean acl.filters?",
        "acl.sync.ms: 5 is below the minimum 1000",
        "bootstrap.servers: is required when connection.mode is OUTBOUND",
        "consumer.offset.group.filters: not valid JSON at line 1, column 2: "
        "Expecting property name enclosed in double quotes",
        "link.prefix: is read-only",
    )


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"acl.filters.json": "{}"}, "acl.filters.json: unknown property; did you mean acl.filters?"),
        ({"acl.sync.enabled": "true"}, "acl.sync.enabled: unknown property; did you mean acl.sync.enable?"),
        ({"qqqq": "1"}, "qqqq: unknown property"),
        ({"ACL.SYNC.MS": "1000"}, "ACL.SYNC.MS: unknown property"),
        ({"link.mode": "SINK"}, "link.mode: 'SINK' is not one of DESTINATION, SOURCE, BIDIRECTIONAL"),
        (
            {"link.mode": "SOURCE", "connection.mode": "INBOUND"},
            "connection.mode: INBOUND is not possible for a SOURCE link: one side must dial",
        ),
        (
            {"link.mode": "SOURCE", "consumer.offset.sync.enable": "false"},
            "consumer.offset.sync.enable: cannot be set on a SOURCE link, only on a BIDIRECTIONAL or DESTINATION link",
        ),
        (
            {"local.security.protocol": "SSL"},
            "local.security.protocol: cannot be set on a DESTINATION link, only on a BIDIRECTIONAL or SOURCE link",
        ),
        (
            {"consumer.group.prefix.enable": "true"},
            "consumer.group.prefix.enable: needs cluster.link.prefix, which is not set",
        ),
        (
            {"acl.sync.enable": "true", "cluster.link.prefix": "p."},
            "acl.sync.enable: cannot be true together with cluster.link.prefix: ACLs are copied without renaming",
        ),
        (
            {"mirror.start.offset.spec": "2099-01-01T00:00:00.000"},
            "mirror.start.offset.spec: '2099-01-01T00:00:00.000' lies in the future; "
            "accepted: earliest, latest or a time that has passed",
        ),
        ({"sasl.login.class": "x.Y"}, "sasl.login.class: names a Java class, which cannot be loaded here"),
        (
            {"topic.config.sync.include": "cleanup.policy,remote.storage.enable"},
            "topic.config.sync.include: lacks names that are always synced: max.message.bytes, message.timestamp.type, "
            "message.timestamp.difference.max.ms; has names that are independent or unknown: remote.storage.enable",
        ),
    ],
)
def test_each_rule_of_2_7(given: dict[str, str], problem: str) -> None:
    assert problem in problems({**OUTBOUND, **given})


def test_group_prefixing_is_not_for_bidirectional_links() -> None:
    """FILT-37, MODE-19."""
    given = {"link.mode": "BIDIRECTIONAL", "consumer.group.prefix.enable": "true", "cluster.link.prefix": "p."}
    (problem,) = problems({**OUTBOUND, **given})
    assert "invalid configuration" in problem
    assert "not available in bidirectional mode" in problem
    check_new({**OUTBOUND, **given, "consumer.group.prefix.enable": "false"}, NOW_MS)


@pytest.mark.parametrize("store", ["ssl.truststore", "ssl.keystore"])
def test_java_key_stores_are_refused_with_a_hint(store: str) -> None:
    """LINK-83, LINK-85."""
    (problem,) = problems({**OUTBOUND, f"{store}.location": "/etc/x.jks"})
    assert "keytool -importkeystore" in problem
    check_new({**OUTBOUND, f"{store}.location": "/etc/x.p12", f"{store}.type": "pkcs12"}, NOW_MS)


def test_an_inbound_side_needs_no_address() -> None:
    """MODE-2, MODE-5."""
    assert check_new({"connection.mode": "INBOUND"}, NOW_MS).configs == {"connection.mode": "INBOUND"}


@pytest.mark.parametrize("mode", ["DESTINATION", "BIDIRECTIONAL"])
def test_an_inbound_side_takes_no_credentials(mode: str) -> None:
    """MODE-2, MODE-5, MODE-43: nobody would use them."""
    inbound = {"link.mode": mode, "connection.mode": "INBOUND"}
    given = {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN", "ssl.endpoint.identification.algorithm": ""}
    found = problems({**inbound, **given})
    assert [each.partition(":")[0] for each in found] == sorted(given)
    assert all("INBOUND side, whose workers dial nobody" in each for each in found)
    if mode == "BIDIRECTIONAL":
        (problem,) = problems({**inbound, "local.security.protocol": "SSL"})
        assert problem.startswith("local.security.protocol: has no place on an INBOUND side")
    (warning,) = check_new({**inbound, "request.timeout.ms": "20000", "bootstrap.servers": "a:1"}, NOW_MS).warnings
    assert warning.startswith("bootstrap.servers: kept, but without effect on an INBOUND side")
    update = [{"name": "sasl.mechanism", "value": "PLAIN"}]
    with pytest.raises(InvalidProperties, match=r"sasl\.mechanism: has no place"):
        check_update(inbound, update, LinkMode(mode), NOW_MS)


def test_a_feature_without_filters_is_accepted_with_a_warning() -> None:
    """FILT-48."""
    (warning,) = new(consumer_offset_sync_enable="true").warnings
    assert warning.startswith("consumer.offset.group.filters: consumer.offset.sync.enable is true but")


def test_filters_without_their_feature_are_kept_with_a_warning() -> None:
    """FILT-47."""
    checked = new(consumer_offset_group_filters=GROUPS)
    assert checked.configs["consumer.offset.group.filters"] == GROUPS
    assert "without effect until consumer.offset.sync.enable is true" in checked.warnings[0]


def test_files_in_temporary_places_and_java_names_are_worth_a_warning() -> None:
    """LINK-90, LINK-95."""
    given = {"ssl.keystore.location": "/tmp/k.p12", "ssl.keystore.type": "PKCS12", "ssl.provider": "X"}
    warnings = check_new({**OUTBOUND, **given}, NOW_MS).warnings
    assert [warning.split(":")[0] for warning in warnings] == ["ssl.keystore.location", "ssl.provider"]


def test_secrets_are_listed_and_never_in_a_message() -> None:
    """SEC-30, SEC-34."""
    jaas = "x.PlainLoginModule required username='u' password='hunter2';"
    assert new(sasl_jaas_config=jaas).secrets == {"sasl.jaas.config"}
    for bad in (jaas[:-1], jaas + " x=hunter2", "hunter2;", "hunter2 \n;", "hunter2 required;"):
        assert "hunter2" not in "".join(problems({**OUTBOUND, "sasl.jaas.config": bad}))


def test_a_property_given_twice_is_refused() -> None:
    assert pairs([{"name": "a", "value": "1"}, {"name": "b", "value": None}]) == {"a": "1", "b": None}
    with pytest.raises(InvalidProperties, match="a: given twice"):
        pairs([{"name": "a", "value": "1"}, {"name": "a", "value": "1"}])
