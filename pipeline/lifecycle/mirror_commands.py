"""Carry out mirror.create and mirror.delete (MIRROR-56, MIRROR-69).

Creating makes a topic, so it is done in two steps that survive a worker: first the request's row says that the topic is
about to be made (nobody else has one of the name), then it is made and the mirror's row is written. Whoever repeats the
request after a crash finds the step and takes the topic over; whoever fails after that step deletes it again.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from pipeline.cluster.admin import Admin
from pipeline.cluster.errors import ClusterError, KafkaFailure, RemoteLinkNotFound, failure
from pipeline.cluster.metadata import TopicInfo
from pipeline.control.read_model import Request
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.link_commands import existing
from pipeline.lifecycle.remote_errors import refused_by
from pipeline.lifecycle.start_offsets import start_offsets
from pipeline.lifecycle.times import now_ms
from pipeline.lifecycle.topics_gone import forget_mirror
from pipeline.link.errors import Invalid, LinkError, TopicNotFound
from pipeline.link.mirror_rules import answer, check_clusters, decide, new_mirror, topic_exists
from pipeline.link.models import Command, Link, Mirror
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import LinkMode, MirrorStatus
from pipeline.link.topic_configs import held_back, mirror_topic_configs

log = logging.getLogger(__name__)
CREATING = "creating the topic"
UNKNOWN_TOPIC, FORBIDDEN, TOPIC_ALREADY_EXISTS, UNKNOWN_TOPIC_ID = 3, 29, 36, 100
OWN_TOPICS_AGE_S = 10.0


async def create_mirror(context: Context, command: Command, request: Request, decision: Decision) -> None:
    """Create a mirror topic with the source's partitions and configs; ACTIVE once every partition has its start."""
    try:
        await _create(context, command, request, decision)
    except NotOurs:
        raise
    except Exception:
        await _unmake(context, command)
        raise


class NotOurs(Invalid):
    """The topic is there, and this request did not make it: it is left alone (MIRROR-56)."""


async def _create(context: Context, command: Command, request: Request, decision: Decision) -> None:
    link = existing(context, command.link)
    mirror = new_mirror(command, link, context.model.mirrors.values(), now_ms())
    try:
        own_topics = await _own_topics(context, mirror.mirror_topic)
    except ClusterError as error:
        raise refused_by(error, "destination") from error
    try:
        remote = await context.remote(link)
        source = (await remote.describe_topics([mirror.source_topic], operations=True))[mirror.source_topic]
        if request.stage == CREATING:
            own_topics.discard(mirror.mirror_topic)
        if source.error == FORBIDDEN:
            raise TopicNotFound(
                f"AUTHORIZATION_ERROR: the link may not DESCRIBE topic {mirror.source_topic} at the source."
            )
        theirs = await remote_mirrors(context, link)
        check_clusters(mirror, own_topics, None if source.error else len(source.partitions), theirs)
        if source.operations and "READ" not in source.operations:
            raise TopicNotFound(
                f"AUTHORIZATION_ERROR: the link may not READ topic {mirror.source_topic} at the source."
            )
        effective = {n: c.value or "" for n, c in (await remote.topic_configs(mirror.source_topic)).items()}
        settings = LinkSettings.of(link.configs)
        starts = await start_offsets(
            remote, mirror.source_topic, len(source.partitions), settings.mirror_start_offset_spec
        )
    except ClusterError as error:
        raise refused_by(error, "source") from error
    mirror = replace(
        mirror,
        partitions=len(source.partitions),
        source_topic_id=source.topic_id,
        start_offsets=starts,
        cleanup_policy=effective.get("cleanup.policy", ""),
        source_configs=held_back(effective),
    )
    try:
        configs = await _configs(context, mirror, settings, effective)
        if command.validate_only:
            await _make(context.own, mirror, configs, validate_only=True)
            return
        await context.note_stage(link.name, command.id, CREATING)
        topic_id = await _make_or_find(context, mirror, configs, is_repeated=request.stage == CREATING)
    except ClusterError as error:
        raise refused_by(error, "destination") from error
    decision.put_mirror(replace(mirror, mirror_topic_id=topic_id))
    decision.data = {"mirror_topic_name": mirror.mirror_topic}


async def remote_mirrors(context: Context, link: Link) -> set[str]:
    """Topics of the remote cluster that are mirrors of the link's other side, stopped ones left out (MODE-22).

    None where the other side is not there. Raises ClusterError where it cannot be told.
    """
    if link.mode is not LinkMode.BIDIRECTIONAL:
        return set()
    try:
        mirrors = (await context.paired_partner(link)).mirrors()
    except RemoteLinkNotFound:
        return set()
    return {mirror.mirror_topic for mirror in mirrors if mirror.status is not MirrorStatus.STOPPED}


async def _own_topics(context: Context, name: str) -> set[str]:
    """Names on the own cluster; of all but `name` as seen some seconds ago, which is enough to warn of collisions."""
    names = set(await context.own_topics(OWN_TOPICS_AGE_S)) - {name}
    found = (await context.own.describe_topics([name]))[name]
    return names if found.error == UNKNOWN_TOPIC else names | {name}


