"""Groups, of the classic and of the new consumer protocol (KIP-848): list and describe.

**[measured]** on 4.3.1: DescribeGroups (API 15) shows a group of the new protocol as dead with error 69, so those that
are dead by its account are asked for again with API 69.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from struct import error as struct_error
from struct import unpack_from

from kafka.protocol.admin import DescribeGroupsRequest, ListGroupsRequest

from pipeline.cluster.administration.asker import COORDINATOR_MOVED, Asker, by_node, raise_if_moved
from pipeline.cluster.administration.consumer_group_describe import ConsumerGroupDescribeRequest
from pipeline.cluster.errors import ClusterError, check, failure
from pipeline.cluster.metadata import operation_names

GROUP_ID_NOT_FOUND = 69
UNSUPPORTED_VERSION = 35
"""What 3.9 answers for API 69, which it offers all the same, while its new coordinator is off [measured]."""
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
    topics: frozenset[str] = frozenset()
    """What its members subscribe to, or have been given."""

    @property
    def is_live(self) -> bool:
        """Somebody is in it: its offsets are the members' business (TASK-9)."""
        return self.members > 0


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

    async def describe_groups(self, groups: Iterable[str]) -> dict[str, GroupInfo | ClusterError]:
        """Describe groups of either protocol by id: state and number of members; each, or its error."""
        wanted = sorted(set(groups))

        async def attempt() -> dict[str, GroupInfo | ClusterError]:
            nodes, refused = by_node(await self._find_coordinators(wanted))
            found: dict[str, GroupInfo | ClusterError] = dict(refused)
            for node, ids in nodes.items():
                found |= await self._describe_groups_at(node, ids)
            return found

        return await self._repeat(attempt)

    async def describe_group(self, group: str) -> GroupInfo:
        """As ``describe_groups`` for one. Raises ClusterError."""
        found = (await self.describe_groups([group]))[group]
        if isinstance(found, ClusterError):
            raise found
        return found

    async def group_operations(self, groups: Iterable[str]) -> dict[str, tuple[int, frozenset[str]]]:
        """What we may do with each group, which need not exist, by ACL operation name (KIP-430), and the broker that
        says so. Empty for a group that we may not describe.
        """
        wanted = sorted(set(groups))

        async def attempt() -> dict[str, tuple[int, frozenset[str]]]:
            nodes, refused = by_node(await self._find_coordinators(wanted))
            found = {group: (-1, frozenset[str]()) for group in refused}
            for node, ids in nodes.items():
                message = DescribeGroupsRequest(groups=ids, include_authorized_operations=True)
                # from version 6 on a group that does not exist is an error, and nothing is said of it
                for group in (await self._node(node, message, max_version=5)).groups:
                    if group.error_code in COORDINATOR_MOVED:
                        raise failure(group.error_code, None, "DESCRIBE", f"group {group.group_id}")
                    bits = () if group.error_code else group.authorized_operations or ()
                    found[group.group_id] = node, operation_names(sum(1 << bit for bit in bits))
            return found

        return await self._repeat(attempt)

    async def _describe_groups_at(self, node: int, groups: list[str]) -> dict[str, GroupInfo | ClusterError]:
        """Ask with API 15 first; those that are dead by its account again with API 69, where the broker has it."""
        found: dict[str, GroupInfo | ClusterError] = {}
        unknown = []
        response = await self._node(node, DescribeGroupsRequest(groups=groups, include_authorized_operations=False))
        for group in response.groups:
            name = group.group_id
            if group.error_code == GROUP_ID_NOT_FOUND or (not group.error_code and group.group_state == DEAD):
                found[name] = GroupInfo(name, "", DEAD, 0)
                unknown.append(name)
            elif group.error_code:
                found[name] = failure(group.error_code, None, "DESCRIBE", f"group {name}")
            else:
                members = len(group.members)
                topics = frozenset[str]().union(*(subscribed_topics(m.member_metadata or b"") for m in group.members))
                found[name] = GroupInfo(name, "classic", group.group_state, members, group.protocol_type, topics)
        offered = await self.client.api_versions(node) if unknown else {}
        if ConsumerGroupDescribeRequest.API_KEY in offered:
            for new in await self.client.send(node, ConsumerGroupDescribeRequest(unknown)):
                name = new.group_id
                if not new.error_code:
                    found[name] = GroupInfo(name, "consumer", new.state, len(new.members), "consumer", new.topics)
                elif new.error_code not in (GROUP_ID_NOT_FOUND, UNSUPPORTED_VERSION):
                    found[name] = failure(new.error_code, new.error_message, "DESCRIBE", f"group {name}")
        raise_if_moved(found.values())
        return found


def subscribed_topics(metadata: bytes) -> frozenset[str]:
    """Topics in the subscription of a member of the classic protocol (ConsumerProtocolSubscription): after two bytes of
    version a list of names. Empty for what is no consumer's.
    """
    topics = set()
    try:
        (count,) = unpack_from(">i", metadata, 2)
        at = 6
        for _ in range(count):
            (length,) = unpack_from(">h", metadata, at)
            topics.add(metadata[at + 2 : at + 2 + length].decode())
            at += 2 + length
    except (struct_error, UnicodeDecodeError):
        return frozenset()
    return frozenset(topics)
