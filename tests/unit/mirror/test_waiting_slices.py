"""Slices that come while a link's agent is busy are one event, and none is lost or changes places."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.mirror.slices import WaitingSlices


@given(st.lists(st.booleans()))
def test_all_are_delivered_in_order(comes: list[bool]) -> None:
    """True: a slice comes. False: the agent has its turn, if it was told."""
    waiting, delivered, told, sent = WaitingSlices(), list[int](), 0, 0

    def fetched(number: int) -> Any:
        return SimpleNamespace(deliver=lambda: delivered.append(number))

    for one_comes in (*comes, False):
        if one_comes:
            told += waiting.add(fetched(sent))
            sent += 1
            assert told == 1
        elif told:
            waiting.deliver()
            told = 0
    assert delivered == list(range(sent))


def test_an_agent_that_was_started_anew_is_told_of_the_next_one() -> None:
    waiting, delivered = WaitingSlices(), list[int]()
    slices: list[Any] = [SimpleNamespace(deliver=lambda n=n: delivered.append(n)) for n in range(3)]
    assert waiting.add(slices[0])
    assert not waiting.add(slices[1])  # the agent took the event and ended
    waiting.deliver()  # as it begins
    assert waiting.add(slices[2])
    waiting.deliver()
    assert delivered == [0, 1, 2]
