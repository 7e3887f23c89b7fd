"""Group and topic filters (spec 2.5, 2.6)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.link.filters import FilterError, NameFilters, canonical, parse_group_filters, parse_topic_filters

topic_names = st.text("ab_", min_size=1, max_size=5)
rows = st.fixed_dictionaries(
    {
        "name": topic_names | st.just("*"),
        "patternType": st.sampled_from(["LITERAL", "PREFIXED", "literal"]),
        "filterType": st.sampled_from(["INCLUDE", "EXCLUDE", "include"]),
    }
)


def one(name: str, pattern: str = "LITERAL", kind: str = "INCLUDE") -> dict[str, str]:
    return {"name": name, "patternType": pattern, "filterType": kind}


def groups(*filters: dict[str, str]) -> NameFilters:
    return parse_group_filters(json.dumps({"groupFilters": filters}))


def topics(*filters: dict[str, str]) -> NameFilters:
    return parse_topic_filters(json.dumps({"topicFilters": filters}))


def test_the_literal_star_is_every_group_and_an_exclude_wins_whatever_the_order() -> None:
    """FILT-10, FILT-11."""
    for both in ([one("*"), one("g", kind="EXCLUDE")], [one("g", kind="EXCLUDE"), one("*")]):
        assert groups(*both).selects_group("other")
        assert not groups(*both).selects_group("g")


def test_prefixes_and_nothing() -> None:
    assert groups(one("app", "PREFIXED")).selects_group("app1")
    assert not groups(one("app")).selects_group("app1")
    assert not groups().selects_group("g")
    assert not parse_group_filters("").selects_group("g")


def test_the_sample_of_2_6() -> None:
    filters = topics(one("_", "PREFIXED", "EXCLUDE"), one("app1", "PREFIXED"))
    assert filters.selects_topic("app1-orders")
    assert not filters.selects_topic("_app1")
    assert not filters.selects_topic("app2")


@pytest.mark.parametrize("topic", ["__consumer_offsets", "__transaction_state", "__share_group_state"])
def test_internal_topics_never_match(topic: str) -> None:
    """FILT-22."""
    assert not topics(one(topic), one("__", "PREFIXED"), one("*")).selects_topic(topic)


def test_names_that_begin_with_an_underscore_need_more_than_the_star() -> None:
    """FILT-22."""
    assert not topics(one("*")).selects_topic("_schemas")
    assert topics(one("*")).selects_topic("orders")
    assert topics(one("*"), one("_schemas")).selects_topic("_schemas")
    assert topics(one("_", "PREFIXED")).selects_topic("_schemas")


@given(filters=st.lists(rows, max_size=5), name=topic_names)
def test_selection_is_an_include_and_no_exclude(filters: list[dict[str, str]], name: str) -> None:
    def hits(kind: str) -> bool:
        return any(
            row["filterType"].upper() == kind
            and (name.startswith(row["name"]) if row["patternType"] == "PREFIXED" else row["name"] in ("*", name))
            for row in filters
        )

    assert groups(*filters).selects_group(name) == (hits("INCLUDE") and not hits("EXCLUDE"))


@given(filters=st.lists(rows, max_size=4))
def test_the_stored_form_is_upper_case_and_stable(filters: list[dict[str, str]]) -> None:
    """CONF-15."""
    normalise, text = canonical(parse_group_filters), json.dumps({"groupFilters": filters}, indent=1)
    stored = normalise(text)
    assert normalise(stored) == stored
    assert parse_group_filters(stored) == parse_group_filters(text)
    assert all(row["filterType"].isupper() for row in json.loads(stored)["groupFilters"])
    if text == text.replace("literal", "LITERAL").replace("include", "INCLUDE"):
        assert stored == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not valid JSON at line 1, column 2"),
        ("{\u201cgroupFilters\u201d:[]}", "typographic quotes"),
        ("[" * 100_000, "not valid JSON"),
        ("7", 'expected an object with the key "groupFilters"'),
        ("[]", 'expected an object with the key "groupFilters"'),
        ('{"topicFilters":[]}', 'expected an object with the key "groupFilters", found "topicFilters"'),
        ('{"groupFilters":null}', 'the value of the expected key "groupFilters" must be a list'),
        ('{"groupFilters":[],"x":1}', "unknown field 'x'; known: groupFilters"),
        ('{"groupFilters":[7]}', r"groupFilters[0]: expected an object with name, patternType, filterType"),
    ],
)
def test_a_filter_that_is_no_filter_says_what_is_expected(text: str, problem: str) -> None:
    """FILT-30, FILT-31, CONF-14."""
    with pytest.raises(FilterError) as refusal:
        parse_group_filters(text)
    assert problem in str(refusal.value)


def test_every_problem_is_told_at_once() -> None:
    """FILT-32..36."""
    bad: list[dict[str, Any]] = [
        {"name": "", "patternType": "MATCH", "filterType": "MAYBE"},
        {"patternType": "LITERAL", "filterType": "INCLUDE", "colour": "red"},
    ]
    with pytest.raises(FilterError) as refusal:
        parse_group_filters(json.dumps({"groupFilters": bad}))
    assert refusal.value.problems == (
        "groupFilters[0]: name must be a non-empty string",
        'groupFilters[0]: patternType "MATCH" is not one of LITERAL, PREFIXED',
        'groupFilters[0]: filterType "MAYBE" is not one of INCLUDE, EXCLUDE',
        "groupFilters[1]: unknown field 'colour'; known: name, patternType, filterType",
        "groupFilters[1]: name is missing",
    )
