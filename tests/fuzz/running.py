"""One seed: a log, two brokers, a way between them and a memory, all by its dice, and the real copier at work on them.

A seed makes the same log, and the same dice for each of the others; how their turns meet is up to the event loop, as in
a worker. So what a seed has found once it may find only now and then: repeat it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from random import Random
from unittest.mock import patch

from pipeline.mirror import copying, intake, source_trouble
from pipeline.mirror.memory import MemoryBudget
from pipeline.mirror.slices import Slice, WaitingSlices
from tests.fuzz.checking import findings
from tests.fuzz.leader import TroublesomeLeader
from tests.fuzz.logs import log_of
from tests.fuzz.source import TroublesomeSource
from tests.support.mirroring import DirectSink
from tests.unit.mirror.scripted_copying import copied

QUICKER = (
    (source_trouble, "PAUSE_S", 0.0),
    (source_trouble, "DENIED_PAUSE_S", 0.0),
    (copying, "SHORTEST_PAUSE_S", 0.001),
    (copying, "LONGEST_PAUSE_S", 0.02),
    (copying, "LONGEST_SILENCE_S", 0.2),
    (intake, "SILENCE_S", 0.05),
    (intake, "SLOW_AFTER_S", 0.01),
)
"""The waits of the copier that only save work; none of them is what makes it right."""
LENGTHS = (5, 40, 120)
BUDGETS = (64 << 10, 128 << 10, 1 << 20)
LOST = 0.02
"""Of the slices, on a way that loses some. Nothing is lost where memory is scarce (lost slices keep theirs until the
next round), nor where the source refuses: what is on its way is waited for before a refusal is acted on."""
ON_THE_WAY_S = (0.0, 0.0, 0.001, 0.01, 0.05)
CALM_AFTER_S, STUCK_AFTER_S = 20.0, 150.0
"""Nothing goes wrong any more after the first; who has not reached the end by the second is stuck."""


@dataclass(frozen=True)
class Outcome:
    """Of one seed; good where nothing was found."""

    seed: int
    found: tuple[str, ...]
    compared: int
    """Visible records of the source."""


class LateSink(DirectSink):
    """The way through a busy loop: slices come in order, some at a time, maybe long after the source's next answer, and
    some never. The last one comes: nobody would miss it before the next record.
    """

    def __init__(self, dice: Random, lost: float, last_offset: int) -> None:
        self._dice = dice
        self._lost = lost
        self._last_offset = last_offset
        self._waiting = WaitingSlices()

    async def put(self, fetched: Slice) -> None:
        if fetched.next_offset <= self._last_offset and self._dice.random() < self._lost:
            return
        if self._waiting.add(fetched):
            asyncio.get_running_loop().call_later(self._dice.choice(ON_THE_WAY_S), self._waiting.deliver)


async def run(seed: int) -> Outcome:
    """Copy the whole of the seed's log, and compare."""
    dice = Random(seed)
    log = log_of(dice, dice.choice(LENGTHS), dice.random() < 0.5)
    budget = MemoryBudget(dice.choice(BUDGETS))
    of_source, of_leader, of_way = (Random(dice.random()) for _ in range(3))
    leader = TroublesomeLeader(of_leader)
    loses = budget.limit == max(BUDGETS) and dice.random() < 0.5
    sink = LateSink(of_way, LOST if loses else 0.0, log.batches[-1].last_offset)
    began = time.monotonic()
    with _quicker():
        async with (
            TroublesomeSource(log, of_source, refuses=not loses) as source,
            copied(source, budget, sink, log.is_compacted, leader) as (_, status),
        ):
            while (leader.log_end < log.end or status.log_end_offset < log.end) and not status.error_message:
                await asyncio.sleep(0.002)
                if time.monotonic() > began + CALM_AFTER_S:
                    source.trouble = leader.trouble = 0.0
                if time.monotonic() > began + STUCK_AFTER_S:
                    break
    found = findings(log, leader.records, leader.log_end)
    if status.error_message:
        found.append(f"the copier has failed: {status.error_message}")
    if leader.log_end < log.end:
        found.append(f"waits for: {status.waits_for or 'nothing'}")
    if budget.used:
        found.append(f"{budget.used} bytes of memory were not given back")
    return Outcome(seed, tuple(found), len(log.visible))


@contextmanager
def _quicker() -> Iterator[None]:
    with ExitStack() as stack:
        for module, name, value in QUICKER:
            stack.enter_context(patch.object(module, name, value))
        yield
