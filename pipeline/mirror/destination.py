"""The destination cluster as the copiers of one worker use it: lanes, readings of the log's state, markers.

Three sets of connections, so that none waits behind another's slow request (I6): one to append, one to ask, one to mark
(a run of 10,000 markers takes the broker a third of a second).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar
from zlib import crc32

from pipeline.cluster.admin import Admin
from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import NotAuthorized, Unreachable, check
from pipeline.mirror.answers import accept
from pipeline.mirror.append import Markers
from pipeline.mirror.coordinator import PASSING, TransactionalMarker
from pipeline.mirror.lane import Lane
from pipeline.mirror.marker_lane import MarkerLane
from pipeline.mirror.outstanding import Outstanding
from pipeline.mirror.readings import ProducerState, Reading
from pipeline.mirror.repairing import Repair, repair
from pipeline.mirror.verdicts import Api
from pipeline.wire.batch import BatchHeader, scan
from pipeline.wire.records import Record, open_batch
from pipeline.wire.requests.delete_records import DeleteRecordsRequest, DeleteUpTo
from pipeline.wire.requests.describe_producers import DescribeProducersRequest
from pipeline.wire.requests.fetch import READ_UNCOMMITTED, FetchPartition, FetchRequest
from pipeline.wire.requests.init_producer_id import InitProducerIdRequest
from pipeline.wire.requests.list_offsets import CONSUMER, EARLIEST, LATEST, LOG_END, ListOffsetsRequest, OffsetQuery

log = logging.getLogger(__name__)
_T = TypeVar("_T")
OFFSET_OUT_OF_RANGE, POLICY_VIOLATION = 1, 44
UNSETTLED_PAUSE_S = 0.02
MOST_READINGS = 250
LANES_PER_BROKER = min(4, max(2, os.cpu_count() or 2))
"""Connections to append on, and as many to mark on, each for its share of the partitions: a broker reads no further
request from a connection while it is busy with the one before, so a single one would keep one of its threads busy and
the others idle. A worker with few cores fills no more than two, and has fewer batches in each request if it tries."""
CALM = LANES_PER_BROKER
"""One connection more, for partitions that have little to write: they do not wait behind large requests (I6)."""
MOST_LAST_BATCHES = 2
"""Read at a time: each may be as large as a batch can be, and comes on top of what fetchers hold (I5)."""
LOOK_BYTES = 1 << 20
"""Read at once where the mirror's own records are looked through; one batch may be larger."""
MARKING_OPERATIONS = frozenset({"ALTER", "CLUSTER_ACTION"})
"""On the cluster: either lets a client write transaction markers (31 otherwise)."""


