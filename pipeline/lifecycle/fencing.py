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
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from aiokafka.errors import KafkaError

from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import ClusterError, failure, translate
from pipeline.control.registry import NoToken
from pipeline.lifecycle.bounded import bounded
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.remote_errors import task_error
from pipeline.link.models import TaskError
from pipeline.link.states import TaskErrorCode
from pipeline.mirror.claims import ProducerId
from pipeline.mirror.readings import LAST_EPOCH, TOKENS, Basis, is_retired
from pipeline.mirror.verdicts import Api, Verdict, judge
from pipeline.wire.requests.describe_producers import DescribeProducersRequest
from pipeline.wire.requests.list_offsets import CONSUMER, LATEST, LOG_END, ListOffsetsRequest, OffsetQuery
from pipeline.wire.requests.write_txn_markers import Marker, WriteTxnMarkersRequest

WITHIN_S = 20.0
"""How long one attempt may take; whoever asked for it makes another one later."""
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 0.5
TOGETHER = 64


class Place(NamedTuple):
    """A mirror partition."""

    topic: str
    topic_id: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"


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
                by_leader = await self._leaders()
            except ClusterError as error:
                self._fail(self._left, error)
            else:
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
        producer = await self._context.registry.close(place.topic_id, place.partition)
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
        return await self._context.destination.log_end(place.topic, place.partition)

    async def _leaders(self) -> dict[int, list[Place]]:
        """The places that can be gone on with, by leader."""
        ready = [place for place in self._left if place in self._producers and not self._needs_coordinator(place)]
        topics = await self._client.topics({place.topic for place in ready}) if ready else {}
        found: dict[int, list[Place]] = defaultdict(list)
        for place in ready:
            info = topics[place.topic]
            partition = info.partitions.get(place.partition)
            if info.error or info.topic_id != place.topic_id:
                self._fail([place], failure(info.error or 100, None, "DESCRIBE", f"topic {place.topic}"))
            elif partition is None or partition.leader < 0:
                self._fail([place], failure(5, None, "DESCRIBE", str(place)))
            else:
                found[partition.leader].append(place)
        return found

    async def _at_leader(self, node: int, places: Sequence[Place]) -> None:
        try:
            await self._retire(node, [place for place in places if place not in self._is_fenced])
            await self._read_ends(node, [place for place in places if place in self._is_fenced])
        except ClusterError as error:
            self._fail([place for place in places if place in self._left], error)

    async def _retire(self, node: int, places: Sequence[Place]) -> None:
        """Find who is retired already, and have one marker written for each of the others."""
        if not places:
            return
        described = await self._client.send(node, DescribeProducersRequest([(p.topic, p.partition) for p in places]))
        states = {(each.topic, each.partition): each for each in described.partitions}
        bases: dict[Place, Basis] = {}
        for place in places:
            state = states[place.topic, place.partition]
            if state.error_code:
                self._judge(place, Api.DESCRIBE_PRODUCERS, state.error_code)
                continue
            producer_id = self._producer_id(place)
            known = state.find(producer_id)
            if known is not None and is_retired(known.epoch):
                self._is_fenced.add(place)
            elif known is not None:
                bases[place] = Basis(producer_id, known.epoch, max(known.coordinator_epoch, 0))
            else:
                bases[place] = Basis(producer_id, 0, 0)
        await self._mark(node, bases)

    async def _mark(self, node: int, bases: Mapping[Place, Basis]) -> None:
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
        if not markers:
            return
        response = await self._client.send(node, WriteTxnMarkersRequest(list(markers.values())), 60_000)
        codes = {(each.producer_id, each.topic, each.partition): each.error_code for each in response.results}
        for place, marker in markers.items():
            code = codes.get((marker.producer_id, place.topic, place.partition), -1)
            if code:
                self._judge(place, Api.WRITE_TXN_MARKERS, code)
            else:
                self._is_fenced.add(place)

    async def _read_ends(self, node: int, places: Sequence[Place]) -> None:
        """Where the logs end, once the fence is replicated: before that it could be lost with its leader."""
        if not places:
            return
        queries = [OffsetQuery(place.topic, place.partition, LATEST) for place in places]
        ends: list[dict[tuple[str, int], tuple[int, int]]] = []
        for replica_id in (LOG_END, CONSUMER):
            response = await self._client.send(node, ListOffsetsRequest(queries, replica_id=replica_id))
            ends.append({(e.topic, e.partition): (e.error_code, e.offset) for e in response.partitions})
        for place in places:
            (code, log_end), (other_code, high_watermark) = (found[place.topic, place.partition] for found in ends)
            if code or other_code:
                self._judge(place, Api.LIST_OFFSETS, code or other_code)
            elif high_watermark < log_end:
                reason = f"{place}: too few in-sync replicas to finish"
                self._left[place] = TaskError(TaskErrorCode.UNKNOWN, reason)
            else:
                self._answers[place] = log_end - (self._producers[place] is not None)
                del self._left[place]

    def _producer_id(self, place: Place) -> int:
        producer = self._producers[place]
        assert producer is not None
        return producer.producer_id

    def _fail(self, places: Iterable[Place], error: ClusterError) -> None:
        for place in list(places):
            self._left[place] = task_error(error, "destination")

    def _judge(self, place: Place, api: Api, code: int) -> None:
        judgement = judge(api, code)
        is_denied = judgement.verdict is Verdict.DENIED
        kind = TaskErrorCode.BROKER_AUTHORIZATION_ERROR if is_denied else TaskErrorCode.UNKNOWN
        self._left[place] = TaskError(kind, f"destination: {place}: {judgement.reason}")
