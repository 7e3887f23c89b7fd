"""A change is acknowledged by the controller; the broker that is asked next hears of it a moment later."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.topics import CreatedTopic

T = TypeVar("T")

_LIMIT_SECONDS = 90.0
_PAUSE_SECONDS = 0.02


async def eventually(read: Callable[[], Awaitable[T]], wanted: Callable[[T], bool]) -> T:
    """Read until the answer is as wanted, and return it."""
    deadline = time.monotonic() + _LIMIT_SECONDS
    while not wanted(found := await read()):
        assert time.monotonic() < deadline, f"still {found!r}"
        await asyncio.sleep(_PAUSE_SECONDS)
    return found


async def create(admin: Admin, topic: str, partitions: int, configs: Mapping[str, str] | None = None) -> CreatedTopic:
    """Create a topic and wait until the brokers know it, leaders and all."""
    made = await admin.create_topic(topic, partitions, configs=configs)
    await until_described(admin, topic, partitions)
    return made


async def until_described(admin: Admin, topic: str, partitions: int) -> None:
    """Wait until a topic shows with this many partitions, each with a leader; 0: until it is gone."""
    await eventually(
        lambda: admin.describe_topics([topic]),
        lambda found: [p.leader >= 0 for p in found[topic].partitions.values()] == [True] * partitions,
    )
