"""The way of markers to one destination broker: those that wait for their turn go out in one WriteTxnMarkers request.

A transactional source has a gap behind every transaction, so the markers of many mirror partitions are ready at about
the same time, one of each. A request of its own for each cost the worker and the broker more than the marker does. The
broker reads no further request from a connection before it has answered the last one, so one more is on its way then;
what comes meanwhile waits for the answer and goes together.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import ClusterError
from pipeline.mirror.append import Markers
from pipeline.mirror.awake import seconds_awake
from pipeline.mirror.lane import LONGEST_WAIT_S
from pipeline.mirror.outstanding import Outstanding
from pipeline.wire.requests.write_txn_markers import Marker, WriteTxnMarkersRequest, WriteTxnMarkersResponse

log = logging.getLogger(__name__)
MOST_IN_FLIGHT = 2
"""One that the broker works on, and one for it to go on with."""
MOST_TOGETHER = 200
"""Markers of several partitions in one request. A longer run goes alone: nobody else waits for all of it (I6)."""
TIMEOUT_MS = 60_000
_CLOSED = "WriteTxnMarkers: this client is closed"


@dataclass(eq=False, slots=True)
class _Waiting:
    """One partition's markers that wait for their turn, or for the answer."""

    topic: str
    partition: int
    write: Markers
    code: asyncio.Future[int]
    made_at: float


class MarkerLane:
    """Marks in the partitions that broker `node_id` leads, on a connection of its own."""

    def __init__(self, client: DataClient, node_id: int, outstanding: Outstanding) -> None:
        self._client = client
        self._outstanding = outstanding
        self.node_id = node_id
        self._waiting: deque[_Waiting] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def mark(self, topic: str, partition: int, write: Markers) -> int:
        """Send markers and return the code of the answer: one for all of them, refusals may hide in a 0.

        Raises ClusterError where there was no answer. Who gives up waiting before they were sent has sent none.
        """
        waiting = _Waiting(topic, partition, write, asyncio.get_running_loop().create_future(), seconds_awake())
        self._waiting.append(waiting)
        if sum(not task.done() for task in self._tasks) < MOST_IN_FLIGHT:
            task = asyncio.create_task(self._run(), name=f"markers to broker {self.node_id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await waiting.code

    async def close(self) -> None:
        """End sending; whoever waits is told. What was sent may still land."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        _settle(self._waiting, ClusterError(_CLOSED))

    async def _run(self) -> None:
        while chosen := self._next():
            await self._send(chosen)

    def _next(self) -> list[_Waiting]:
        """Take what goes into one request, nothing that has waited for too long (`lane.LONGEST_WAIT_S`)."""
        oldest = seconds_awake() - LONGEST_WAIT_S
        chosen: list[_Waiting] = []
        size = 0
        while self._waiting:
            waiting = self._waiting[0]
            size += len(waiting.write.epochs)
            if chosen and size > MOST_TOGETHER:
                break
            self._waiting.popleft()
            if waiting.made_at < oldest:
                _settle([waiting], ClusterError("they waited too long to be sent"))
            elif not waiting.code.done():
                chosen.append(waiting)
        return chosen

    async def _send(self, chosen: list[_Waiting]) -> None:
        request = WriteTxnMarkersRequest([marker for waiting in chosen for marker in _markers(waiting)])
        places = [(waiting.topic, waiting.partition) for waiting in chosen]
        self._outstanding.sent(places)
        try:
            answer: WriteTxnMarkersResponse = await self._client.send(self.node_id, request, TIMEOUT_MS)
        except ClusterError as error:
            _settle(chosen, error)
        except asyncio.CancelledError:
            _settle(chosen, ClusterError(_CLOSED))
            raise
        except Exception as error:
            log.exception("A WriteTxnMarkers request to broker %d failed", self.node_id)
            _settle(chosen, ClusterError(f"WriteTxnMarkers failed: {error!r}"))
        else:
            _answered(chosen, answer)
        finally:
            self._outstanding.settled(places)


def _markers(waiting: _Waiting) -> list[Marker]:
    place = ((waiting.topic, waiting.partition),)
    write = waiting.write
    return [Marker(write.producer_id, epoch, coordinator, place) for epoch, coordinator in write.epochs]


def _answered(chosen: Iterable[_Waiting], answer: WriteTxnMarkersResponse) -> None:
    codes: dict[tuple[str, int], int] = {}
    for result in answer.results:
        place = result.topic, result.partition
        codes[place] = codes.get(place) or result.error_code
    for waiting in chosen:
        code = codes.get((waiting.topic, waiting.partition))
        if code is None:
            _settle([waiting], ClusterError(f"{waiting.topic}-{waiting.partition}: not in the answer"))
        elif not waiting.code.done():
            waiting.code.set_result(code)


def _settle(several: Iterable[_Waiting], error: ClusterError) -> None:
    """Tell those who still wait that there was no answer."""
    for waiting in several:
        if not waiting.code.done():
            waiting.code.set_exception(error)
