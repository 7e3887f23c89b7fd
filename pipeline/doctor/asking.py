"""Gather what there is to know about one cluster; whatever is refused is kept as the reason why it is not known."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pipeline.cluster.admin import Admin
from pipeline.cluster.errors import ClusterError
from pipeline.cluster.metadata import TopicInfo
from pipeline.cluster.probe import ProbeResult, probe
from pipeline.cluster.security import client_arguments
from pipeline.cluster.versions import Role

T = TypeVar("T")
Configs = Mapping[str, str]
MOST_SECONDS = 30.0
"""One question may take so long."""
ANY_NAME = "clusterlink-doctor-looks-whether-topics-may-be-created"


@dataclass(frozen=True)
class Clock:
    """A cluster's clock: ahead of ours by so many seconds, give or take `within_s`."""

    ahead_s: float
    within_s: float


@dataclass(frozen=True)
class Facts:
    """What one cluster has answered. A ClusterError in the place of an answer says why there is none."""

    reached: ProbeResult
    brokers: int = 0
    has_authorizer: bool | ClusterError = False
    operations: frozenset[str] | ClusterError = frozenset()
    topics: Mapping[str, TopicInfo] | ClusterError = field(default_factory=dict)
    groups: Sequence[str] | ClusterError = ()
    group_operations: Mapping[str, frozenset[str]] | ClusterError = field(default_factory=dict)
    configs: Configs | ClusterError = field(default_factory=dict)
    clock: Clock | ClusterError | None = None
    may_create: ClusterError | None = None
    """Why topics may not be created; None where they may."""


async def examine(
    configs: Mapping[str, str], role: Role, topics: Sequence[str] = (), ask_of_groups: Sequence[str] = ()
) -> Facts:
    """Ask one cluster. `topics` to look at (none: all that may be seen), `ask_of_groups` to be written to."""
    reached = await probe(configs, roles=role)
    if not reached.cluster_id or not reached.versions:
        return Facts(reached)
    async with Admin(client_arguments(configs), client_id="clusterlink-doctor") as admin:
        found = await _told(admin.brokers())
        return Facts(
            reached,
            len(found) if not isinstance(found, ClusterError) else 0,
            await _told(admin.has_authorizer()),
            await _told(admin.cluster_operations()),
            await _told(
                admin.describe_topics(topics, operations=True) if topics else admin.list_topics(operations=True)
            ),
            await _told(_group_names(admin)),
            await _told(_group_operations(admin, ask_of_groups)) if ask_of_groups else {},
            await _told(_broker_configs(admin)),
            await _told(_clock(admin)),
            await _refusal(admin) if Role.DESTINATION in role else None,
        )


async def _told(answer: Awaitable[T]) -> T | ClusterError:
    try:
        async with asyncio.timeout(MOST_SECONDS):
            return await answer
    except ClusterError as error:
        return error
    except TimeoutError:
        return ClusterError(f"no answer in {MOST_SECONDS:.0f} s")


async def _refusal(admin: Admin) -> ClusterError | None:
    """Whether a topic of any name may be created; the broker checks and makes none."""
    answer = await _told(admin.create_topic(ANY_NAME, 1, validate_only=True))
    return answer if isinstance(answer, ClusterError) else None


async def _group_names(admin: Admin) -> list[str]:
    return [group.group_id for group in await admin.list_groups()]


async def _group_operations(admin: Admin, groups: Sequence[str]) -> dict[str, frozenset[str]]:
    return {group: operations for group, (_, operations) in (await admin.group_operations(groups)).items()}


async def _broker_configs(admin: Admin) -> dict[str, str]:
    return {name: config.value for name, config in (await admin.broker_configs()).items() if config.value is not None}


async def _clock(admin: Admin) -> Clock | None:
    """The time of the cluster's controller as it tells it; None where it does not (before 3.3)."""
    began = time.time()
    told_ms = await admin.controller_time_ms()
    ended = time.time()
    if told_ms is None:
        return None
    return Clock(told_ms / 1000 - (began + ended) / 2, (ended - began) / 2)
