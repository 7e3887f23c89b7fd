"""Decisions are applied whole or not at all, once, and whatever dies in between (`pipeline/control/outcomes.py`)."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest

from pipeline.control.outcomes import Change, Outcome, Row, decide

Tables = dict[tuple[str, str], Row]
PENDING = {"id": "r1", "link": "l", "stage": "", "result": None}


def stored(version: int, **row: Any) -> Row:
    return {"version": version, "row": row}


def lookup_in(tables: Tables) -> Any:
    return lambda table, key: tables.get((table, key))


def put(expects: int = 0, key: str = "l", **row: Any) -> Change:
    return Change("links", key, expects, row)


def outcome(*changes: Change, request: str | None = None, stage: str = "", result: Row | None = None) -> Outcome:
    return Outcome("l", changes, "w", request, stage, result)


def apply(tables: Tables, given: Outcome, version: int, most: int | None = None) -> bool:
    """Write what is decided, or the first `most` rows of it; returns whether it was accepted."""
    writes = decide(given, lookup_in(tables), version)
    for table, key, row in (writes or ())[:most]:
        if row is None:
            tables.pop((table, key), None)
        else:
            tables[table, key] = json.loads(json.dumps(row))
    return writes is not None


def test_a_new_row_gets_the_outcomes_version() -> None:
    assert decide(outcome(put(state="x")), lookup_in({}), 7) == [("links", "l", stored(7, state="x"))]


def test_a_decision_on_a_row_that_has_changed_since_changes_nothing() -> None:
    tables = {("links", "a"): stored(3, n=1)}
    assert decide(outcome(put(key="b"), put(2, "a", n=2)), lookup_in(tables), 9) is None
    assert decide(outcome(put(key="b"), put(3, "a", n=2)), lookup_in(tables), 9) is not None


def test_a_decision_for_a_row_that_is_there_already_changes_nothing() -> None:
    assert decide(outcome(put(0)), lookup_in({("links", "l"): stored(3)}), 9) is None


def test_a_decision_for_a_row_that_is_gone_changes_nothing() -> None:
    assert decide(outcome(put(3)), lookup_in({}), 9) is None


def test_rows_are_removed() -> None:
    tables = {("links", "l"): stored(3)}
    assert decide(outcome(Change("links", "l", 3, None)), lookup_in(tables), 9) == [("links", "l", None)]


def test_a_request_is_answered_with_its_rows() -> None:
    tables = {("requests", "r1"): {"version": 4, "row": PENDING}}
    writes = decide(outcome(put(n=1), request="r1", result={"status": 200}), lookup_in(tables), 9)
    assert writes == [
        ("requests", "r1", {"version": 9, "row": {**PENDING, "result": {"status": 200}}}),
        ("links", "l", stored(9, n=1)),
    ]


def test_a_stage_is_noted_and_the_request_stays_open() -> None:
    tables = {("requests", "r1"): {"version": 4, "row": PENDING}}
    assert apply(tables, outcome(request="r1", stage="half way"), 9)
    assert tables["requests", "r1"] == {"version": 9, "row": {**PENDING, "stage": "half way"}}
    assert apply(tables, outcome(request="r1", result={"status": 200}), 10)


def test_a_request_has_one_answer() -> None:
    """The second of two workers that both lead the link comes too late, with its rows."""
    tables = {("requests", "r1"): {"version": 4, "row": PENDING}}
    assert apply(tables, outcome(put(n=1), request="r1", result={"status": 200}), 9)
    before = copy.deepcopy(tables)
    assert not apply(tables, outcome(put(key="other"), request="r1", result={"status": 400}), 10)
    assert tables == before


def test_an_unknown_request_changes_nothing() -> None:
    assert decide(outcome(put(), request="nobody"), lookup_in({}), 9) is None


def test_the_version_of_a_new_request_is_no_outcomes() -> None:
    """It counts the commands topic's offsets: an outcome of the same number has not been applied by that."""
    tables = {("requests", "r1"): {"version": 9, "row": PENDING}, ("links", "l"): stored(5, n=0)}
    assert not apply(tables, outcome(put(3, n=1), request="r1", result={"status": 200}), 9)
    assert apply(tables, outcome(put(5, n=1), request="r1", result={"status": 200}), 9)
    assert tables["requests", "r1"]["row"]["result"] == {"status": 200}


@pytest.mark.parametrize("written", [1, 2, 3])
def test_what_a_dead_worker_left_half_written_is_completed(written: int) -> None:
    tables: Tables = {("requests", "r1"): {"version": 4, "row": dict(PENDING)}, ("links", "b"): stored(2)}
    given = outcome(put(key="a", n=1), Change("links", "b", 2, None), request="r1", result={"status": 200})
    whole = copy.deepcopy(tables)
    assert apply(whole, given, 9)
    assert apply(tables, given, 9, most=written)
    assert apply(tables, given, 9)
    assert tables == whole
    assert decide(given, lookup_in(tables), 9) == []


def test_outcomes_survive_json() -> None:
    given = outcome(put(3, n=1), Change("links", "x", 1, None), request="r1", stage="s", result={"status": 200})
    assert Outcome.from_json(json.loads(json.dumps(given.to_json()))) == given


@pytest.mark.parametrize("seed", range(200))
def test_crashes_and_repetitions_leave_what_an_undisturbed_worker_leaves(seed: int) -> None:
    """Outcomes of rivals in any order; the worker dies after any row and begins again at any earlier offset.

    No rows are removed here: one that was made and removed again is made again for as long as the repetition takes.
    """
    dice = random.Random(seed)
    calm: Tables = {("requests", f"r{n}"): {"version": dice.randint(1, 60), "row": dict(PENDING)} for n in range(4)}
    shaken = copy.deepcopy(calm)
    log: list[Outcome] = []
    accepted = []
    for version in range(1, 61):
        changes = []
        for key in dice.sample("abcd", dice.randint(0, 3)):
            at = calm.get(("links", key), {"version": 0})["version"]
            expects = at if dice.random() < 0.8 else dice.randint(0, version)
            changes.append(put(expects, key, by=version))
        request = dice.choice([None, f"r{dice.randint(0, 3)}"])
        result = {"status": version} if request and dice.random() < 0.4 else None
        log.append(outcome(*changes, request=request, stage=f"s{version}", result=result))
        accepted.append(apply(calm, log[-1], version))
    committed, at, answers = 0, 0, {}
    while at < len(log):
        if dice.random() < 0.15:  # dies in the middle of this outcome
            apply(shaken, log[at], at + 1, most=dice.randint(0, 4))
            at = committed = dice.randint(committed, at)
            continue
        done = apply(shaken, log[at], at + 1)
        if done and log[at].result is not None:
            assert answers.setdefault(log[at].request, log[at].result) == log[at].result
        at += 1
    assert shaken == calm
    given = {o.request: o.result for o, was in zip(log, accepted, strict=True) if was and o.result is not None}
    assert answers == given