class Destination:
    """One worker's way to its own cluster."""

    def __init__(
        self, client: DataClient, request_bytes: int, may_mark: Callable[[], Awaitable[bool]], app_id: str
    ) -> None:
        """`may_mark`: whether this worker may write markers itself (ALTER or CLUSTER_ACTION on the cluster)."""
        self.client = client
        self.may_mark = may_mark
        self._app_id = app_id
        self._asking = client.fork()
        self._marking = [client.fork() for _ in range(LANES_PER_BROKER)]
        self._admin = Admin(client.security, traffic=client.traffic)
        self._last_batches = asyncio.Semaphore(MOST_LAST_BATCHES)
        self._policies = asyncio.Lock()
        self._request_bytes = request_bytes
        self._appending = [client.fork() for _ in range(LANES_PER_BROKER + 1)]
        self._outstanding = Outstanding()
        self._lanes: dict[tuple[int, int], Lane] = {}
        self._marker_lanes: dict[tuple[int, int], MarkerLane] = {}

    async def close(self) -> None:
        """Stop appending and hang up."""
        await asyncio.gather(*(lane.close() for lane in self._lanes.values()))
        await asyncio.gather(*(lane.close() for lane in self._marker_lanes.values()))
        clients = [self._asking, *self._marking, *self._appending]
        await asyncio.gather(*(client.close() for client in clients), self._admin.close())

    def marker(self, mirror_topic_id: str, partition: int) -> TransactionalMarker:
        """The transactional id of a mirror partition, for markers through the coordinator."""
        marking = self._marking[_stripe(mirror_topic_id, partition)]
        return TransactionalMarker(marking, f"{self._app_id}.{mirror_topic_id}.{partition}")

    async def lane(self, topic: str, partition: int, is_calm: bool = False) -> Lane:
        """The lane to the partition's leader, or that for partitions with little to write. Raises ClusterError while
        no leader is known.
        """
        node = await self.client.find_leader(topic, partition)
        stripe = CALM if is_calm else _stripe(topic, partition)
        if (node, stripe) not in self._lanes:
            self._lanes[node, stripe] = Lane(self._appending[stripe], node, self._request_bytes, self._outstanding)
        return self._lanes[node, stripe]

    async def answered(self, topic: str, partition: int) -> None:
        """Wait until nothing that was sent to a partition from here, by whomever, is without its answer."""
        await self._outstanding.none((topic, partition))

    async def refresh(self, topic: str) -> None:
        """Ask again who leads."""
        await self.client.refresh([topic])

    def forget(self, topics: set[str]) -> None:
        """Read no more metadata of these topics: nothing is written to them any more."""
        self.client.forget(topics)

    async def topic_id(self, topic: str) -> str:
        """Ask the cluster now for a topic's id. Raises KafkaFailure (3) where there is none."""
        info = (await self._asking.topics([topic]))[topic]
        check(info.error, operation="DESCRIBE", resource=f"topic {topic}")
        return info.topic_id

    async def reading(self, topic: str, partition: int, producer_id: int) -> Reading:
        """Read the leader's state of a mirror partition until two looks agree and all of it is replicated (I3)."""
        node = await self._asking.find_leader(topic, partition)
        for _ in range(MOST_READINGS):
            before = await self._producer_state(node, topic, partition, producer_id)
            log_end = await self._offset(node, topic, partition, LATEST, LOG_END)
            high_watermark = await self._offset(node, topic, partition, LATEST, CONSUMER)
            after = await self._producer_state(node, topic, partition, producer_id)
            reading = Reading(producer_id, after, log_end, high_watermark)
            if before == after and reading.is_settled:
                return reading
            await asyncio.sleep(UNSETTLED_PAUSE_S)
        raise Unreachable(
            f"{topic}-{partition}: the end of its log is not replicated: replicas are slow, or fewer of them in sync "
            "than min.insync.replicas"
        )

    async def log_end(self, topic: str, partition: int) -> int:
        """The true end of the leader's log now."""
        node = await self._asking.find_leader(topic, partition)
        return await self._offset(node, topic, partition, LATEST, LOG_END)

    async def log_start(self, topic: str, partition: int) -> int:
        """The first offset that can be read."""
        node = await self._asking.find_leader(topic, partition)
        return await self._offset(node, topic, partition, EARLIEST, CONSUMER)

    async def last_batch(self, topic: str, partition: int, log_end: int) -> BatchHeader | None:
        """The header of the batch that ends the log; None where it was deleted."""
        return await self._ending(topic, partition, log_end, lambda _, header: header)

    async def last_record(self, topic: str, partition: int, log_end: int) -> tuple[Record, int] | None:
        """The record that ends the log, and its codec; None where a marker does, or nothing is left."""
        return await self._ending(topic, partition, log_end, _last_record)

    async def newest_record(self, topic: str, partition: int, first: int, log_end: int) -> Record | None:
        """The last record of the log from `first` on; None where it has markers only, or was deleted."""
        node = await self._asking.find_leader(topic, partition)
        found: Record | None = None
        position = first
        async with self._last_batches:
            while position < log_end:
                wanted = FetchPartition(topic, partition, position, max_bytes=LOOK_BYTES)
                request = FetchRequest([wanted], max_wait_ms=0, max_bytes=LOOK_BYTES, isolation=READ_UNCOMMITTED)
                answer = (await self._asking.send(node, request)).partitions[0]
                if answer.error_code == OFFSET_OUT_OF_RANGE:
                    return None
                accept(Api.FETCH, answer.error_code, "READ", f"{topic}-{partition}")
                headers = scan(answer.records, check_crc=False)
                if not headers:
                    break
                data = next((h for h in reversed(headers) if h.count and not h.is_control), None)
                if data is not None:
                    found = open_batch(answer.records, data)[-1]
                position = headers[-1].next_offset
        return found if found is not None and found.offset >= first else None

    async def _ending(
        self, topic: str, partition: int, log_end: int, look: Callable[[memoryview, BatchHeader], _T]
    ) -> _T | None:
        """What `look` makes of the batch that ends the log; None where it was deleted."""
        node = await self._asking.find_leader(topic, partition)
        wanted = FetchPartition(topic, partition, log_end - 1, max_bytes=1)  # one whole batch comes all the same
        async with self._last_batches:
            response = await self._asking.send(
                node, FetchRequest([wanted], max_wait_ms=0, max_bytes=1, isolation=READ_UNCOMMITTED)
            )
            found = response.partitions[0]
            if found.error_code == OFFSET_OUT_OF_RANGE:
                return None
            accept(Api.FETCH, found.error_code, "READ", f"{topic}-{partition}")
            headers = scan(found.records, check_crc=False)
            return next((look(found.records, h) for h in headers if h.last_offset >= log_end - 1), None)

    async def marks_since(self, topic: str, partition: int) -> float:
        """Since when (CLOCK_BOOTTIME) there is the connection on which markers go to the partition's leader."""
        marking = self._marking[_stripe(topic, partition)]
        return await marking.connected_at(await marking.find_leader(topic, partition))

    async def mark(self, topic: str, partition: int, write: Markers) -> int:
        """Send markers to the leader, see `MarkerLane.mark`."""
        stripe = _stripe(topic, partition)
        node = await self._marking[stripe].find_leader(topic, partition)
        if (node, stripe) not in self._marker_lanes:
            self._marker_lanes[node, stripe] = MarkerLane(self._marking[stripe], node, self._outstanding)
        return await self._marker_lanes[node, stripe].mark(topic, partition, write)

    async def delete_records(self, topic: str, partition: int, offset: int) -> None:
        """Move the log's start up to `offset`. A policy of `compact` alone refuses it: for a moment it has `delete`."""
        code = await self._delete_records(topic, partition, offset)
        if code == POLICY_VIOLATION:
            async with self._policies:
                code = await self._delete_though_compacted(topic, partition, offset)
        accept(Api.DELETE_RECORDS, code, "DELETE", f"{topic}-{partition}")

    async def _delete_records(self, topic: str, partition: int, offset: int) -> int:
        node = await self._asking.find_leader(topic, partition)
        response = await self._asking.send(node, DeleteRecordsRequest([DeleteUpTo(topic, partition, offset)]), 60_000)
        return int(response.partitions[0].error_code)

    async def _delete_though_compacted(self, topic: str, partition: int, offset: int) -> int:
        """Should this worker end in between, the sync of configs sets the source's policy again (MIRROR-88)."""
        log.warning("Mirror topic %s: its cleanup.policy has delete until its log begins at %d", topic, offset)
        await self._admin.alter_topic_configs(topic, {"cleanup.policy": "compact,delete"})
        try:
            code = POLICY_VIOLATION
            for _ in range(MOST_READINGS):
                code = await self._delete_records(topic, partition, offset)
                if code != POLICY_VIOLATION:
                    break
                await asyncio.sleep(UNSETTLED_PAUSE_S)
            return code
        finally:
            await self._admin.alter_topic_configs(topic, {"cleanup.policy": "compact"})

    async def repair(self, topic: str, needed: Repair) -> None:
        """Set a mirror topic's configs so that it takes what it has refused. Raises as `repairing.repair`."""
        await repair(self._admin, topic, needed)

    async def replaces_times(self, topic: str) -> bool:
        """Whether the brokers set the timestamps of records; a worker that may not ask takes it that they do not."""
        try:
            found = (await self._admin.topic_configs(topic)).get("message.timestamp.type")
        except NotAuthorized as error:
            log.warning("Whether %s keeps timestamps cannot be asked: %s", topic, error)
            return False
        return found is not None and found.value == "LogAppendTime"

    async def new_producer_id(self) -> int:
        """A producer id that is nobody else's. A broker that has just started may have none for a moment (14)."""
        response = await self._asking.send_any(InitProducerIdRequest())
        for _ in range(MOST_READINGS):
            if response.error_code not in PASSING:
                break
            await asyncio.sleep(UNSETTLED_PAUSE_S)
            response = await self._asking.send_any(InitProducerIdRequest())
        check(response.error_code, operation="IDEMPOTENT_WRITE", resource="cluster")
        return int(response.producer_id)

    async def _producer_state(self, node: int, topic: str, partition: int, producer_id: int) -> ProducerState | None:
        response = await self._asking.send(node, DescribeProducersRequest([(topic, partition)]))
        described = response.partitions[0]
        accept(
            Api.DESCRIBE_PRODUCERS, described.error_code, "READ", f"{topic}-{partition}", described.error_message or ""
        )
        state = described.find(producer_id)
        return None if state is None else ProducerState(state.epoch, state.last_sequence, state.coordinator_epoch)

    async def _offset(self, node: int, topic: str, partition: int, timestamp: int, replica_id: int) -> int:
        response = await self._asking.send(
            node, ListOffsetsRequest([OffsetQuery(topic, partition, timestamp)], replica_id=replica_id)
        )
        listed = response.partitions[0]
        accept(Api.LIST_OFFSETS, listed.error_code, "DESCRIBE", f"{topic}-{partition}")
        return int(listed.offset)


def _last_record(records: memoryview, header: BatchHeader) -> tuple[Record, int] | None:
    found = [] if header.is_control else open_batch(records, header)
    return (found[-1], header.codec) if found else None


def _stripe(topic: str, partition: int) -> int:
    """Which of the connections serves a partition."""
    return (crc32(topic.encode()) + partition) % LANES_PER_BROKER
