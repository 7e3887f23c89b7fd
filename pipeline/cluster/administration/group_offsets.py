"""What consumer groups have committed: read, write and forget it.

**[measured]** on 4.3.1: OffsetCommit without a member is refused with UNKNOWN_MEMBER_ID (25) while a group of either
protocol has members, and succeeds when it is empty or new: the broker itself protects live groups (TASK-9).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kafka.protocol.consumer import OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest

from pipeline.cluster.administration.asker import Asker, by_node, raise_if_moved
from pipeline.cluster.errors import ClusterError, check, failure

TopicPartition = tuple[str, int]


@dataclass(frozen=True, slots=True)
class CommittedOffset:
    """What a group has committed for one partition."""

    offset: int
    metadata: str = ""
    leader_epoch: int = -1


Offsets = dict[TopicPartition, CommittedOffset]


class GroupOffsetsAdmin(Asker):
    """Committed offsets in one cluster."""

    async def group_offsets(self, group: str) -> Offsets:
        """Return everything a group has committed. Raises ClusterError."""
        found = (await self.groups_offsets([group]))[group]
        if isinstance(found, ClusterError):
            raise found
        return found

    async def groups_offsets(self, groups: Iterable[str]) -> dict[str, Offsets | ClusterError]:
        """As ``group_offsets`` for many groups, one request per coordinator; each its offsets or its error."""
        wanted = sorted(set(groups))

        async def attempt() -> dict[str, Offsets | ClusterError]:
            nodes, refused = by_node(await self._find_coordinators(wanted))
            found: dict[str, Offsets | ClusterError] = dict(refused)
            for node, ids in nodes.items():
                offered = (await self.client.api_versions(node)).get(OffsetFetchRequest.API_KEY, (0, 0))
                found |= await (self._fetch_many(node, ids) if offered[1] >= 8 else self._fetch_each(node, ids))
            raise_if_moved(found.values())
            return found

        return await self._repeat(attempt)

    async def alter_group_offsets(
        self,
        group: str,
        offsets: Mapping[TopicPartition, CommittedOffset],
        may: Callable[[str], bool] = lambda topic: True,
    ) -> dict[TopicPartition, ClusterError]:
        """Commit offsets for a group without being a member. Return the error of each partition that was refused.

        While the group has live members all are refused, with code 25 or 113. The leader epoch is not sent (TASK-8).
        `may` is asked for each topic before each attempt: a coordinator that moves is waited for a minute, and what was
        right before may have been overtaken since. What is left out counts as done.
        """

        def message() -> Any:
            wanted = {place: offset for place, offset in offsets.items() if may(place[0])}
            return _commit_request(group, wanted) if wanted else None

        return await self._write_offsets(group, message, "READ", max_version=9)

    async def delete_group_offsets(
        self, group: str, partitions: Iterable[TopicPartition]
    ) -> dict[TopicPartition, ClusterError]:
        """Forget a group's offsets. Return the error of each partition refused (86: a member is subscribed to it)."""
        kind = OffsetDeleteRequest.OffsetDeleteRequestTopic
        grouped = _by_topic(partitions)
        if not grouped:
            return {}
        message = OffsetDeleteRequest(
            group_id=group,
            topics=[
                kind(name=topic, partitions=[kind.OffsetDeleteRequestPartition(partition_index=p) for p in numbers])
                for topic, numbers in grouped.items()
            ],
        )
        return await self._write_offsets(group, lambda: message, "DELETE")

    async def _write_offsets(
        self, group: str, message: Callable[[], Any], operation: str, max_version: int | None = None
    ) -> dict[TopicPartition, ClusterError]:
        """`message` is made for each attempt, when it is known whom to send it to; None: there is nothing to send."""

        async def attempt() -> dict[TopicPartition, ClusterError]:
            node = await self._coordinator(group)
            if (due := message()) is None:
                return {}
            response = await self._node(node, due, max_version=max_version)
            check(getattr(response, "error_code", 0) or 0, operation=operation, resource=f"group {group}")
            refused = {
                (topic.name, each.partition_index): failure(
                    each.error_code, operation=operation, resource=f"group {group}, {topic.name}-{each.partition_index}"
                )
                for topic in response.topics
                for each in topic.partitions
                if each.error_code
            }
            raise_if_moved(refused.values())
            return refused

        return await self._repeat(attempt)  # the same offsets again: no harm in repeating it

    async def _fetch_many(self, node: int, groups: list[str]) -> dict[str, Offsets | ClusterError]:
        kind = OffsetFetchRequest.OffsetFetchRequestGroup
        message = OffsetFetchRequest(groups=[kind(group_id=group, topics=None) for group in groups])
        response = await self._node(node, message, min_version=8, max_version=9)
        return {group.group_id: _offsets(group, group.group_id) for group in response.groups}

    async def _fetch_each(self, node: int, groups: list[str]) -> dict[str, Offsets | ClusterError]:
        """Brokers before 3.0 answer for one group at a time."""
        return {
            group: _offsets(
                await self._node(node, OffsetFetchRequest(group_id=group, topics=None), min_version=2, max_version=7),
                group,
            )
            for group in groups
        }


def _commit_request(group: str, offsets: Mapping[TopicPartition, CommittedOffset]) -> OffsetCommitRequest:
    """A commit by nobody in particular, as of a group without members."""
    kind = OffsetCommitRequest.OffsetCommitRequestTopic
    return OffsetCommitRequest(
        group_id=group,
        generation_id_or_member_epoch=-1,
        member_id="",
        group_instance_id=None,
        retention_time_ms=-1,
        topics=[
            kind(
                name=topic,
                partitions=[
                    kind.OffsetCommitRequestPartition(
                        partition_index=partition,
                        committed_offset=offsets[topic, partition].offset,
                        committed_leader_epoch=-1,
                        committed_metadata=offsets[topic, partition].metadata,
                    )
                    for partition in partitions
                ],
            )
            for topic, partitions in _by_topic(offsets).items()
        ],
    )


def _offsets(answer: Any, group: str) -> Offsets | ClusterError:
    if answer.error_code:
        return failure(answer.error_code, operation="DESCRIBE", resource=f"group {group}")
    found: Offsets = {}
    for topic in answer.topics:
        for each in topic.partitions:
            if each.error_code:
                return failure(each.error_code, operation="DESCRIBE", resource=f"topic {topic.name}")
            if each.committed_offset >= 0:
                epoch = getattr(each, "committed_leader_epoch", -1)
                found[topic.name, each.partition_index] = CommittedOffset(
                    each.committed_offset, each.metadata or "", -1 if epoch is None else epoch
                )
    return found


def _by_topic(partitions: Iterable[TopicPartition]) -> dict[str, list[int]]:
    topics: dict[str, list[int]] = {}
    for topic, partition in sorted(partitions):
        topics.setdefault(topic, []).append(partition)
    return topics
