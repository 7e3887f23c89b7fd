"""Lag and speed of every mirror, now and over the last minutes.

The worker takes a sample every few seconds and keeps a bounded ring of them, so that a page shows the recent course at
once, of whichever mirrors it happens to look at. What is exact and lasts is in the metrics.
"""

from __future__ import annotations

import asyncio
import logging
import time
from array import array
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pipeline.control.interface import ControlPlane
from pipeline.link.models import Mirror
from pipeline.link.states import MirrorStatus

log = logging.getLogger(__name__)
EVERY_S = 5.0
SAMPLES = 60
"""Five minutes; two numbers of 8 bytes a sample and mirror, 2 MB for two thousand mirrors."""
FRESH_S = 1.0
"""Figures this young serve everybody who asks: reading all mirrors takes some milliseconds."""

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Figures:
    """One mirror now. `lag` counts records over all partitions, `bytes` what its workers reported as mirrored."""

    lag: int = 0
    bytes: int = 0
    last_fetch_ms: int = 0


@dataclass(slots=True)
class Ring:
    """The recent samples of a mirror or a link, oldest first: lag in records, speed in bytes per second."""

    lags: array[int] = field(default_factory=lambda: array("q"))
    speeds: array[int] = field(default_factory=lambda: array("q"))

    def add(self, lag: int, speed: int) -> None:
        for kept, value in ((self.lags, lag), (self.speeds, speed)):
            if len(kept) >= SAMPLES:
                kept.pop(0)
            kept.append(value)

    @property
    def speed(self) -> int:
        """Bytes per second over the last sample; 0 before there is one."""
        return self.speeds[-1] if self.speeds else 0


class Course:
    """Samples of a plane. `clock` in seconds."""

    def __init__(self, plane: ControlPlane, clock: Callable[[], float] = time.monotonic) -> None:
        self._plane = plane
        self._clock = clock
        self._figures: dict[Key, Figures] = {}
        self._read_at = float("-inf")
        self._mirrors: dict[Key, Ring] = {}
        self._links: dict[str, Ring] = {}
        self._before: dict[Key, Figures] = {}
        self._sampled_at = 0.0

    def figures(self, mirror: Mirror) -> Figures:
        """A mirror now, at most a second old."""
        if self._clock() - self._read_at > FRESH_S:
            self._read()
        return self._figures.get((mirror.link, mirror.mirror_topic)) or _read(self._plane, mirror)

    def of_mirror(self, link: str, mirror_topic: str) -> Ring:
        return self._mirrors.get((link, mirror_topic), Ring())

    def of_link(self, link: str) -> Ring:
        """Sums over the link's mirrors."""
        return self._links.get(link, Ring())

    def sample(self) -> None:
        """Take one sample of every mirror; rings of what is gone go too."""
        self._read()
        now = self._clock()
        seconds, self._sampled_at = max(now - self._sampled_at, 0.001), now
        mirrors: dict[Key, Ring] = {}
        sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for key, figures in self._figures.items():
            grown = figures.bytes - self._before.get(key, figures).bytes
            speed = max(0, round(grown / seconds))  # a worker that takes over counts from 0
            mirrors[key] = ring = self._mirrors.get(key) or Ring()
            ring.add(figures.lag, speed)
            of_link = sums[key[0]]
            of_link[0] += figures.lag
            of_link[1] += speed
        links = {name: self._links.get(name) or Ring() for name in self._plane.links()}
        for name, ring in links.items():
            ring.add(*sums[name])
        self._before, self._mirrors, self._links = self._figures, mirrors, links

    async def run(self) -> None:
        """Sample until cancelled."""
        while True:
            try:
                self.sample()
            except Exception:
                log.exception("No sample of the mirrors' lag was taken")
            await asyncio.sleep(EVERY_S)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Samples are taken inside this block."""
        task = asyncio.create_task(self.run(), name="console's samples")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _read(self) -> None:
        self._figures = {(m.link, m.mirror_topic): _read(self._plane, m) for m in self._plane.mirrors()}
        self._read_at = self._clock()


def _read(plane: ControlPlane, mirror: Mirror) -> Figures:
    positions = plane.positions(mirror.link, mirror.mirror_topic)
    if mirror.status is MirrorStatus.STOPPED and mirror.final:
        lag = sum(final.lag for final in mirror.final)
    else:
        lag = sum(position.lag for position in positions)
    fetched = max((position.last_fetch_ms for position in positions), default=0)
    return Figures(lag, sum(position.bytes for position in positions), fetched)
