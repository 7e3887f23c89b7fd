"""Updates of properties: atomic merges (LINK-3..7, LINK-13)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.link.errors import InvalidProperties
from pipeline.link.properties import Checked, check_update
from pipeline.link.states import LinkMode

GROUPS = json.dumps({"groupFilters": [{"name": "*", "patternType": "LITERAL", "filterType": "INCLUDE"}]})
CURRENT = {
    "bootstrap.servers": "a:9092",
    "cluster.link.prefix": "p.",
    "consumer.offset.sync.enable": "true",
    "consumer.offset.group.filters": GROUPS,
    "sasl.jaas.config": "encrypted, not to be judged",
}


def put(name: str, value: str | None) -> dict[str, Any]:
    return {"name": name, "value": value, "operation": "SET"}


def drop(name: str) -> dict[str, Any]:
    return {"name": name, "value": None, "operation": "DELETE"}


def update(*changes: dict[str, Any], current: dict[str, str] | None = None) -> Checked:
    return check_update(CURRENT if current is None else current, changes, LinkMode.DESTINATION, 1_700_000_000_000)


def problems(*changes: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(InvalidProperties) as refusal:
        update(*changes)
    return refusal.value.problems


def test_what_is_not_named_keeps_its_value() -> None:
    """LINK-3."""
    checked = update(put("acl.sync.ms", "7000"))
    assert checked.configs == {**CURRENT, "acl.sync.ms": "7000"}
    assert checked.changed == {"acl.sync.ms"}
    assert checked.secrets == frozenset()


@pytest.mark.parametrize("change", [drop("acl.sync.ms"), put("acl.sync.ms", None)])
def test_a_reset_brings_back_the_default(change: dict[str, Any]) -> None:
    """LINK-13."""
    current = {**CURRENT, "acl.sync.ms": "7000"}
    assert update(change, current=current).configs == CURRENT


def test_one_problem_refuses_the_whole_update_and_all_are_told() -> None:
    """LINK-5, LINK-6, FILT-43."""
    found = problems(put("acl.sync.ms", "7000"), put("acl.sync.enabled", "true"), put("link.mode", "SOURCE"))
    assert found == (
        "acl.sync.enabled: unknown property; did you mean acl.sync.enable?",
        "link.mode: cannot be changed after the link is created",
    )


@pytest.mark.parametrize("name", ["link.mode", "connection.mode", "cluster.link.prefix"])
def test_fixed_properties_stay(name: str) -> None:
    """LINK-4, LINK-13."""
    assert problems(drop(name)) == (f"{name}: cannot be changed after the link is created",)
    assert problems(put(name, "SOURCE")) == (f"{name}: cannot be changed after the link is created",)


def test_setting_a_fixed_property_to_what_it_is_changes_nothing() -> None:
    checked = update(put("cluster.link.prefix", "p."), put("link.mode", "destination"))
    assert (checked.configs, checked.changed) == (CURRENT, frozenset())


def test_turning_a_feature_off_clears_its_filters() -> None:
    """LINK-7."""
    for off in (put("consumer.offset.sync.enable", "false"), drop("consumer.offset.sync.enable")):
        checked = update(off)
        assert "consumer.offset.group.filters" not in checked.configs
        assert checked.changed == {"consumer.offset.sync.enable", "consumer.offset.group.filters"}


def test_filters_given_while_turning_off_are_kept_with_a_warning() -> None:
    """FILT-47."""
    checked = update(put("consumer.offset.sync.enable", "false"), put("consumer.offset.group.filters", GROUPS))
    assert checked.configs["consumer.offset.group.filters"] == GROUPS
    assert "without effect" in checked.warnings[0]


def test_filters_kept_for_a_feature_that_is_off_survive_saying_so_again() -> None:
    current = {"bootstrap.servers": "a:1", "acl.filters": "x"}
    assert update(put("acl.sync.enable", "false"), current=current).configs["acl.filters"] == "x"


def test_rules_between_properties_see_the_whole() -> None:
    assert "bootstrap.servers: is required" in problems(drop("bootstrap.servers"))[0]
    assert "together with cluster.link.prefix" in problems(put("acl.sync.enable", "true"))[0]


def test_new_secrets_are_told_and_stored_ones_are_not_judged() -> None:
    checked = update(put("ssl.key.password", "x"))
    assert checked.secrets == {"ssl.key.password"}
    assert checked.configs["sasl.jaas.config"] == CURRENT["sasl.jaas.config"]
    assert update(drop("sasl.jaas.config")).secrets == frozenset()


def test_an_old_start_time_is_not_held_against_the_clock_again() -> None:
    current = {**CURRENT, "mirror.start.offset.spec": "2099-01-01T00:00:00.000"}
    assert update(put("acl.sync.ms", "7000"), current=current).changed == {"acl.sync.ms"}


def test_a_property_changed_twice_in_one_update_is_refused() -> None:
    assert problems(put("acl.sync.ms", "7000"), drop("acl.sync.ms")) == ("acl.sync.ms: given twice",)


@given(values=st.lists(st.integers(1000, 10**6), min_size=1, max_size=4))
def test_the_last_update_holds(values: list[int]) -> None:
    configs = dict(CURRENT)
    for value in values:
        configs = dict(update(put("acl.sync.ms", str(value)), current=configs).configs)
    assert configs == {**CURRENT, "acl.sync.ms": str(values[-1])}
