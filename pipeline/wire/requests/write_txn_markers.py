"""WriteTxnMarkers (API 27), v1: append transaction markers, each one offset that no consumer sees.

Sent to the partition's leader; needs CLUSTER_ACTION, or ALTER, on the cluster (31 otherwise). The answer has *one code
per producer id and partition*: of several markers in one request a refusal may hide behind a later 0, so compare the
log end after each run. Codes: 47 a lower producer epoch, 52 a lower coordinator epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pipeline.wire.requests.base import Request
from pipeline.wire.requests.codec import Reader, Writer, grouped


@dataclass(frozen=True, slots=True)
class Marker:
    """One marker for each of its (topic, partition)s, written in the order of the request."""

    producer_id: int
    epoch: int
    coordinator_epoch: int
    partitions: tuple[tuple[str, int], ...]
    committed: bool = False


@dataclass(frozen=True, slots=True)
class MarkerResult:
    producer_id: int
    topic: str
    partition: int
    error_code: int


@dataclass(frozen=True, slots=True)
class WriteTxnMarkersResponse:
    results: tuple[MarkerResult, ...]


@dataclass(frozen=True, slots=True)
class WriteTxnMarkersRequest(Request[WriteTxnMarkersResponse]):
    API: ClassVar[str] = "WriteTxnMarkers"
    API_KEY: ClassVar[int] = 27
    VERSIONS: ClassVar[tuple[int, int]] = (1, 1)
    FLEXIBLE_FROM: ClassVar[int] = 1

    markers: Sequence[Marker]

    def encode(self, out: Writer, version: int) -> None:
        encoded: dict[tuple[tuple[str, int], ...], bytes] = {}  # a run names the same partition thousands of times
        out.count(len(self.markers))
        for marker in self.markers:
            out.int64(marker.producer_id)
            out.int16(marker.epoch)
            out.boolean(marker.committed)
            topics = encoded.get(marker.partitions)
            if topics is None:
                topics = encoded[marker.partitions] = _topics(marker.partitions, out.flexible)
            out.raw(topics)
            out.int32(marker.coordinator_epoch)
            out.tags()
        out.tags()

    def decode(self, answer: Reader, version: int) -> WriteTxnMarkersResponse:
        results: list[MarkerResult] = []
        for _ in range(answer.count()):
            producer_id = answer.int64()
            for _ in range(answer.count()):
                topic = answer.string()
                for _ in range(answer.count()):
                    results.append(MarkerResult(producer_id, topic, answer.int32(), answer.int16()))
                    answer.tags()
                answer.tags()
            answer.tags()
        answer.tags()
        return WriteTxnMarkersResponse(tuple(results))


def _topics(partitions: tuple[tuple[str, int], ...], flexible: bool) -> bytes:
    out = Writer(flexible)
    topics = grouped(partitions, lambda p: p[0])
    out.count(len(topics))
    for topic, indexes in topics.items():
        out.string(topic)
        out.int32s([index for _, index in indexes])
        out.tags()
    return out.join()
