"""Partitions and configs when a mirror stops: the last look of a promotion, then the source's values (MIRROR-90)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.cluster.errors import ClusterError, failure
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.remote_errors import task_error
from pipeline.lifecycle.staying import stays
from pipeline.link.models import Link, Mirror, TaskError
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import TaskErrorCode
from pipeline.link.topic_configs import differences, held_back, mirror_topic_configs

UNKNOWN_TOPIC_ID = 100
CHANGED = TaskError(TaskErrorCode.UNKNOWN, "the mirror has changed during its last config sync")


async def check_partitions(context: Context, link: Link, mirror: Mirror) -> tuple[Mirror, tuple[TaskError, ...]]:
    """Let a promotion wait for partitions that the source got since the mirror last looked: nothing may stay behind."""
    try:
        found = (await (await context.remote(link)).describe_topics([mirror.source_topic]))[mirror.source_topic]
    except ClusterError as error:
        return mirror, (task_error(error, "source"),)
    if found.error:
        return mirror, (task_error(failure(found.error, None, "DESCRIBE", f"topic {mirror.source_topic}"), "source"),)
    if found.topic_id != mirror.source_topic_id or len(found.partitions) < mirror.partitions:
        gone = f"source: {mirror.source_topic} is another topic now, or has lost partitions; fail the mirror over"
        return mirror, (TaskError(TaskErrorCode.UNKNOWN_TOPIC_OR_PARTITION_ERROR, gone),)
    if len(found.partitions) > mirror.partitions:
        grown = f"source: {mirror.source_topic} has {len(found.partitions)} partitions now; the new ones come first"
        return mirror, (TaskError(TaskErrorCode.UNKNOWN, grown),)
    return mirror, ()


async def sync_topic_configs(context: Context, link: Link, mirror: Mirror) -> tuple[Mirror, tuple[TaskError, ...]]:
    """Take over the source's configs once more; the mirror then knows the values to have when it stops (MIRROR-67)."""
    try:
        remote = await context.remote(link)
        found = await remote.topic_configs(mirror.source_topic)
    except ClusterError as error:
        return mirror, (task_error(error, "source"),)
    effective = {name: each.value for name, each in found.items() if each.value is not None}
    include = LinkSettings.of(link.configs).topic_config_sync_include
    try:
        known = await context.known_configs()
        current = {
            name: each.value
            for name, each in (await context.own.topic_configs(mirror.mirror_topic)).items()
            if each.value is not None and not each.is_default
        }
        wanted = mirror_topic_configs(effective, include, True, own=mirror.configs, known=known)
        changes = differences(wanted, current)
        if not stays(context, mirror):  # failed over meanwhile: nobody would put right what is set now
            return mirror, (CHANGED,)
        await context.own.alter_topic_configs(
            mirror.mirror_topic,
            {name: value for name, value in changes.items() if value is not None},
            [name for name, value in changes.items() if value is None],
        )
    except ClusterError as error:
        return mirror, (task_error(error, "destination"),)
    return replace(mirror, source_configs=held_back(effective)), ()


async def release_topic_configs(context: Context, link: Link, mirrors: Sequence[Mirror]) -> dict[str, TaskError | None]:
    """Give stopped mirrors the values of their sources in what had to differ while they mirrored; by mirror topic.

    The source is not asked: a failover works without it. Setting the same values again does no harm.
    """
    include = LinkSettings.of(link.configs).topic_config_sync_include
    try:
        known = await context.known_configs()
    except ClusterError as error:
        return {mirror.mirror_topic: task_error(error, "destination") for mirror in mirrors}
    changes = {}
    for mirror in mirrors:
        held = mirror.source_configs or {}
        wanted = mirror_topic_configs(held, include, False, own=mirror.configs, known=known) if held else {}
        changes[mirror.mirror_topic] = wanted
    here = await context.own.describe_topics(changes)
    others = {m.mirror_topic for m in mirrors if here[m.mirror_topic].topic_id not in ("", m.mirror_topic_id)}
    answers = await context.own.alter_topics_configs({t: c for t, c in changes.items() if t not in others})
    answers |= {topic: failure(UNKNOWN_TOPIC_ID, None, "ALTER_CONFIGS", f"topic {topic}") for topic in others}
    return {topic: None if error is None else task_error(error, "destination") for topic, error in answers.items()}
