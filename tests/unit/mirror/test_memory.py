"""Invariant I5 at its root: shares of a bounded budget, given out in turn and given back exactly once."""

from __future__ import annotations

import asyncio
import random

import pytest

from pipeline.mirror.memory import LEAST, MemoryBudget, Share


async def settle() -> None:
    """Let every task that can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_shares_fit_into_the_budget_at_once() -> None:
    budget = MemoryBudget(100)
    first, second = await budget.take(60), await budget.take(40)
    assert budget.used == 100
    first.release()
    second.release()
    assert (budget.used, budget.most_used) == (0, 100)


async def test_whoever_finds_no_room_waits_for_it() -> None:
    budget = MemoryBudget(100)
    held = await budget.take(80)
    waiting = asyncio.create_task(budget.take(30))
    await settle()
    assert not waiting.done()
    held.release()
    assert isinstance(await waiting, Share)
    assert budget.used == 30


async def test_a_share_is_never_larger_than_the_budget() -> None:
    budget = MemoryBudget(100)
    share = await budget.take(1_000)
    assert budget.used == 100
    share.release()
    assert budget.used == 0


async def test_shares_are_given_in_the_order_in_which_they_were_asked_for() -> None:
    """I6: a small share does not overtake a large one, or the large one could wait for ever."""
    budget = MemoryBudget(100)
    held = await budget.take(50)
    large, small = asyncio.create_task(budget.take(90)), asyncio.create_task(budget.take(10))
    await settle()
    assert not large.done() and not small.done()
    held.release()
    await settle()
    assert large.done() and small.done()


async def test_who_gives_up_waiting_leaves_the_line() -> None:
    budget = MemoryBudget(100)
    held = await budget.take(100)
    gone, next_one = asyncio.create_task(budget.take(100)), asyncio.create_task(budget.take(100))
    await settle()
    gone.cancel()
    await settle()
    held.release()
    await settle()
    assert next_one.done() and budget.used == 100
    (await next_one).release()
    assert budget.used == 0


async def test_who_gives_up_does_not_hold_up_the_one_behind() -> None:
    """I6: there is room for the small one, and nobody may be about to give anything back."""
    budget = MemoryBudget(100)
    held = await budget.take(50)
    large, small = asyncio.create_task(budget.take(90)), asyncio.create_task(budget.take(10))
    await settle()
    large.cancel()
    await settle()
    assert small.done() and budget.used == 60
    (await small).release()
    held.release()
    assert budget.used == 0


async def test_who_is_cancelled_in_the_moment_of_its_turn_gives_it_on() -> None:
    budget = MemoryBudget(100)
    held = await budget.take(100)
    gone, next_one = asyncio.create_task(budget.take(100)), asyncio.create_task(budget.take(100))
    await settle()
    held.release()  # the turn of `gone` has come, and it does not know yet
    gone.cancel()
    await settle()
    assert gone.cancelled() and next_one.done()
    (await next_one).release()
    assert budget.used == 0


async def test_a_share_shrinks_to_what_was_received_and_lets_the_next_in() -> None:
    budget = MemoryBudget(100)
    share = await budget.take(100)
    waiting = asyncio.create_task(budget.take(90))
    await settle()
    share.resize(10)
    await settle()
    assert waiting.done() and budget.used == 100


async def test_a_response_larger_than_asked_for_is_counted() -> None:
    """LINK-60: one batch larger than the limit comes whole. It is counted, so that others wait for it."""
    budget = MemoryBudget(100)
    share = await budget.take(50)
    share.resize(130)
    assert budget.used == 130
    waiting = asyncio.create_task(budget.take(1))
    await settle()
    assert not waiting.done()
    share.release()
    await settle()
    assert waiting.done() and budget.used == 1


async def test_a_share_goes_back_with_its_last_holder() -> None:
    budget = MemoryBudget(100)
    share = await budget.take(40)
    share.hold()
    share.hold()
    for left in (40, 40, 0):
        share.release()
        assert budget.used == left


@pytest.mark.parametrize("seed", range(20))
async def test_nothing_is_lost_whatever_happens(seed: int) -> None:
    """Random takers and cancellations: never more than the budget is out, all of it comes back, all are served."""
    dice, budget, served = random.Random(seed), MemoryBudget(100), 0

    async def taker() -> None:
        nonlocal served
        for _ in range(10):
            share = await budget.take(dice.randint(1, 120))
            try:
                assert budget.used <= budget.limit
                await asyncio.sleep(0)
                share.resize(dice.randint(0, share_size))
                await asyncio.sleep(0)
            finally:
                share.release()
            served += 1

    share_size = 1
    tasks = [asyncio.create_task(taker()) for _ in range(20)]
    for task in dice.sample(tasks, 6):
        for _ in range(dice.randint(0, 6)):
            await asyncio.sleep(0)
        task.cancel()
    async with asyncio.timeout(60):
        await asyncio.gather(*tasks, return_exceptions=True)
    assert budget.used == 0 and served >= 14 * 10
    assert [t for t in tasks if not t.cancelled() and t.exception() is not None] == []


async def test_the_more_is_held_the_less_may_be_held_further() -> None:
    """I6: partitions that give nothing back never take the last of it."""
    budget = MemoryBudget(64 * LEAST)
    found = []
    while budget.allowance > LEAST:
        found.append(budget.allowance)
        await budget.take(budget.allowance)
    assert found == [32 * LEAST, 16 * LEAST, 8 * LEAST, 4 * LEAST, 2 * LEAST]
    assert budget.limit - budget.used == 2 * LEAST


async def test_once_half_is_taken_a_partition_gets_more_only_when_it_holds_nothing() -> None:
    """I6: batches come whole, so sixteen silent partitions of 1 MB batches would take all, a batch at a time."""
    budget = MemoryBudget(8 * LEAST)
    assert budget.partition_allowance == 4 * LEAST
    half = await budget.take(4 * LEAST)
    assert budget.partition_allowance == 2 * LEAST
    budget.add(1)
    assert (budget.partition_allowance, budget.allowance) == (0, 2 * LEAST - 1)
    half.release()
    assert budget.partition_allowance > 0


async def test_who_has_to_wait_asks_lenders_until_they_give() -> None:
    budget = MemoryBudget(100)
    held = [await budget.take(50), await budget.take(50)]
    asked = 0

    def lender() -> None:
        nonlocal asked
        asked += 1
        if asked == 2:  # the first time there is nothing that it could do without
            held.pop().release()

    budget.lenders.append(lender)
    async with asyncio.timeout(60):
        await budget.take(40)
    assert asked == 2 and budget.used == 90
    await budget.take(10)  # there is room: nobody is asked
    assert asked == 2


async def test_what_leaves_a_share_is_counted_apart() -> None:
    budget = MemoryBudget(100)
    response = await budget.take(60)
    copied = budget.add(10)
    response.release()
    assert budget.used == 10
    copied.release()
    assert budget.used == 0
