"""Make sure that nobody who copied a mirror partition can ever write to it again (MIRROR-67, MIRROR-68, I2).

A topic whose mirror has stopped is the users'. A worker that was thought dead may still hold a reading of the
partition's leader, batches on their way, even the belief that it owns the partition. Two steps shut all of them out,
each can be repeated by anybody at any time:

1. Close: a record that names no producer id becomes the partition's next generation (`Registry.close`). Whoever asks
   for an id, or for the successor of a retired one, is told `Closed` and ends.
2. Retire: one marker with the last producer id gives it an epoch above all that are in use (`append`, retirement). The
   leader refuses what still comes with an older epoch (47); its sender reads again, finds the id retired, asks for the
   successor, and is told `Closed`.

A retirement is otherwise only allowed where every claim of its basis retires, because a claim that lands before it
would move the place it was meant for. At the end of a mirror its place does not matter: nothing of the link follows,
and data or markers that land before it are where they belong. So it may be forced, whatever the basis. Its token keeps
two leaders that fence at the same time from leaving two markers.

Where markers go through the transaction coordinator, taking the transactional id over fences its former owner there,
and an empty transaction's marker raises the epoch at the leader. That epoch tells nothing of an end, so a copier with
such an id asks by itself whether the partition was closed, each time it reads (`Registry.check_open`).

The fence costs one offset that no consumer sees. It is waited for until it is replicated.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence

from aiokafka.errors import KafkaError

from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import ClusterError, translate
from pipeline.control.registry import NoToken
from pipeline.lifecycle.bounded import bounded
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.fence_asking import Place, leaders, mark, producer_states, replicated_ends
from pipeline.lifecycle.remote_errors import task_error
from pipeline.link.models import TaskError
from pipeline.link.states import TaskErrorCode
from pipeline.mirror.claims import ProducerId, Reopened
from pipeline.mirror.readings import LAST_EPOCH, TOKENS, Basis, is_retired
from pipeline.wire.requests.write_txn_markers import Marker

WITHIN_S = 20.0
"""How long one attempt may take; whoever asked for it makes another one later."""
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 0.5
TOGETHER = 64

Answer = int | TaskError
"""The end of what was mirrored, or what stands against fencing."""


async def fence(context: Context, places: Collection[Place]) -> dict[Place, Answer]:
    """Fence many partitions, with few requests. Each comes back with the end of its mirrored log, or with an error."""
    client = context.own.client.fork("clusterlink-fence")
    try:
        return await _Fencing(context, client, places).run()
    finally:
        await client.close()


class _Fencing:
    """One attempt. What is not done yet is in `_left`, with the newest reason."""

    def __init__(self, context: Context, client: DataClient, places: Collection[Place]) -> None:
        self._context = context
        self._client = client
        self._left: dict[Place, TaskError] = dict.fromkeys(places, TaskError(TaskErrorCode.UNKNOWN, "not tried yet"))
        self._producers: dict[Place, ProducerId | None] = {}
        self._is_fenced: set[Place] = set()
        self._answers: dict[Place, Answer] = {}

    async def run(self) -> dict[Place, Answer]:
        deadline, pause = time.monotonic() + WITHIN_S, SHORTEST_PAUSE_S
        while self._left and time.monotonic() < deadline:
            await self._each(self._close, [p for p in self._left if p not in self._producers])
            await self._each(self._take_over, [p for p in self._left if self._needs_coordinator(p)])
            try:
                ready = [p for p in self._left if p in self._producers and not self._needs_coordinator(p)]
                by_leader, without = await leaders(self._client, ready)
            except ClusterError as error:
                self._fail(self._left, error)
            else:
                self._left |= without
                await asyncio.gather(*(self._at_leader(node, places) for node, places in by_leader.items()))
            if self._left:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)
        return self._answers | self._left

    async def _each(self, step: Callable[[Place], Awaitable[None]], places: Iterable[Place]) -> None:
        """One step for each place by itself, its error kept."""

        async def one(place: Place) -> None:
            try:
                await step(place)
            except ClusterError as error:
                self._fail([place], error)
            except (OSError, KafkaError) as error:  # a record of ours that cannot be written, or not in time
                self._fail([place], translate(error, f"the control topics, for {place}"))

        await bounded(TOGETHER, (one(place) for place in places))

    async def _close(self, place: Place) -> None:
        try:
            producer = await self._context.registry.close(place.topic_id, place.partition)
        except Reopened as reason:  # whoever asked for the fence has to look at the rows again
            self._answers[place] = TaskError(TaskErrorCode.UNKNOWN, f"destination: {reason}")
            self._left.pop(place, None)
            return
        self._producers[place] = producer
        if producer is None:  # nothing was ever written
            self._is_fenced.add(place)

    def _needs_coordinator(self, place: Place) -> bool:
        producer = self._producers.get(place)
        return producer is not None and producer.is_transactional and place not in self._is_fenced

    async def _take_over(self, place: Place) -> None:
        marker = self._context.destination.marker(place.topic_id, place.partition)
        await marker.take_over()
        before = await self._log_end(place)
        await marker.mark(place.topic, place.partition)
        async with asyncio.timeout(WITHIN_S):
            while await self._log_end(place) <= before:  # it lands soon after it was promised
                await asyncio.sleep(SHORTEST_PAUSE_S)
        self._is_fenced.add(place)

    async def _log_end(self, place: Place) -> int:
        try:
            return await self._context.destination.log_end(place.topic, place.partition)
        except ClusterError:
            await self._context.destination.refresh(place.topic)  # it may not lead any more
            raise

    async def _at_leader(self, node: int, places: Sequence[Place]) -> None:
        try:
            if node not in self._client.brokers:
                await self._client.refresh()
            await self._retire(node, [place for place in places if place not in self._is_fenced])
            await self._read_ends(node, [place for place in places if place in self._is_fenced])
        except ClusterError as error:
            self._fail([place for place in places if place in self._left], error)

    async def _retire(self, node: int, places: Sequence[Place]) -> None:
        """Find who is retired already, and have one marker written for each of the others."""
        if not places:
            return
        producers = {place: self._producer_id(place) for place in places}
        bases: dict[Place, Basis] = {}
        for place, state in (await producer_states(self._client, node, producers)).items():
            if isinstance(state, TaskError):
                self._left[place] = state
            elif state is None:
                bases[place] = Basis(producers[place], 0, 0)
            elif is_retired(state.epoch):
                self._is_fenced.add(place)
            else:
                bases[place] = Basis(producers[place], state.epoch, max(state.coordinator_epoch, 0))
        markers: dict[Place, Marker] = {}

        async def prepare(place: Place) -> None:
            basis = bases[place]
            try:
                token = await self._context.registry.token(place.topic_id, place.partition, basis)
            except NoToken as error:
                self._left[place] = TaskError(TaskErrorCode.UNKNOWN, str(error))
                return
            coordinator_epoch = basis.coordinator_epoch + TOKENS - token.value
            at = ((place.topic, place.partition),)
            markers[place] = Marker(basis.producer_id, LAST_EPOCH + token.value, coordinator_epoch, at)

        await self._each(prepare, bases)
        if markers:
            for place, error in (await mark(self._client, node, markers)).items():
                if error is None:
                    self._is_fenced.add(place)
                else:
                    self._left[place] = error

    async def _read_ends(self, node: int, places: Sequence[Place]) -> None:
        if not places:
            return
        for place, end in (await replicated_ends(self._client, node, places)).items():
            if isinstance(end, TaskError):
                self._left[place] = end
            else:
                self._answers[place] = end - (self._producers[place] is not None)
                del self._left[place]

    def _producer_id(self, place: Place) -> int:
        producer = self._producers[place]
        assert producer is not None
        return producer.producer_id

    def _fail(self, places: Iterable[Place], error: ClusterError) -> None:
        for place in list(places):
            self._left[place] = task_error(error, "destination")
