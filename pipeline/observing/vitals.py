"""Whether a worker lives and is ready (`/healthz`, `/readyz`): each check says what is wrong in words, or nothing.

Alive: its event loop answers, and what reads the control topics runs. A worker that is not alive should be started
again. Ready: it has partitions, their tables are recovered, and its own cluster answers. A worker that is not ready
will be, or waits for something that no restart mends; REST still answers reads.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping

from pipeline.cluster.errors import ClusterError

log = logging.getLogger(__name__)
Check = Callable[[], str]
"""What is wrong, empty where nothing is."""

BEAT_S = 0.25
LAG_WINDOW_S = 15.0
ASK_EVERY_S = 5.0
CLUSTER_ANSWERS_WITHIN_S = 5.0


class LoopLag:
    """How late the event loop has been: the longest of the last 15 s (MET-10)."""

    def __init__(self) -> None:
        self._late: deque[tuple[float, float]] = deque()

    def note(self, at: float, late_s: float) -> None:
        """Something was due and came so much later."""
        while self._late and (self._late[0][0] < at - LAG_WINDOW_S):
            self._late.popleft()
        while self._late and self._late[-1][1] <= late_s:
            self._late.pop()
        self._late.append((at, max(0.0, late_s)))

    @property
    def longest_s(self) -> float:
        return self._late[0][1] if self._late else 0.0


class Vitals:
    """The checks of one worker, and what has to be done all the time so that they can be answered at once."""

    def __init__(
        self, alive: Mapping[str, Check], ready: Mapping[str, Check], ask_cluster: Callable[[], Awaitable[object]]
    ) -> None:
        """`ask_cluster` asks the own cluster anything; what it raises (ClusterError) is why it cannot be reached."""
        self._alive = dict(alive)
        self._ready = dict(ready)
        self._ask_cluster = ask_cluster
        self._cluster_says = "the own cluster has not been asked yet"
        self.loop_lag = LoopLag()
        self.beats: list[Callable[[], None]] = []

    def living(self) -> dict[str, str]:
        """What is wrong with its life, by check; all checks are named."""
        return {name: check() for name, check in self._alive.items()}

    def readiness(self) -> dict[str, str]:
        """What stands against giving it work, by check; what is wrong with its life too."""
        ready = {name: check() for name, check in self._ready.items()}
        return self.living() | ready | {"own_cluster": self._cluster_says}

    @property
    def is_ready(self) -> bool:
        return not any(self.readiness().values())

    async def run(self) -> None:
        """Measure the loop and ask the cluster, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_beating(), name="loop lag")
            group.create_task(self._keep_asking(), name="own cluster")

    async def _keep_beating(self) -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(BEAT_S)
            now = time.monotonic()
            self.loop_lag.note(now, now - began - BEAT_S)
            for beat in self.beats:
                beat()

    async def _keep_asking(self) -> None:
        while True:
            try:
                async with asyncio.timeout(CLUSTER_ANSWERS_WITHIN_S):
                    await self._ask_cluster()
                self._cluster_says = ""
            except TimeoutError:
                self._cluster_says = f"the own cluster does not answer within {CLUSTER_ANSWERS_WITHIN_S:.0f} s"
            except ClusterError as error:
                self._cluster_says = f"the own cluster cannot be reached: {error}"
            except Exception as error:
                log.exception("The own cluster could not be asked")
                self._cluster_says = f"the own cluster could not be asked: {error!r}"
            await asyncio.sleep(ASK_EVERY_S)
