"""What consumer groups have to do with a topic that is made anew: who reads it now, and where everybody had got to.

Committed offsets vanish with a topic. They are written to the table `saved_offsets` before it is deleted, and committed
again, lowered to the cut, when the topic is there with its records (MIRROR-85). So a worker that dies in between leaves
everything that the next one needs. Each group gets its offsets back once: it may go on at once, while others are waited
for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.group_offsets import CommittedOffset, Offsets
from pipeline.cluster.administration.groups import DEAD
from pipeline.cluster.errors import ClusterError
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.offset_task import Memory
from pipeline.lifecycle.remote_errors import task_error
from pipeline.link.models import Link, Mirror, TaskError
from pipeline.link.restore import Restore
from pipeline.link.states import TaskErrorCode
from pipeline.sync.batches import parts
from pipeline.sync.marks import RESTORED, Mark
from pipeline.sync.offset_plan import stands_of
from pipeline.sync.problems import IN_USE

TABLE = "saved_offsets"
ROWS_AT_ONCE = 500
NOT_LIVE = frozenset({"Empty", DEAD})


async def readers(own: Admin, topics: Collection[str]) -> dict[str, set[str]]:
    """The groups with members that read each topic: by their subscription, or by what they have committed.

    Raises ClusterError.
    """
    found: dict[str, set[str]] = {topic: set() for topic in topics}
    awake = [group.group_id for group in await own.list_groups() if group.state not in NOT_LIVE]
    described = await own.describe_groups(awake) if awake else {}
    live = {name: group for name, group in described.items() if not isinstance(group, ClusterError) and group.is_live}
    committed = await own.groups_offsets(live) if live else {}
    for name, group in live.items():
        offsets = committed[name]
        read = set() if isinstance(offsets, ClusterError) else {topic for topic, _ in offsets}
        for topic in found.keys() & (group.topics | read):
            found[topic].add(name)
    return found


def in_use(topic: str, groups: Collection[str]) -> TaskError | None:
    """STATE-38, naming the groups; None where nobody reads the topic."""
    if not groups:
        return None
    names = ", ".join(sorted(groups)[:10])
    return TaskError(
        TaskErrorCode.CONSUMER_GROUP_IN_USE_ERROR,
        f"destination: consumer groups with live members read {topic}: {names}. Stop their consumers first.",
    )


async def save_offsets(context: Context, mirror: Mirror) -> None:
    """Write down what all groups have committed on the topic; what is written down is left. Raises ClusterError."""
    topic = mirror.mirror_topic
    groups = [group.group_id for group in await context.own.list_groups()]
    rows = {}
    for group, offsets in (await context.own.groups_offsets(groups) if groups else {}).items():
        if isinstance(offsets, ClusterError):
            raise offsets
        row = to_row(mirror, offsets)
        if row is not None and context.model.saved_offsets.get(_key(mirror, group)) != row:
            rows[group] = row
    names = list(rows)
    for first in range(0, len(names), ROWS_AT_ONCE):
        decision = Decision(context.model, mirror.link)
        for group in names[first : first + ROWS_AT_ONCE]:
            decision.put_kept(TABLE, f"{topic}/{group}", rows[group])
        await context.settle(decision)
    missing = [group for group in names if context.model.saved_offsets.get(_key(mirror, group)) != rows[group]]
    if missing:
        raise RuntimeError(f"offsets of group {missing[0]} on {topic} are not written down yet")


async def restore_offsets(context: Context, mirror: Mirror, restore: Restore) -> tuple[TaskError, ...]:
    """Commit what was written down, lowered to the cuts; what stands against it. May be repeated: what has been
    committed is not written down any more.

    The offset sync is told first: from these commits a group may have gone on at the other side (`sync/offset_plan`).
    """
    errors: list[TaskError] = []
    offsets = {group: from_row(row, mirror, restore) for group, row in saved(context, mirror).items()}
    for part in parts(offsets, ROWS_AT_ONCE):
        link = context.model.links.get(mirror.link)
        marks = {group: {place: _mark(at) for place, at in offsets[group].items()} for group in part}
        if link is not None and not await Memory(context, link.name).keep(link, marks):
            raise RuntimeError(f"offsets of group {part[0]} on {mirror.mirror_topic} are not remembered yet")
        decision = Decision(context.model, mirror.link)
        for group in part:
            if met := await _commit(context, mirror, group, offsets[group]):
                errors += met
            else:
                decision.put_kept(TABLE, f"{mirror.mirror_topic}/{group}", None)
        if not decision.is_empty:
            await context.settle(decision)
    return tuple(dict.fromkeys(errors))


def _mark(committed: CommittedOffset) -> Mark:
    return Mark(RESTORED, *stands_of(committed), is_ours=False)


async def _commit(context: Context, mirror: Mirror, group: str, offsets: Offsets) -> list[TaskError]:
    try:
        refused = await context.own.alter_group_offsets(group, offsets)
    except ClusterError as error:
        return [task_error(error, "destination")]
    used = in_use(mirror.mirror_topic, [group])
    return [
        used if used is not None and refusal.code in IN_USE else task_error(refusal, "destination")
        for refusal in refused.values()
    ]


async def return_saved_offsets(context: Context, link: Link, mirrors: Sequence[Mirror]) -> dict[str, TaskError | None]:
    """Give groups their offsets back on topics that were made anew and are failed over before they were filled.

    Lowered to what there is of the topic, as far as the cut. Mirrors carry their `final` positions (`stopping`).
    """
    met: dict[str, TaskError | None] = {}
    for mirror in mirrors:
        if mirror.restore is None:
            continue
        ends = {at.partition: at.log_end_offset for at in mirror.final}
        cuts = tuple(min(cut, ends.get(partition, 0)) for partition, cut in enumerate(mirror.restore.cuts))
        errors = await restore_offsets(context, mirror, replace(mirror.restore, cuts=cuts))
        met[mirror.mirror_topic] = errors[0] if errors else None
    return met


def forget_offsets(context: Context, decision: Decision, mirror: Mirror) -> None:
    """Remove what was written down, with the decision that ends the restore."""
    for group in list(saved(context, mirror))[: 4 * ROWS_AT_ONCE]:
        decision.put_kept(TABLE, f"{mirror.mirror_topic}/{group}", None)


def saved(context: Context, mirror: Mirror) -> dict[str, Mapping[str, object]]:
    """Rows of the topic as it was, by group; those of an earlier topic of the name do not count."""
    head, restore = _key(mirror, ""), mirror.restore
    return {
        key[len(head) :]: row
        for key, row in context.model.saved_offsets.items()
        if key.startswith(head) and restore is not None and row["topic_id"] == restore.old_topic_id
    }


def to_row(mirror: Mirror, offsets: Offsets) -> dict[str, object] | None:
    """What a group has committed on the mirror's topic, as the table holds it."""
    found = {
        str(partition): [committed.offset, committed.metadata]
        for (topic, partition), committed in sorted(offsets.items())
        if topic == mirror.mirror_topic
    }
    assert mirror.restore is not None
    return {"topic_id": mirror.restore.old_topic_id, "offsets": found} if found else None


def from_row(row: Mapping[str, object], mirror: Mirror, restore: Restore) -> Offsets:
    """What to commit: no more than the cut, and nothing for partitions that are not there any more."""
    offsets = row["offsets"]
    assert isinstance(offsets, Mapping)
    return {
        (mirror.mirror_topic, int(partition)): CommittedOffset(min(int(offset), restore.cuts[int(partition)]), metadata)
        for partition, (offset, metadata) in offsets.items()
        if int(partition) < min(mirror.partitions, len(restore.cuts))
    }


def _key(mirror: Mirror, group: str) -> str:
    return f"{mirror.link}/{mirror.mirror_topic}/{group}"
