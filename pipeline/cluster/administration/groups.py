"""Consumer groups, of the classic and of the new protocol (KIP-848): list, describe, read and write their offsets.

**[measured]** on 4.3.1: DescribeGroups (API 15) shows a group of the new protocol as dead with error 69, so those are
asked for again with API 69. OffsetCommit without a member is refused with UNKNOWN_MEMBER_ID (25) while a classic group
has members and with STALE_MEMBER_EPOCH or the same for a new one: the broker itself protects live groups (TASK-9).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kafka.protocol.admin import DescribeGroupsRequest, ListGroupsRequest
from kafka.protocol.consumer import OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest

from pipeline.cluster.administration.asker import Asker
from pipeline.cluster.administration.consumer_group_describe import ConsumerGroupDescribeRequest
from pipeline.cluster.errors import ClusterError, check, failure

TopicPartition = tuple[str, int]
GROUP_ID_NOT_FOUND = 69
DEAD = "Dead"


@dataclass(frozen=True, slots=True)
class ListedGroup:
    """A group as its coordinator lists it; ``state`` and ``type`` are empty from brokers that do not say."""

    group_id: str
    protocol_type: str
    """``consumer`` for consumers, else what the members call themselves; empty for offsets without members."""
    state: str
    type: str
    """``classic``, ``consumer`` (KIP-848), ``share`` or ``streams``."""


@dataclass(frozen=True, slots=True)
class GroupInfo:
    """A described group; one that does not exist has the state ``Dead`` and no members."""

    group_id: str
    type: str
    state: str
    members: int
    protocol_type: str = ""

    @property
    def is_live(self) -> bool:
        """Somebody is in it: its offsets are the members' business (TASK-9)."""
        return self.members > 0


@dataclass(frozen=True, slots=True)
class CommittedOffset:
    """What a group has committed for one partition."""

    offset: int
    metadata: str = ""
    leader_epoch: int = -1


