"""Do many small things at the same time, but not all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def bounded(most: int, things: Iterable[Awaitable[T]]) -> list[T]:
    """Await all of `things`, at most `most` at a time; results in their order. The first error ends the wait."""
    room = asyncio.Semaphore(most)

    async def one(thing: Awaitable[T]) -> T:
        async with room:
            return await thing

    return await asyncio.gather(*(one(thing) for thing in things))
