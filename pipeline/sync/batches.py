"""Ask for many things in requests of a fair size, a bounded number of them at the same time (LINK-45)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def parts(things: Iterable[T], size: int) -> list[list[T]]:
    """Cut into lists of at most `size`."""
    every = list(things)
    return [every[at : at + size] for at in range(0, len(every), size)]


async def at_most(limit: int, things: Sequence[T], work: Callable[[T], Awaitable[R]]) -> list[R]:
    """Results of `work` in the order of `things`, at most `limit` at a time. The first error ends the others."""
    found: dict[int, R] = {}
    left = iter(enumerate(things))

    async def lane() -> None:
        for number, thing in left:
            found[number] = await work(thing)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(limit, len(things))):
                group.create_task(lane())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [found[number] for number in range(len(things))]