class GroupsAdmin(Asker):
    """Consumer groups of one cluster."""

    async def list_groups(self) -> list[ListedGroup]:
        """List the groups of every type that we may see, from all brokers."""

        async def attempt() -> list[ListedGroup]:
            await self.client.refresh()
            message = ListGroupsRequest(states_filter=[], types_filter=[])
            answers = await asyncio.gather(*(self._node(node, message) for node in self.client.brokers))
            found: dict[str, ListedGroup] = {}
            for answer in answers:
                check(answer.error_code, operation="DESCRIBE", resource="groups")
                for group in answer.groups:
                    state, kind = (getattr(group, "group_state", "") or ""), (getattr(group, "group_type", "") or "")
                    found[group.group_id] = ListedGroup(group.group_id, group.protocol_type, state, kind.lower())
            return [found[group_id] for group_id in sorted(found)]

        return await self._repeat(attempt)

    async def describe_groups(self, groups: Iterable[str]) -> dict[str, GroupInfo]:
        """Describe groups of either protocol by id: state and number of members. Raises NotAuthorized."""
        wanted = sorted(set(groups))

        async def attempt() -> dict[str, GroupInfo]:
            found: dict[str, GroupInfo] = {}
            for node, ids in _by_node(await self._find_coordinators(wanted)).items():
                found |= await self._describe_classic(node, ids)
                unknown = [group for group in ids if found[group].state == DEAD]
                offered = await self.client.api_versions(node) if unknown else {}
                if ConsumerGroupDescribeRequest.API_KEY in offered:
                    found |= await self._describe_new(node, unknown)
            return found

        return await self._repeat(attempt)

    async def group_offsets(self, group: str) -> dict[TopicPartition, CommittedOffset]:
        """Return everything a group has committed. Raises ClusterError."""
        found = (await self.groups_offsets([group]))[group]
        if isinstance(found, ClusterError):
            raise found
        return found

    async def groups_offsets(
        self, groups: Iterable[str]
    ) -> dict[str, dict[TopicPartition, CommittedOffset] | ClusterError]:
        """As ``group_offsets`` for many groups, one request per coordinator; each its offsets or its error."""
        wanted = sorted(set(groups))

        async def attempt() -> dict[str, dict[TopicPartition, CommittedOffset] | ClusterError]:
            found: dict[str, dict[TopicPartition, CommittedOffset] | ClusterError] = {}
            for node, ids in _by_node(await self._find_coordinators(wanted)).items():
                offered = (await self.client.api_versions(node)).get(OffsetFetchRequest.API_KEY, (0, 0))
                found |= await (self._fetch_many(node, ids) if offered[1] >= 8 else self._fetch_each(node, ids))
            if len(wanted) == 1 and isinstance(only := found[wanted[0]], ClusterError):
                raise only
            return found

        return await self._repeat(attempt)

    async def alter_group_offsets(
        self, group: str, offsets: Mapping[TopicPartition, CommittedOffset]
    ) -> dict[TopicPartition, ClusterError]:
        """Commit offsets for a group without being a member. Return the error of each partition that was refused.

        While the group has live members all are refused, with code 25 or 113. The leader epoch is not sent (TASK-8).
        """
        if not offsets:
            return {}
        kind = OffsetCommitRequest.OffsetCommitRequestTopic
        message = OffsetCommitRequest(
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
        return await self._write_offsets(group, message, "DELETE")

    async def _write_offsets(
        self, group: str, message: Any, operation: str, max_version: int | None = None
    ) -> dict[TopicPartition, ClusterError]:
        async def attempt() -> dict[TopicPartition, ClusterError]:
            response = await self._node(await self._coordinator(group), message, max_version=max_version)
            check(getattr(response, "error_code", 0) or 0, operation=operation, resource=f"group {group}")
            refused = {
                (topic.name, each.partition_index): failure(
                    each.error_code, operation=operation, resource=f"group {group}, {topic.name}-{each.partition_index}"
                )
                for topic in response.topics
                for each in topic.partitions
                if each.error_code
            }
            for error in refused.values():
                if error.code in (14, 15, 16):  # of the whole group, though said partition by partition
                    raise error
            return refused

        return await self._repeat(attempt)  # the same offsets again: no harm in repeating it

    async def _describe_classic(self, node: int, groups: list[str]) -> dict[str, GroupInfo]:
        response = await self._node(node, DescribeGroupsRequest(groups=groups, include_authorized_operations=False))
        found: dict[str, GroupInfo] = {}
        for group in response.groups:
            if group.error_code == GROUP_ID_NOT_FOUND:
                found[group.group_id] = GroupInfo(group.group_id, "", DEAD, 0)
                continue
            check(group.error_code, getattr(group, "error_message", None), "DESCRIBE", f"group {group.group_id}")
            found[group.group_id] = GroupInfo(
                group.group_id, "classic", group.group_state, len(group.members), group.protocol_type
            )
        return found

    async def _describe_new(self, node: int, groups: list[str]) -> dict[str, GroupInfo]:
        found: dict[str, GroupInfo] = {}
        for group in await self.client.send(node, ConsumerGroupDescribeRequest(groups)):
            if group.error_code == GROUP_ID_NOT_FOUND:
                continue
            check(group.error_code, group.error_message, "DESCRIBE", f"group {group.group_id}")
            found[group.group_id] = GroupInfo(group.group_id, "consumer", group.state, len(group.members), "consumer")
        return found

    async def _fetch_many(
        self, node: int, groups: list[str]
    ) -> dict[str, dict[TopicPartition, CommittedOffset] | ClusterError]:
        kind = OffsetFetchRequest.OffsetFetchRequestGroup
        message = OffsetFetchRequest(groups=[kind(group_id=group, topics=None) for group in groups])
        response = await self._node(node, message, min_version=8, max_version=9)
        return {group.group_id: _offsets(group, group.group_id) for group in response.groups}

    async def _fetch_each(
        self, node: int, groups: list[str]
    ) -> dict[str, dict[TopicPartition, CommittedOffset] | ClusterError]:
        """Brokers before 3.0 answer for one group at a time."""
        return {
            group: _offsets(
                await self._node(node, OffsetFetchRequest(group_id=group, topics=None), min_version=2, max_version=7),
                group,
            )
            for group in groups
        }


def _offsets(answer: Any, group: str) -> dict[TopicPartition, CommittedOffset] | ClusterError:
    if answer.error_code:
        return failure(answer.error_code, operation="DESCRIBE", resource=f"group {group}")
    found: dict[TopicPartition, CommittedOffset] = {}
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


def _by_node(coordinators: Mapping[str, int]) -> dict[int, list[str]]:
    nodes: dict[int, list[str]] = {}
    for group, node in coordinators.items():
        nodes.setdefault(node, []).append(group)
    return nodes


def _by_topic(partitions: Iterable[TopicPartition]) -> dict[str, list[int]]:
    topics: dict[str, list[int]] = {}
    for topic, partition in sorted(partitions):
        topics.setdefault(topic, []).append(partition)
    return topics
