"""ACL filters (spec 2.4)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.link.acl_filters import Acl, AclFilters, parse_acl_filters
from pipeline.link.filters import FilterError, canonical

LINK_ID = "0nqzJILoSAaEhxxtyzN33A"
OPERATIONS = (
    *("ALL", "READ", "WRITE", "CREATE", "DELETE", "ALTER", "DESCRIBE", "CLUSTER_ACTION"),
    *("DESCRIBE_CONFIGS", "ALTER_CONFIGS", "IDEMPOTENT_WRITE"),
)
ANY: dict[str, Any] = {
    "resourceFilter": {"resourceType": "any", "patternType": "any"},
    "accessFilter": {"operation": "any", "permissionType": "any"},
}


def acl(name: str = "pineapple", pattern: str = "LITERAL", **more: str) -> Acl:
    fields = {
        "resource_type": "TOPIC",
        "principal": "User:a",
        "host": "*",
        "operation": "READ",
        "permission_type": "ALLOW",
    }
    return Acl(pattern_type=pattern, name=name, **{**fields, **more})


def one(access: dict[str, Any] | None = None, **resource: str) -> dict[str, Any]:
    return {
        "resourceFilter": {**ANY["resourceFilter"], **resource},
        "accessFilter": {**ANY["accessFilter"], **(access or {})},
    }


def filters(*rows: dict[str, Any]) -> AclFilters:
    return parse_acl_filters(json.dumps({"aclFilters": rows}))


def test_any_selects_all_that_no_link_created() -> None:
    """FILT-6."""
    assert filters(ANY).selects(acl())
    assert not filters(ANY).selects(acl(), created_by=LINK_ID)


def test_link_ids_select_only_what_these_links_created() -> None:
    """FILT-7."""
    theirs = one({"clusterLinkIds": [LINK_ID]})
    assert filters(theirs).selects(acl(), created_by=LINK_ID)
    assert not filters(theirs).selects(acl())
    assert not filters(theirs).selects(acl(), created_by="other")
    assert filters(theirs, ANY).selects(acl())


@pytest.mark.parametrize(
    ("pattern", "selected"),
    [
        ("LITERAL", {("LITERAL", "pineapple")}),
        ("PREFIXED", {("PREFIXED", "pineapple")}),
        ("MATCH", {("LITERAL", "pineapple"), ("LITERAL", "*"), ("PREFIXED", "pine"), ("PREFIXED", "pineapple")}),
        ("ANY", {("LITERAL", "pineapple"), ("PREFIXED", "pineapple")}),
    ],
)
def test_pattern_types(pattern: str, selected: set[tuple[str, str]]) -> None:
    """FILT-3."""
    candidates = [(kind, name) for kind in ("LITERAL", "PREFIXED") for name in ("pineapple", "*", "pine", "apple")]
    chosen = filters(one(patternType=pattern, name="pineapple"))
    found = {(kind, name) for kind, name in candidates if chosen.selects(acl(name, kind))}
    assert found == selected


@pytest.mark.parametrize("name", ["", "*"])
def test_an_absent_name_or_star_is_every_name_and_every_principal(name: str) -> None:
    chosen = filters(one({"principal": name}, name=name))
    assert chosen.selects(acl("whatever"))
    assert filters(one(patternType="match")).selects(acl("whatever", "PREFIXED"))


def test_filters_add_up() -> None:
    """FILT-5, and the third sample of 2.4."""
    chosen = filters(one({"principal": "User:sa-12345"}), one({"permissionType": "deny"}))
    assert chosen.selects(acl(principal="User:sa-12345"))
    assert chosen.selects(acl(permission_type="DENY"))
    assert not chosen.selects(acl())


def test_operations_and_types_are_exact() -> None:
    assert not filters(one({"operation": "all"})).selects(acl())
    assert filters(one({"operation": "all"})).selects(acl(operation="ALL"))
    assert filters(one(resourceType="transactionalID")).selects(acl(resource_type="TRANSACTIONAL_ID"))
    assert not filters(one(resourceType="group")).selects(acl())


@pytest.mark.parametrize("kind", ["TOPIC", "CLUSTER", "GROUP", "TRANSACTIONAL_ID", "DELEGATION_TOKEN", "USER"])
@pytest.mark.parametrize("permission", ["ALLOW", "DENY"])
def test_every_type_and_permission_of_kafka_can_be_named(kind: str, permission: str) -> None:
    """FILT-2, FILT-4."""
    chosen = filters(one({"permissionType": permission.lower()}, resourceType=kind.lower()))
    assert chosen.selects(acl(resource_type=kind, permission_type=permission))
    assert not chosen.selects(acl(resource_type=kind, permission_type={"ALLOW": "DENY"}.get(permission, "ALLOW")))
    assert not chosen.selects(acl(resource_type="GROUP" if kind == "TOPIC" else "TOPIC", permission_type=permission))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_of_kafka_can_be_named(operation: str) -> None:
    """FILT-4."""
    chosen = filters(one({"operation": operation}))
    assert chosen.selects(acl(operation=operation))
    assert not chosen.selects(acl(operation="READ" if operation != "READ" else "WRITE"))


def test_a_bare_list_is_understood_and_stored_with_its_key_in_upper_case() -> None:
    """FILT-1, CONF-15, CONF-19."""
    stored = canonical(parse_acl_filters)(json.dumps([one({"principal": "User:a"}, resourceType="transactionalID")]))
    assert json.loads(stored) == {
        "aclFilters": [
            {
                "resourceFilter": {"resourceType": "TRANSACTIONAL_ID", "patternType": "ANY"},
                "accessFilter": {"principal": "User:a", "operation": "ANY", "permissionType": "ANY"},
            }
        ]
    }
    assert canonical(parse_acl_filters)(stored) == stored


def test_rights_on_the_cluster_need_its_type_to_be_named() -> None:
    """TASK-35."""
    assert not filters(ANY).names_cluster
    assert filters(one(resourceType="cluster")).names_cluster


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({}, "aclFilters[0]: resourceFilter is missing"),
        ({"resourceFilter": {}, "accessFilter": {}}, "aclFilters[0].accessFilter: permissionType is missing"),
        ({"resourceFilter": {}, "accessFilter": {}}, "aclFilters[0].resourceFilter: patternType is missing"),
        ({"resourceFilter": 7, "accessFilter": {}}, "aclFilters[0].resourceFilter: expected an object"),
        (one(resourceType="topics"), 'aclFilters[0].resourceFilter: resourceType "topics" is not one of ANY, TOPIC'),
        (one({"operation": "eat"}), 'aclFilters[0].accessFilter: operation "eat" is not one of ANY, ALL'),
        (one({"clusterLinkIds ": ["x"]}), "unknown field 'clusterLinkIds '; known: principal, operation"),
        (one({"clusterLinkIds": []}), "clusterLinkIds must be a list of at least one link id"),
        (one({"principal": 7}), "aclFilters[0].accessFilter: principal must be a string"),
    ],
)
def test_problems_name_the_field_and_the_filter(row: dict[str, Any], problem: str) -> None:
    """FILT-32, FILT-33, FILT-34."""
    with pytest.raises(FilterError) as refusal:
        filters(row)
    assert any(problem in text for text in refusal.value.problems)


def test_an_empty_list_selects_nothing_and_is_refused() -> None:
    with pytest.raises(FilterError, match='"aclFilters" is empty'):
        filters()
    assert not parse_acl_filters("").selects(acl())
