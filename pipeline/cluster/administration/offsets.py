"""Where logs begin and end, which offset belongs to a time, and deleting the beginning of a log."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kafka.protocol.admin import DeleteRecordsRequest
from kafka.protocol.consumer import ListOffsetsRequest

from pipeline.cluster.administration.asker import Asker
from pipeline.cluster.errors import ClusterError, Unreachable, failure

TopicPartition = tuple[str, int]

LATEST, EARLIEST = -1, -2
"""In place of a timestamp: the high watermark, the log start."""
NO_OFFSET = -1
"""No record is as young as the time asked for."""

_LEADER_MOVED = frozenset({5, 6, 8, 9, 13, 56, 74, 75, 76})


@dataclass(frozen=True, slots=True)
class FoundOffset:
    """An offset and the timestamp of the record there, in ms; -1 where there is none."""

    offset: int
    timestamp_ms: int = -1


Found = dict[TopicPartition, FoundOffset | ClusterError]


class OffsetsAdmin(Asker):
    """Offsets of partitions in one cluster, each asked for at its leader."""

    async def begin_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Log start offsets. Raises the first ClusterError."""
        return _numbers(await self.offsets_for_times(dict.fromkeys(partitions, EARLIEST)))

    async def end_offsets(
        self, partitions: Iterable[TopicPartition], read_committed: bool = False
    ) -> dict[TopicPartition, int]:
        """High watermarks, or last stable offsets under ``read_committed``. Raises the first ClusterError.

        Not the log end offset, which may lie above the high watermark: that needs ListOffsets as a replica.
        """
        return _numbers(await self.offsets_for_times(dict.fromkeys(partitions, LATEST), read_committed))

    async def offsets_for_times(self, times_ms: Mapping[TopicPartition, int], read_committed: bool = False) -> Found:
        """First offset whose record is as young as the time (ms), NO_OFFSET when none is; each, or its error."""
        if not times_ms:
            return {}

        limit = self.client.security.request_timeout_ms

        def message(part: Iterable[TopicPartition]) -> Any:
            kind = ListOffsetsRequest.ListOffsetsTopic
            return ListOffsetsRequest(
                replica_id=-1,
                isolation_level=1 if read_committed else 0,
                timeout_ms=max(limit - 5_000, limit // 2),
                topics=[
                    kind(
                        name=topic,
                        partitions=[
                            kind.ListOffsetsPartition(
                                partition_index=number, current_leader_epoch=-1, timestamp=times_ms[topic, number]
                            )
                            for number in numbers
                        ],
                    )
                    for topic, numbers in _by_topic(part).items()
                ],
            )

        def read(response: Any) -> Found:
            return {
                (topic.name, each.partition_index): FoundOffset(each.offset, each.timestamp)
                if not each.error_code
                else failure(each.error_code, None, "DESCRIBE", f"{topic.name}-{each.partition_index}")
                for topic in response.topics
                for each in topic.partitions
            }

        return await self._at_leaders(set(times_ms), message, read, min_version=2 if read_committed else 1)

    async def delete_records(self, before: Mapping[TopicPartition, int]) -> Found:
        """Move the start of logs up to these offsets (-1: the high watermark); the new start of each, or its error.

        Repeating it does no harm: a log start never moves back. Code 44 under ``cleanup.policy=compact``.
        """
        if not before:
            return {}
        limit = self.client.security.request_timeout_ms

        def message(part: Iterable[TopicPartition]) -> Any:
            kind = DeleteRecordsRequest.DeleteRecordsTopic
            return DeleteRecordsRequest(
                topics=[
                    kind(
                        name=topic,
                        partitions=[
                            kind.DeleteRecordsPartition(partition_index=number, offset=before[topic, number])
                            for number in numbers
                        ],
                    )
                    for topic, numbers in _by_topic(part).items()
                ],
                timeout_ms=max(limit - 5_000, limit // 2),
            )

        def read(response: Any) -> Found:
            return {
                (topic.name, each.partition_index): FoundOffset(each.low_watermark)
                if not each.error_code
                else failure(each.error_code, None, "DELETE", f"{topic.name}-{each.partition_index}")
                for topic in response.topics
                for each in topic.partitions
            }

        return await self._at_leaders(set(before), message, read)

    async def _at_leaders(self, wanted: set[TopicPartition], message: Any, read: Any, min_version: int = 0) -> Found:
        """Ask each partition's leader, again after a move; what stays unanswered comes back as its error."""
        found: Found = {}
        missing = set(wanted)

        async def ask(node: int, part: list[TopicPartition]) -> Found:
            try:
                return dict(read(await self._node(node, message(part), min_version)))
            except ClusterError as error:
                return dict.fromkeys(part, error)

        async def attempt() -> None:
            topics = await self.client.topics({topic for topic, _ in missing})
            leaders: dict[int, list[TopicPartition]] = {}
            for topic, number in sorted(missing):
                info = topics[topic]
                partition = info.partitions.get(number)
                name = f"{topic}-{number}"
                if info.error or partition is None:
                    found[topic, number] = failure(info.error or 3, None, "DESCRIBE", name)
                elif partition.leader < 0:
                    found[topic, number] = Unreachable(f"{name}: no leader known")
                else:
                    leaders.setdefault(partition.leader, []).append((topic, number))
            for answer in await asyncio.gather(*(ask(node, part) for node, part in leaders.items())):
                found.update(answer)
            again = {key: error for key in missing if (error := _to_repeat(found.get(key))) is not None}
            missing.intersection_update(again)
            if again:
                raise next(iter(again.values()))

        try:
            await self._repeat(attempt)
        except ClusterError as error:
            for key in missing:
                found.setdefault(key, error)
        return found


def _to_repeat(answer: FoundOffset | ClusterError | None) -> ClusterError | None:
    """An error worth asking again for, after reading the metadata anew."""
    if not isinstance(answer, ClusterError) or not answer.retriable:
        return None
    return answer if answer.code is None or answer.code in _LEADER_MOVED else None


def _numbers(found: Found) -> dict[TopicPartition, int]:
    for answer in found.values():
        if isinstance(answer, ClusterError):
            raise answer
    return {key: answer.offset for key, answer in found.items() if isinstance(answer, FoundOffset)}


def _by_topic(partitions: Iterable[TopicPartition]) -> dict[str, list[int]]:
    topics: dict[str, list[int]] = {}
    for topic, partition in sorted(partitions):
        topics.setdefault(topic, []).append(partition)
    return topics
