"""Which entries guard a mirror (MIRROR-4 a)."""

from __future__ import annotations

import pytest

from pipeline.cluster.administration.acls import Acl
from pipeline.sync.acl_plan import NeverCopied
from pipeline.sync.guard_plan import (
    EVERYBODY,
    deny,
    guarded_topic,
    plan_guard,
    read_guard,
    row_name,
    write_guard,
    writers,
)


def allow(who: str, name: str = "t", pattern: str = "LITERAL", operation: str = "WRITE") -> Acl:
    return Acl("TOPIC", name, pattern, f"User:{who}", "*", operation, "ALLOW")


@pytest.mark.parametrize(
    ("entry", "is_writer"),
    [
        (allow("a"), True),
        (allow("a", operation="ALL"), True),
        (allow("a", "*"), True),
        (allow("a", "t", "PREFIXED"), True),
        (allow("a", "to", "PREFIXED"), False),
        (allow("a", "other"), False),
        (allow("a", operation="READ"), False),
        (deny("t", "User:a"), False),
        (Acl("GROUP", "t", "LITERAL", "User:a", "*", "ALL", "ALLOW"), False),
    ],
)
def test_whoever_an_entry_lets_write_is_a_writer(entry: Acl, is_writer: bool) -> None:
    assert writers("t", [entry]) == ({"User:a"} if is_writer else set())


def test_a_super_user_denies_everybody_where_nothing_is_taken_from_readers() -> None:
    plan = plan_guard("t", [], [], {EVERYBODY}, denies_by_default=True).plan
    assert plan.add == plan.claim == {deny("t", EVERYBODY)}
    assert not plan_guard("t", [], [], {EVERYBODY}, denies_by_default=False).plan.add
    assert plan_guard("t", [allow("a")], [], {EVERYBODY}, denies_by_default=False).plan.add == {deny("t", EVERYBODY)}


def test_others_are_denied_by_name_and_never_the_worker() -> None:
    here = [allow("worker"), allow("a", "*"), allow("b", operation="ALL")]
    guard = plan_guard("t", here, [], {"User:a", "User:b"}, denies_by_default=False)
    assert guard.plan.add == {deny("t", "User:a"), deny("t", "User:b")} and guard.is_closed


def test_what_lets_everybody_write_cannot_be_stopped_by_name() -> None:
    guard = plan_guard("t", [allow("worker"), allow("*")], [], set(), denies_by_default=False)
    assert not guard.plan.add and not guard.is_closed


def test_an_entry_that_was_there_is_not_ours_and_one_that_is_no_longer_wanted_goes() -> None:
    theirs, ours = deny("t", "User:a"), deny("t", "User:gone")
    plan = plan_guard("t", [allow("a"), theirs, ours], [ours], {"User:a", "User:gone"}, denies_by_default=False).plan
    assert not plan.add and not plan.claim
    assert plan.delete == {ours}


def test_rows_tell_guards_from_copied_acls() -> None:
    owned = {deny("t", "User:a"), deny("t", "User:b")}
    assert read_guard(write_guard("id", "t", owned)) == owned
    assert write_guard("id", "t", ()) is None and read_guard(None) == set()
    assert guarded_topic(row_name("t")) == "t" and guarded_topic("7") is None


def test_guards_are_never_copied_onwards() -> None:
    never = NeverCopied(guards=frozenset({deny("t", "User:a")}))
    assert never.holds(deny("t", "User:a"), names_cluster=True)
    assert not never.holds(deny("t", "User:b"), names_cluster=True)
