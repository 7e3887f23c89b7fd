"""Carry out mirror.truncate-and-restore: decide on each topic what is removed, and accept it (MIRROR-73, MIRROR-53).

The answer has the counts, dry run or not; what has been accepted `restoring` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.cluster.administration.configs import Configs
from pipeline.cluster.errors import ClusterError
from pipeline.control.read_model import Request
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.link_commands import existing
from pipeline.lifecycle.remote_errors import refused_by
from pipeline.lifecycle.restore_looking import Sight, counterparts, look
from pipeline.lifecycle.times import now_ms
from pipeline.link.errors import Invalid, LinkError
from pipeline.link.mirror_rules import Decision as OfTopic
from pipeline.link.mirror_rules import answer, check_mode, decide
from pipeline.link.models import Command, Link, Mirror
from pipeline.link.restore import Restore, side_topic_name
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import LinkState, MirrorStatus
from pipeline.link.topic_configs import Follows, category
from pipeline.link.transitions import Event, advance


async def truncate_and_restore(context: Context, command: Command, request: Request, decision: Decision) -> None:
    """Make mirrors of old sources; one refusal does not stop the others (MIRROR-52)."""
    link = existing(context, command.link)
    mine = context.model.mirrors_of(link.name)
    check_mode(command, link)
    if link.state is not LinkState.ACTIVE:
        raise Invalid(f"Cluster link '{link.name}' is {link.state}; {link.error_message or 'it must be ACTIVE.'}")
    theirs = await counterparts(context, link)
    stopped = {mirror.source_topic for mirror in theirs if mirror.status is MirrorStatus.STOPPED}
    asked = decide(command, link, mine, stopped)
    new = [one.mirror_topic for one in asked if one.refused is None and not one.is_repeated]
    seen = await look(context, link, new, theirs) if new else {}
    own_configs = await _own_configs(context, [t for t, sight in seen.items() if isinstance(sight, Sight)], link)
    rows = []
    for one in asked:
        refused, restore = one.refused, one.mirror.restore if one.mirror is not None and one.is_repeated else None
        sight = seen.get(one.mirror_topic)
        if isinstance(sight, LinkError):
            refused = sight
        elif isinstance(sight, Sight):
            refused = sight.refused() or _taken(context, link, one.mirror_topic)
            if refused is None:
                restore = _restore(sight, own_configs[one.mirror_topic], bool(command.arguments["save_diverged"]))
                _accept(decision, command, link, one, (sight, restore))
        by_partition = bool(command.arguments["include_partition_level_truncation_data"])
        rows.append(answer(one.mirror_topic, refused=refused, **(restore.answer(by_partition) if restore else {})))
    decision.data = {"mirrors": rows}


def _restore(sight: Sight, configs: Mapping[str, str], save: bool) -> Restore:
    return Restore(
        cuts=sight.cuts,
        ends=sight.ends,
        starts=sight.starts,
        old_topic_id=sight.own.topic_id,
        side_topic=side_topic_name(sight.own.name, now_ms()) if save else "",
        replicas=sight.replicas,
        configs=configs,
    )


def _accept(decision: Decision, command: Command, link: Link, one: OfTopic, found: tuple[Sight, Restore]) -> None:
    """The topic's row, PENDING_SETUP_FOR_RESTORE. A row of its time as a mirror is history now."""
    sight, restore = found
    before = Mirror(link.name, one.mirror_topic, sight.remote.name, status=MirrorStatus.STOPPED)
    reason = f"truncate-and-restore by {command.principal or 'an operator'}"
    after, change = advance(before, Event.TRUNCATE_AND_RESTORE, reason, now_ms())
    decision.put_mirror(
        replace(
            after,
            partitions=len(sight.own.partitions),
            source_topic_id=sight.remote.topic_id,
            mirror_topic_id=sight.own.topic_id,
            replication_factor=restore.replicas if restore.replicas > 0 else None,
            configs=restore.configs,
            created_ms=now_ms(),
            restore=restore,
        )
    )
    decision.note(change)


def _taken(context: Context, link: Link, topic: str) -> LinkError | None:
    """A topic that is a mirror of another link is that link's."""
    for other in context.model.mirrors.values():
        if other.mirror_topic == topic and other.link != link.name and other.status is not MirrorStatus.STOPPED:
            return Invalid(f"Topic '{topic}' is a mirror of cluster link '{other.link}'.")
    return None


async def _own_configs(context: Context, topics: Sequence[str], link: Link) -> dict[str, dict[str, str]]:
    """Settings of its own that each topic keeps: what a mirror does not take from its source (MIRROR-86)."""
    if not topics:
        return {}
    include = LinkSettings.of(link.configs).topic_config_sync_include
    try:
        found = await context.own.topics_configs(topics)
        return {topic: {} if isinstance(c, ClusterError) else _kept(c, include) for topic, c in found.items()}
    except ClusterError as error:
        raise refused_by(error, "destination") from error


def _kept(configs: Configs, include: Sequence[str]) -> dict[str, str]:
    return {
        name: one.value
        for name, one in configs.items()
        if not one.is_default
        and one.value is not None
        and (category(name) is Follows.NEVER or (category(name) is not Follows.ALWAYS and name not in include))
    }
