"""ConsumerGroupDescribe (API 69), v0 and v1: groups of the new consumer protocol (KIP-848), which API 15 calls dead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pipeline.wire.requests.base import Request
from pipeline.wire.requests.codec import Reader, Writer


@dataclass(frozen=True, slots=True)
class DescribedConsumerGroup:
    """One group; ``members`` are (member id, client id, client host), ``topics`` what any of them subscribes to."""

    error_code: int
    error_message: str | None
    group_id: str
    state: str
    members: tuple[tuple[str, str, str], ...]
    topics: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ConsumerGroupDescribeRequest(Request[tuple[DescribedConsumerGroup, ...]]):
    """To be sent to the coordinator of all the groups it names."""

    API: ClassVar[str] = "ConsumerGroupDescribe"
    API_KEY: ClassVar[int] = 69
    VERSIONS: ClassVar[tuple[int, int]] = (0, 1)
    FLEXIBLE_FROM: ClassVar[int] = 0

    groups: Sequence[str]

    def encode(self, out: Writer, version: int) -> None:
        out.count(len(self.groups))
        for group in self.groups:
            out.string(group)
        out.boolean(False)  # authorized operations
        out.tags()

    def decode(self, answer: Reader, version: int) -> tuple[DescribedConsumerGroup, ...]:
        answer.int32()  # throttle time
        groups = answer.array(lambda: _group(answer, version))
        answer.tags()
        return groups


def _group(answer: Reader, version: int) -> DescribedConsumerGroup:
    code, message = answer.int16(), answer.nullable_string()
    group_id, state = answer.string(), answer.string()
    answer.int32()  # group epoch
    answer.int32()  # assignment epoch
    answer.string()  # assignor
    topics: set[str] = set()
    members = answer.array(lambda: _member(answer, version, topics))
    answer.int32()  # authorized operations
    answer.tags()
    return DescribedConsumerGroup(code, message, group_id, state, members, frozenset(topics))


def _member(answer: Reader, version: int, topics: set[str]) -> tuple[str, str, str]:
    member_id = answer.string()
    answer.nullable_string()  # instance
    answer.nullable_string()  # rack
    answer.int32()  # member epoch
    client_id, host = answer.string(), answer.string()
    topics.update(answer.array(answer.string))
    answer.nullable_string()  # subscribed pattern
    topics.update(_assignment(answer))  # has now
    topics.update(_assignment(answer))  # is to have
    if version >= 1:
        answer.int8()  # protocol of the member, in a group that is being migrated
    answer.tags()
    return member_id, client_id, host


def _assignment(answer: Reader) -> tuple[str, ...]:
    """Names of the topics of which there are partitions."""

    def partitions() -> str:
        answer.uuid()
        topic = answer.string()
        answer.int32s()
        answer.tags()
        return topic

    topics = answer.array(partitions)
    answer.tags()
    return topics
