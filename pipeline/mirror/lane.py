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
from functools import partial

from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import ClusterError
from pipeline.mirror.append import READING_LIFETIME_MS
from pipeline.mirror.awake import seconds_awake
from pipeline.mirror.outstanding import Outstanding
from pipeline.wire.batch import max_timestamp
from pipeline.wire.requests.codec import Batch
from pipeline.wire.requests.produce import ProduceBatch, ProducedPartition, ProduceRequest, ProduceResponse

log = logging.getLogger(__name__)
MOST_REQUESTS_IN_FLIGHT = 5
FULL_REQUESTS_IN_FLIGHT = 2
"""As many bytes as these have are enough: one that the broker works on, one for it to go on with. More would be a queue
that whoever comes next has to wait for (I6).
"""
LONGEST_WAIT_S = READING_LIFETIME_MS / 1000
"""What has waited longer is not sent any more: the process was stopped meanwhile, and others may have gone on (I3)."""
ANSWER_LATER_MS = 5_000
"""How much longer than the broker's own limit an answer is waited for."""


@dataclass(eq=False, slots=True)
class Append:
    """One batch on its way. `done` is called once: with the broker's answer, or with why there was none."""

    topic: str
    partition: int
    batch: Batch = field(repr=False)
    done: Callable[[Append, ProducedPartition | ClusterError], None]
    size: int = field(init=False)
    """Bytes of the batch."""
    made_at: float = field(init=False)
    """Seconds of a clock that runs while the process is stopped."""

    def __post_init__(self) -> None:
        self.size = sum(map(len, self.batch)) if isinstance(self.batch, tuple) else len(self.batch)
        self.made_at = seconds_awake()

    @property
    def max_timestamp(self) -> int:
        """The latest timestamp of the batch's records, in ms."""
        return max_timestamp(self.batch[0] if isinstance(self.batch, tuple) else self.batch)


class Lane:
    """Appends to the partitions that broker `node_id` leads."""

    def __init__(
        self, client: DataClient, node_id: int, request_bytes: int, outstanding: Outstanding, timeout_ms: int = 30_000
    ) -> None:
        self._client = client
        self._outstanding = outstanding
        self.node_id = node_id
        self._request_bytes = request_bytes
        self._timeout_ms = timeout_ms
        self._ready: dict[tuple[str, int], deque[Append]] = {}
        self._turns: deque[tuple[str, int]] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._in_flight: dict[asyncio.Future[ProduceResponse], int] = {}

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
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for answer in list(self._in_flight):
            answer.cancel()

    async def _run(self) -> None:
        while True:
            while not self._turns or self._is_busy():
                self._wake.clear()
                await self._wake.wait()
            await self._send(self._next_request())

    def _is_busy(self) -> bool:
        """Whether enough is on its way."""
        sent = sum(self._in_flight.values())
        return len(self._in_flight) >= MOST_REQUESTS_IN_FLIGHT or sent >= FULL_REQUESTS_IN_FLIGHT * self._request_bytes

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
        """Write a request; when this returns it is on its way, and the next may follow at once."""
        if not (chosen := self._fresh(chosen)):
            return
        batches = [ProduceBatch(a.topic, a.partition, a.batch) for a in chosen.values()]
        request = ProduceRequest(batches, timeout_ms=self._timeout_ms)
        self._outstanding.sent(chosen)
        try:
            answer = await self._client.begin(self.node_id, request, self._timeout_ms + ANSWER_LATER_MS)
        except asyncio.CancelledError:
            self._outstanding.settled(chosen)
            raise
        except Exception as error:
            self._outstanding.settled(chosen)
            self._failed(chosen, error)
        else:
            self._in_flight[answer] = sum(append.size for append in chosen.values())
            answer.add_done_callback(partial(self._answered, chosen))

    def _fresh(self, chosen: dict[tuple[str, int], Append]) -> dict[tuple[str, int], Append]:
        """Leave out what is too old, with everything behind it in its partition."""
        oldest = seconds_awake() - LONGEST_WAIT_S
        late = {key: append for key, append in chosen.items() if append.made_at < oldest}
        for key, append in late.items():
            for each in (append, *self.withdraw(*key)):
                self._finish({key: each}, {key: ClusterError("it waited too long to be sent")})
        return {key: append for key, append in chosen.items() if key not in late} if late else chosen

    def _answered(self, chosen: dict[tuple[str, int], Append], answer: asyncio.Future[ProduceResponse]) -> None:
        self._in_flight.pop(answer, None)
        self._outstanding.settled(chosen)
        self._wake.set()
        if answer.cancelled():
            return
        if (error := answer.exception()) is not None:
            self._failed(chosen, error)
        else:
            self._finish(chosen, {(p.topic, p.partition): p for p in answer.result().partitions})

    def _failed(self, chosen: dict[tuple[str, int], Append], error: BaseException) -> None:
        if not isinstance(error, ClusterError):
            log.error("A Produce request to broker %d failed", self.node_id, exc_info=error)
            error = ClusterError(f"Produce failed: {error!r}")
        self._finish(chosen, dict.fromkeys(chosen, error))

    @staticmethod
    def _finish(
        chosen: dict[tuple[str, int], Append],
        results: dict[tuple[str, int], ProducedPartition] | dict[tuple[str, int], ClusterError],
    ) -> None:
        for key, append in chosen.items():
            answer = results.get(key) or ClusterError(f"{append.topic}-{append.partition}: not in the answer")
            try:
                append.done(append, answer)
            except Exception:  # the others of the request have their answers all the same (I6)
                log.exception("%s-%d: an answer could not be taken", append.topic, append.partition)