async def delete_mirrors(context: Context, command: Command, request: Request, decision: Decision) -> None:
    """Delete mirror topics with their data, each by itself (MIRROR-52); the source is not touched."""
    link = existing(context, command.link)
    rows = []
    for one in decide(command, link, context.model.mirrors_of(link.name)):
        refused = one.refused
        if refused is None and one.mirror is not None and not command.validate_only:
            refused = await _delete(context, one.mirror, decision)
        rows.append(answer(one.mirror_topic, refused=refused))
    decision.data = {"mirrors": rows}


async def _delete(context: Context, mirror: Mirror, decision: Decision) -> LinkError | None:
    try:
        found = (await context.own.describe_topics([mirror.mirror_topic]))[mirror.mirror_topic]
        if not found.error and found.topic_id == mirror.mirror_topic_id:
            await context.own.delete_topic(mirror.mirror_topic, only=found.uuid)
    except KafkaFailure as error:
        if error.code not in (UNKNOWN_TOPIC, UNKNOWN_TOPIC_ID):
            return refused_by(error, "destination")
    except ClusterError as error:
        return refused_by(error, "destination")
    decision.drop_mirror(mirror)
    await forget_mirror(context, mirror)
    return None


async def _configs(context: Context, mirror: Mirror, settings: LinkSettings, source: dict[str, str]) -> dict[str, str]:
    known = await context.known_configs()
    wanted = mirror_topic_configs(
        source,
        settings.topic_config_sync_include,
        True,
        own=mirror.configs,
        known=known,
        seeding=any(start > 0 for start in mirror.start_offsets),
    )
    return {name: value for name, value in wanted.items() if value is not None}


async def _make(own: Admin, mirror: Mirror, configs: dict[str, str], validate_only: bool = False) -> str:
    replicas = mirror.replication_factor or -1
    made = await own.create_topic(mirror.mirror_topic, mirror.partitions, replicas, configs, validate_only)
    return made.topic_id


async def _make_or_find(context: Context, mirror: Mirror, configs: dict[str, str], is_repeated: bool) -> str:
    """Make the topic, or take the one that this same request made before its worker died (`is_repeated`)."""
    name = mirror.mirror_topic
    found: TopicInfo = (await context.own.describe_topics([name]))[name]
    if found.error:
        try:
            if topic_id := await _make(context.own, mirror, configs):
                return topic_id
        except KafkaFailure as error:
            if error.code != TOPIC_ALREADY_EXISTS:
                raise
            if not is_repeated:
                raise NotOurs(str(topic_exists(name))) from error
        found = (await context.own.describe_topics([name]))[name]
        if found.error:  # it is there, and its brokers do not show it yet
            raise failure(found.error, None, "DESCRIBE", f"topic {name}")
    elif not is_repeated:
        raise NotOurs(str(topic_exists(name)))
    if _is_a_mirror(context, found) or (is_repeated and not await _may_be_ours(context, mirror, found)):
        raise NotOurs(str(topic_exists(name)))
    return found.topic_id


async def _may_be_ours(context: Context, mirror: Mirror, found: TopicInfo) -> bool:
    """Whether a topic is what this request would have made, and none that somebody else has made since a worker died:
    empty, with the source's partitions, and not what another link is making just now.
    """
    others = [r.command for r in context.model.pending() if r.link != mirror.link and r.stage == CREATING]
    is_anothers = found.name in {_name_of(context, Command.from_json(raw)) for raw in others}
    if is_anothers or len(found.partitions) != mirror.partitions:
        return False
    return not any((await context.own.end_offsets([(found.name, p) for p in found.partitions])).values())


def _name_of(context: Context, command: Command) -> str | None:
    """The topic that a mirror.create makes; None where its link is not there any more."""
    link = context.model.links.get(command.link)
    if link is None:
        return None
    source = command.arguments["source_topic_name"]
    name = command.arguments.get("mirror_topic_name", LinkSettings.of(link.configs).mirror_name(source))
    return str(name)


async def _unmake(context: Context, command: Command) -> None:
    """Delete the topic that a refused request has made, or may have made: nothing of it is left behind.

    Only an empty topic that is no mirror, and only after the request's row said that it was about to be made.
    """
    row, name = context.model.requests.get(command.id), _name_of(context, command)
    if row is None or row.stage != CREATING or name is None:
        return
    try:
        found = (await context.own.describe_topics([name]))[name]
        if found.error or _is_a_mirror(context, found):
            return
        if not any((await context.own.end_offsets([(name, number) for number in found.partitions])).values()):
            await context.own.delete_topic(name, only=found.uuid)
    except ClusterError as error:
        log.warning("Topic %s may be left from command %s, which is refused: %s", name, command.id, error)


def _is_a_mirror(context: Context, topic: TopicInfo) -> bool:
    """Whether the topic belongs to a mirror already, of this link or of another."""
    return topic.topic_id in {mirror.mirror_topic_id for mirror in context.model.mirrors.values()}
