"""Make a topic anew as a mirror: the destructive part of truncate-and-restore, safe to repeat (MIRROR-85).

The topic that is deleted is known by its id, and its log ends: what came since they were saved sends the restore back
to saving. Groups are looked at again: while the other side was away, which may be for hours, they may have come back.
A topic of the name with another id is ours if it is empty: a worker before us may have made it, or a client whose
request made it by itself. One that has records is not, and nothing is done to it.
"""

from __future__ import annotations

from dataclasses import replace

from pipeline.cluster.errors import ClusterError, KafkaFailure, failure
from pipeline.cluster.metadata import TopicInfo
from pipeline.control.keys import mirror_key
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.remote_errors import task_error
from pipeline.lifecycle.restore_groups import in_use, readers, save_offsets
from pipeline.lifecycle.topics_gone import forget_mirror
from pipeline.lifecycle.watching import needs_policy
from pipeline.link.errors import Invalid
from pipeline.link.models import Link, Mirror, TaskError
from pipeline.link.restore import Restore, RestoreStage, targets
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import MirrorError, TaskErrorCode
from pipeline.link.topic_configs import differences, held_back, mirror_topic_configs

UNKNOWN_TOPIC, TOPIC_ALREADY_EXISTS, UNKNOWN_TOPIC_ID = 3, 36, 100


async def remake(context: Context, link: Link, mirror: Mirror, restore: Restore) -> Mirror | TaskError:
    """Delete the topic and make it again; the row to write, or what stands in the way. Raises ClusterError for what the
    own cluster refuses.
    """
    try:
        remote = await context.remote(link)
        source = (await remote.describe_topics([mirror.source_topic]))[mirror.source_topic]
        if source.error:
            raise failure(source.error, None, "DESCRIBE", f"topic {mirror.source_topic}")
        effective = {n: c.value for n, c in (await remote.topic_configs(mirror.source_topic)).items() if c.value}
        begins = await remote.begin_offsets([(mirror.source_topic, p) for p in source.partitions])
    except ClusterError as error:
        return task_error(error, "source")
    if source.topic_id != mirror.source_topic_id:
        text = f"source: topic {mirror.source_topic} is another one now; nothing has been deleted here"
        return TaskError(TaskErrorCode.REMOTE_MIRROR_NOT_FOUND_ERROR, text)
    after = replace(
        mirror,
        partitions=len(source.partitions),
        start_offsets=tuple(begins[mirror.source_topic, p] for p in range(len(source.partitions))),
        cleanup_policy=effective.get("cleanup.policy", ""),
        source_configs=held_back(effective),
        restore=replace(restore, stage=RestoreStage.COPYING),
    )
    configs = mirror_topic_configs(
        effective,
        LinkSettings.of(link.configs).topic_config_sync_include,
        True,
        own=mirror.configs,
        known=await context.known_configs(),
        seeding=any(after.start_offsets),
    )
    if (found := await _delete_old(context, mirror, restore)) is not None:
        if isinstance(found, TaskError):
            return found
        return replace(mirror, restore=replace(restore.with_ends(found), stage=RestoreStage.SAVING))
    wanted = {name: value for name, value in configs.items() if value is not None}
    made = await _make(context, after, restore, wanted)
    return made if isinstance(made, TaskError) else replace(after, mirror_topic_id=made)


async def _delete_old(context: Context, mirror: Mirror, restore: Restore) -> tuple[int, ...] | TaskError | None:
    """Delete the topic as it was, unless it is read again, or has got records since they were saved: then its log ends
    come back.
    """
    topic = mirror.mirror_topic
    found = (await context.own.describe_topics([topic]))[topic]
    if found.error or found.topic_id != restore.old_topic_id:
        return None
    if (used := in_use(topic, (await readers(context.own, [topic]))[topic])) is not None:
        return used
    await save_offsets(context, mirror)
    ends = await context.own.end_offsets([(topic, p) for p in found.partitions])
    now = tuple(ends[topic, p] for p in sorted(found.partitions))
    if now != restore.ends:
        return now
    await forget_mirror(context, mirror)
    row = context.model.mirrors.get(mirror_key(mirror.link, topic))
    if row is None or not row.is_restoring or row.restore != restore:
        raise Invalid(f"the restore of {topic} was given up, or is another worker's; nothing has been deleted")
    try:
        # by its id: a leader that was thought dead must not delete the topic that another has made meanwhile
        await context.own.delete_topic(topic, only=found.uuid)
    except KafkaFailure as error:
        if error.code not in (UNKNOWN_TOPIC, UNKNOWN_TOPIC_ID):
            raise
    return None


async def _make(context: Context, after: Mirror, restore: Restore, configs: dict[str, str]) -> str | TaskError:
    """The id of the new topic."""
    topic = after.mirror_topic
    try:
        made = await context.own.create_topic(topic, after.partitions, after.replication_factor or -1, configs)
    except KafkaFailure as error:
        if error.code != TOPIC_ALREADY_EXISTS:
            raise
    else:
        if made.topic_id:
            return made.topic_id
    found = (await context.own.describe_topics([topic]))[topic]
    if found.error or found.topic_id == restore.old_topic_id:
        return TaskError(TaskErrorCode.UNKNOWN, f"destination: the deletion of {topic} is not over yet")
    return await _take_over(context, after, found, configs)


async def _take_over(context: Context, after: Mirror, found: TopicInfo, configs: dict[str, str]) -> str | TaskError:
    """A topic of the name that is there already: taken if it is empty and has the right partitions."""
    topic, own = after.mirror_topic, context.own
    if any((await own.end_offsets([(topic, p) for p in found.partitions])).values()):
        return TaskError(
            TaskErrorCode.TOPIC_EXISTS_ERROR,
            f"destination: while {topic} was restored somebody has made a topic of that name and written to it. What "
            "it had before is saved. Save what was written since, delete the topic, and the restore goes on.",
        )
    if len(found.partitions) != after.partitions:
        await own.delete_topic(topic, only=found.uuid)
        return TaskError(TaskErrorCode.UNKNOWN, f"destination: {topic} was made by somebody else; it is made again")
    current = {
        n: c.value for n, c in (await own.topic_configs(topic)).items() if c.value is not None and not c.is_default
    }
    changes = differences(configs, current)
    await own.alter_topic_configs(topic, {name: value for name, value in changes.items() if value is not None})
    return found.topic_id


async def is_filled(context: Context, mirror: Mirror, restore: Restore) -> bool | TaskError:
    """Whether every partition has come as far as the offsets point that will be restored; or why it does not.

    A compacted topic gets its own policy then, as any mirror does once it has its starts (`setting_up`).
    """
    positions = context.model.positions_of(mirror.link, mirror.mirror_topic)
    failed = next((p for p in positions if p.error is not MirrorError.NO_ERROR and p.is_of(mirror)), None)
    if failed is not None:
        return TaskError(TaskErrorCode.UNKNOWN, f"{failed.error}: {failed.error_message}")
    ends = await context.own.end_offsets([(mirror.mirror_topic, p) for p in range(mirror.partitions)])
    goals = targets(restore, mirror.start_offsets)
    if any(ends[mirror.mirror_topic, p] < goal for p, goal in enumerate(goals)):
        return next((error for p in positions if p.is_of(mirror) for error in p.denied), False)
    if needs_policy(mirror):
        await context.own.alter_topic_configs(mirror.mirror_topic, {"cleanup.policy": mirror.cleanup_policy})
    return True
