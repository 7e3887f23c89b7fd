"""Patterns of mirror names: linear, whole names, clear refusals (MIRROR-50)."""

from __future__ import annotations

import pytest

from pipeline.link.commands import build
from pipeline.link.errors import Malformed
from pipeline.link.patterns import matches


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)*$", "(.*)*x", "([a-z]+)*b"])
def test_no_pattern_takes_longer_than_the_name_is_long(pattern: str) -> None:
    """Each of these takes Python's matcher longer than the sun will burn."""
    assert not matches(pattern, "a" * 249 + "!")


def test_the_whole_name_has_to_match() -> None:
    assert matches("east\\..*", "east.orders") and not matches("east", "east.orders")


@pytest.mark.parametrize("pattern", ["(", "(?=a)b", "(a)\\1", "(x{1000}){1000}"])
def test_what_cannot_be_matched_so_is_refused_when_it_is_given(pattern: str) -> None:
    with pytest.raises(Malformed, match="mirror_topic_name_pattern: "):
        build("mirror.pause", "l", {"mirror_topic_name_pattern": pattern}, "id")
