"""The bandwidth cap of a link (LINK-44): what was received is paid for before more is fetched."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.mirror.throttle import Throttle


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_nothing_received_means_no_waiting() -> None:
    assert Throttle(lambda: 1_000, Clock()).seconds_left() == 0


def test_bytes_are_paid_for_at_the_rate() -> None:
    clock = Clock()
    throttle = Throttle(lambda: 1_000, clock)
    throttle.spend(2_500)
    assert throttle.seconds_left() == pytest.approx(2.5)
    clock.now += 2
    assert throttle.seconds_left() == pytest.approx(0.5)
    clock.now += 1
    assert throttle.seconds_left() == 0


def test_idle_time_is_not_saved_up() -> None:
    """A link that slept for an hour must not burst for an hour."""
    clock = Clock()
    throttle = Throttle(lambda: 1_000, clock)
    clock.now += 3_600
    throttle.spend(1_000)
    assert throttle.seconds_left() == pytest.approx(1.0)


def test_without_a_limit_nothing_waits_and_no_debt_is_kept() -> None:
    rate = -1
    throttle = Throttle(lambda: rate, Clock())
    throttle.spend(10**12)
    assert throttle.seconds_left() == 0
    rate = 1_000
    assert throttle.seconds_left() == 0


def test_a_new_rate_counts_at_once() -> None:
    """LINK-10: a property that changes is hot."""
    rate = 1_000
    throttle = Throttle(lambda: rate, Clock())
    throttle.spend(10_000)
    rate = 10_000
    assert throttle.seconds_left() == pytest.approx(1.0)


@given(
    rate=st.integers(1, 10**9),
    steps=st.lists(st.tuples(st.integers(0, 10**8), st.floats(0, 100)), min_size=1, max_size=30),
)
def test_the_rate_is_never_exceeded_by_more_than_one_response(rate: int, steps: list[tuple[int, float]]) -> None:
    clock = Clock()
    throttle, received, began = Throttle(lambda: rate, clock), 0, clock.now
    for size, pause in steps:
        clock.now += pause + throttle.seconds_left()
        assert received <= (clock.now - began) * rate * (1 + 1e-6) + 1
        throttle.spend(size)
        received += size


async def test_waiting_ends_when_the_limit_is_lifted() -> None:
    rate = 1
    throttle = Throttle(lambda: rate)
    throttle.spend(10**9)
    waiting = asyncio.create_task(throttle.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    rate = -1
    async with asyncio.timeout(60):
        await waiting
