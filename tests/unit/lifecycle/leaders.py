"""A destination of modelled leaders, asked with real requests; and the claims and producers topics in memory."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from types import SimpleNamespace
from typing import Any

from pipeline.cluster.errors import ClusterError
from pipeline.control.registry import Registry
from pipeline.control.tail import Entry
from pipeline.lifecycle.fence_asking import Place
from pipeline.wire.requests.describe_producers import (
    DescribeProducersRequest,
    DescribeProducersResponse,
    PartitionProducers,
    ProducerState,
)
from pipeline.wire.requests.list_offsets import LOG_END, ListedOffset, ListOffsetsRequest, ListOffsetsResponse
from pipeline.wire.requests.write_txn_markers import MarkerResult, WriteTxnMarkersRequest, WriteTxnMarkersResponse
from tests.unit.lifecycle.rows import TOPICS
from tests.unit.mirror.leader_model import Leader

PLACE = Place("m", "id-m", 0)


class Cluster:
    """Partitions with a leader each, all on node 0. `scripted` answers come first, by request: codes, or errors."""

    def __init__(self, *places: Place) -> None:
        self.leaders = {(place.topic, place.partition): Leader(0) for place in places}
        self.ids = {place.topic: place.topic_id for place in places}
        self.scripted: dict[type, deque[int | ClusterError]] = defaultdict(deque)
        self.requests: list[str] = []
        self.client = self
        self.brokers = {0: None}

    def fork(self, _: str = "") -> Cluster:
        return self

    async def close(self) -> None:
        pass

    async def topics(self, names: set[str]) -> dict[str, Any]:
        return {
            name: SimpleNamespace(
                error=0 if name in self.ids else 3,
                topic_id=self.ids.get(name, ""),
                partitions={p: SimpleNamespace(leader=0) for topic, p in self.leaders if topic == name},
            )
            for name in names
        }

    async def send(self, node: int, request: Any, timeout_ms: int | None = None) -> Any:
        self.requests.append(type(request).__name__)
        script = self.scripted[type(request)]
        code = script.popleft() if script else 0
        if isinstance(code, ClusterError):
            raise code
        if isinstance(request, DescribeProducersRequest):
            return DescribeProducersResponse(0, tuple(self._described(*each, code) for each in request.partitions))
        if isinstance(request, WriteTxnMarkersRequest):
            return WriteTxnMarkersResponse(tuple(self._marked(marker, code) for marker in request.markers))
        assert isinstance(request, ListOffsetsRequest)
        return ListOffsetsResponse(0, tuple(self._end(q, request.replica_id, code) for q in request.partitions))

    def _described(self, topic: str, partition: int, code: int) -> PartitionProducers:
        known = [
            ProducerState(number, s.epoch, s.last_sequence, 0, s.coordinator_epoch, -1)
            for number, s in self.leaders[topic, partition].states.items()
        ]
        return PartitionProducers(topic, partition, code, None, () if code else tuple(known))

    def _marked(self, marker: Any, code: int) -> MarkerResult:
        (place,) = marker.partitions
        leader = self.leaders[place]
        code = code or leader.mark(marker.producer_id, marker.epoch, marker.coordinator_epoch)
        leader.high_watermark = leader.log_end
        return MarkerResult(marker.producer_id, *place, code)

    def _end(self, query: Any, replica_id: int, code: int) -> ListedOffset:
        leader = self.leaders[query.topic, query.partition]
        return ListedOffset(
            query.topic,
            query.partition,
            code,
            -1,
            leader.log_end if replica_id == LOG_END else leader.high_watermark,
            -1,
        )


class Topics:
    """Sender and tail of a registry: what is written is read at once by every registry; a new one reads all."""

    def __init__(self) -> None:
        self.registries: list[Registry] = []
        self.written: list[Entry] = []
        self._ends: dict[str, int] = defaultdict(int)

    def registry(self, worker: str) -> Registry:
        registry = Registry(TOPICS, self, worker)  # type: ignore[arg-type]
        registry.tail = self  # type: ignore[assignment]
        for entry in self.written:
            registry.apply(entry)
        self.registries.append(registry)
        return registry

    async def send(self, topic: str, key: str, value: Any, partition: int | None = None) -> int:
        offset = self._ends[topic]
        self._ends[topic] += 1
        raw = None if value is None else json.dumps(value).encode()
        self.written.append(Entry(topic, 0, offset, 1_000 + offset, key.encode(), raw))
        for registry in self.registries:
            registry.apply(self.written[-1])
        return offset

    async def wait_for(self, topic: str, partition: int, offset: int) -> None:
        pass

    async def catch_up(self, topic: str, partition: int) -> None:
        pass
