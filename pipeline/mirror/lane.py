"""The way to one destination broker: batches of many mirror partitions, grouped into few Produce requests.

A request carries at most one batch of each partition (the broker takes no more), so what is ready for many partitions
goes out together, and a slow partition holds up nothing but its own batches (I6). Requests follow each other on one
connection without waiting for answers, so the batches of a partition arrive in the order in which they were given; if
one is refused the later ones are too (45), because the sequence does not fit any more (I3).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import ClusterError
from pipeline.wire.batch import max_timestamp
from pipeline.wire.requests.codec import Batch
from pipeline.wire.requests.produce import ProduceBatch, ProducedPartition, ProduceRequest, ProduceResponse

log = logging.getLogger(__name__)
MOST_REQUESTS_IN_FLIGHT = 5


@dataclass(eq=False, slots=True)
class Append:
    """One batch on its way. `done` is called once: with the broker's answer, or with why there was none."""

    topic: str
    partition: int
    batch: Batch = field(repr=False)
    done: Callable[[Append, ProducedPartition | ClusterError], None]

    @property
    def size(self) -> int:
        """Bytes of the batch."""
        return sum(len(part) for part in self.batch) if isinstance(self.batch, tuple) else len(self.batch)

    @property
    def max_timestamp(self) -> int:
        """The latest timestamp of the batch's records, in ms."""
        return max_timestamp(self.batch[0] if isinstance(self.batch, tuple) else self.batch)


class Lane:
    """Appends to the partitions that broker `node_id` leads."""

    def __init__(self, client: DataClient, node_id: int, request_bytes: int, timeout_ms: int = 30_000) -> None:
        self._client = client
        self.node_id = node_id
        self._request_bytes = request_bytes
        self._timeout_ms = timeout_ms
        self._ready: dict[tuple[str, int], deque[Append]] = {}
        self._turns: deque[tuple[str, int]] = deque()
        self._wake = asyncio.Event()
        self._free = asyncio.Semaphore(MOST_REQUESTS_IN_FLIGHT)
        self._task: asyncio.Task[None] | None = None
        self._answers: set[asyncio.Task[None]] = set()

    def append(self, append: Append) -> None:
        """Send a batch as soon as it is its turn; never waits."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"lane to broker {self.node_id}")
        key = (append.topic, append.partition)
        waiting = self._ready.get(key)
        if waiting is None:
            self._ready[key] = waiting = deque()
            self._turns.append(key)
        waiting.append(append)
        self._wake.set()

    def withdraw(self, topic: str, partition: int) -> list[Append]:
        """Give back the batches of a partition that were not sent yet; whoever takes them settles them."""
        waiting = self._ready.pop((topic, partition), None)
        if waiting is None:
            return []
        self._turns.remove((topic, partition))
        return list(waiting)

    async def close(self) -> None:
        """End sending. What is in flight may still be appended; whoever comes next reads the log's end (I3)."""
        tasks = [*self._answers, *([self._task] if self._task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            while not self._turns:
                self._wake.clear()
                await self._wake.wait()
            await self._free.acquire()
            if not self._turns:
                self._free.release()
                continue
            await self._send(self._next_request())

    def _next_request(self) -> dict[tuple[str, int], Append]:
        """Take one batch of each partition in turn, until the request is large enough."""
        chosen: dict[tuple[str, int], Append] = {}
        size = 0
        for _ in range(len(self._turns)):
            key = self._turns[0]
            waiting = self._ready[key]
            if chosen and size + waiting[0].size > self._request_bytes:
                break
            self._turns.popleft()
            append = waiting.popleft()
            chosen[key] = append
            size += append.size
            if waiting:
                self._turns.append(key)
            else:
                del self._ready[key]
        return chosen

    async def _send(self, chosen: dict[tuple[str, int], Append]) -> None:
        batches = [ProduceBatch(a.topic, a.partition, a.batch) for a in chosen.values()]
        request = ProduceRequest(batches, timeout_ms=self._timeout_ms)
        sent = asyncio.Event()
        task = asyncio.create_task(self._exchange(request, chosen, sent))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)
        await sent.wait()

    async def _exchange(
        self, request: ProduceRequest, chosen: dict[tuple[str, int], Append], sent: asyncio.Event
    ) -> None:
        try:
            # the connection writes the request before the first await of its answer, so the next may follow at once
            answer = asyncio.ensure_future(self._client.send(self.node_id, request, self._timeout_ms + 5_000))
            await asyncio.sleep(0)
            sent.set()
            response: ProduceResponse = await answer
        except ClusterError as error:
            self._finish(chosen, dict.fromkeys(chosen, error))
        except Exception as error:
            log.exception("A Produce request to broker %d failed", self.node_id)
            self._finish(chosen, dict.fromkeys(chosen, ClusterError(f"Produce failed: {error!r}")))
        else:
            self._finish(chosen, {(p.topic, p.partition): p for p in response.partitions})
        finally:
            sent.set()
            self._free.release()

    @staticmethod
    def _finish(
        chosen: dict[tuple[str, int], Append],
        results: dict[tuple[str, int], ProducedPartition] | dict[tuple[str, int], ClusterError],
    ) -> None:
        for key, append in chosen.items():
            append.done(
                append, results.get(key) or ClusterError(f"{append.topic}-{append.partition}: not in the answer")
            )
