"""Properties as people write them (LINK-1, LINK-2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.link.errors import InvalidProperties
from pipeline.link.property_files import parse_file, parse_pairs

names = st.from_regex(r"[a-z]{1,5}(\.[a-z]{1,5}){1,3}", fullmatch=True)
values = st.from_regex(r"[A-Za-z0-9:/;.]{0,12}", fullmatch=True)


def test_lines_in_any_order_with_comments_and_continuations() -> None:
    text = """
# the source
bootstrap.servers = a:9092,b:9092
  sasl.jaas.config=x.PlainLoginModule required username='a=b' password="#1";
acl.filters={"aclFilters": [ \\
    {"resourceFilter": {}, \\

consumer.offset.sync.enable=true
empty=
"""
    assert parse_file(text) == {
        "bootstrap.servers": "a:9092,b:9092",
        "sasl.jaas.config": "x.PlainLoginModule required username='a=b' password=\"#1\";",
        "acl.filters": '{"aclFilters": [ {"resourceFilter": {},',
        "consumer.offset.sync.enable": "true",
        "empty": "",
    }


def test_bad_lines_are_all_named() -> None:
    with pytest.raises(InvalidProperties) as refusal:
        parse_file("a=1\nnonsense\n=2\na=3\n")
    assert refusal.value.problems == (
        "line 2: expected name=value",
        "line 3: expected name=value",
        "line 4: a is given twice",
    )


@given(given=st.dictionaries(names, values, max_size=5))
def test_files_and_pairs_give_back_what_was_written(given: dict[str, str]) -> None:
    assert parse_file("\r\n".join(f"{name} = {value}" for name, value in given.items())) == given
    assert parse_pairs(",".join(f"{name}={value}" for name, value in given.items())) == given


def test_commas_of_lists_json_and_login_modules_stay_in_the_value() -> None:
    jaas = "x.PlainLoginModule required username='a,b=c' password=\"d,e=f\";"
    json = '{"groupFilters":[{"name":"*","patternType":"LITERAL"},{"name":"g,h=i"}]}'
    text = f"bootstrap.servers=a:1,b:2,sasl.jaas.config={jaas},consumer.offset.group.filters={json}, acl.sync.ms=1000"
    assert parse_pairs(text) == {
        "bootstrap.servers": "a:1,b:2",
        "sasl.jaas.config": jaas,
        "consumer.offset.group.filters": json,
        "acl.sync.ms": "1000",
    }


@pytest.mark.parametrize(
    ("text", "problem"), [("a", "'a': expected"), ("=1", "'=1': expected"), ("a=1,a=2", "a: given")]
)
def test_bad_pairs_are_named(text: str, problem: str) -> None:
    with pytest.raises(InvalidProperties, match=problem):
        parse_pairs(text)
