"""Lower synced offsets that lie above the end of a mirror that stops (MIRROR-70)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.group_offsets import CommittedOffset
from pipeline.cluster.errors import ClusterError
from pipeline.link.models import TaskError
from pipeline.sync.batches import at_most, parts
from pipeline.sync.marks import Place
from pipeline.sync.offsets import GROUPS_AT_ONCE
from pipeline.sync.problems import Side, commit_problem, problem


async def clamp_groups(
    own: Admin, groups: Iterable[str], ends: Mapping[Place, int], in_flight: int
) -> dict[str, TaskError]:
    """Lower what `groups` have committed above `ends`; what stood against it, by topic. May be repeated.

    Every sync has clamped already, so that there is something to do only where a log became shorter: an unclean
    election. A group with members here is theirs; its consumers are told out-of-range by the broker.
    """
    met: dict[str, TaskError] = {}

    async def clamp(part: list[str]) -> None:
        for group, offsets in (await own.groups_offsets(part)).items():
            if isinstance(offsets, ClusterError):
                met.update(dict.fromkeys({topic for topic, _ in ends}, problem(offsets, Side.DESTINATION)))
                continue
            high = {
                place: CommittedOffset(ends[place], committed.metadata)
                for place, committed in offsets.items()
                if place in ends and committed.offset > ends[place]
            }
            for place, error in (await own.alter_group_offsets(group, high)).items():
                met[place[0]] = commit_problem(error, group)

    try:
        await at_most(in_flight, parts(groups, GROUPS_AT_ONCE), clamp)
    except ClusterError as error:
        met.update(dict.fromkeys({topic for topic, _ in ends}, problem(error, Side.DESTINATION)))
    return met
