"""What is decided about mirror commands from what is known here (5.3, MIRROR-50..56, MODE-18..25). Pure.

A create is decided in two steps: `new_mirror` before any cluster is asked, `check_clusters` with their answers.
Every other operation names many mirrors and is decided for each of them (`decide`); one refusal does not stop the
others (MIRROR-52).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.link.commands import KINDS
from pipeline.link.errors import IllegalTransition, Invalid, InvalidProperties, LinkError, TopicNotFound
from pipeline.link.models import Command, Link, Mirror, Position
from pipeline.link.names import check_mirror_name, colliding, shorten, topic_name_problem
from pipeline.link.patterns import matches
from pipeline.link.properties import pairs
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import LinkMode, LinkState, MirrorStatus
from pipeline.link.topic_configs import override_problems
from pipeline.link.transitions import ENTRIES, EXITS, Event, advance

MOST_REPLICAS = 32767
TWO_WAY = frozenset({Event.REVERSE_AND_START, Event.REVERSE_AND_PAUSE, Event.TRUNCATE_AND_RESTORE})
"""What only a bidirectional link can do (MODE-25)."""


@dataclass(frozen=True)
class Decision:
    """What a command means for one topic: an event to carry out, or a refusal.

    `mirror` is None where the topic is no mirror yet (truncate-and-restore of a regular topic). `is_repeated`: the
    operation is running already and nothing is to be done (MIRROR-54).
    """

    mirror_topic: str
    event: Event
    mirror: Mirror | None = None
    refused: LinkError | None = None
    is_repeated: bool = False


def new_mirror(command: Command, link: Link, mirrors: Iterable[Mirror], now_ms: int) -> Mirror:
    """Decide on mirror.create as far as this cluster's own records go (MIRROR-56).

    `mirrors` are those of all links. The answer has no partitions and no topic ids yet. Raises Invalid (400/40002),
    naming the other half for a SOURCE link (MODE-18).
    """
    if not link.can_mirror:
        raise Invalid(
            f"Mirror topics cannot be created on cluster link '{link.name}': its mode is SOURCE. "
            f"Create them on its DESTINATION half, the cluster link '{link.name}' of cluster {link.remote_cluster_id}."
        )
    if link.state not in (LinkState.ACTIVE, LinkState.PAUSED):
        raise Invalid(
            f"Cluster link '{link.name}' is {link.state}; mirrors can be created when it is ACTIVE or PAUSED. "
            f"{link.error_message}".rstrip()
        )
    arguments, settings = command.arguments, LinkSettings.of(link.configs)
    source = arguments["source_topic_name"]
    if problem := topic_name_problem(source):
        raise Invalid(f"source_topic_name: '{shorten(source)}' is illegal: {problem}")
    name = arguments.get("mirror_topic_name", settings.mirror_name(source))
    check_mirror_name(name)
    if name != settings.mirror_name(source):
        raise Invalid(
            f"Topic renaming for mirroring not yet supported: the mirror of '{source}' over cluster link "
            f"'{link.name}' must be named '{shorten(settings.mirror_name(source))}', not '{name}'."
        )
    for other in mirrors:
        if other.mirror_topic == name and other.status is not MirrorStatus.STOPPED:
            raise topic_exists(name)
    return Mirror(
        link=link.name,
        mirror_topic=name,
        source_topic=source,
        status=ENTRIES[Event.CREATE],
        status_time_ms=now_ms,
        replication_factor=_replication_factor(arguments.get("replication_factor")),
        configs=_overrides(arguments.get("configs", ()), settings),
        created_ms=now_ms,
    )


def check_clusters(
    mirror: Mirror, own_topics: Collection[str], source_partitions: int | None, remote_mirrors: Collection[str] = ()
) -> None:
    """Hold a new mirror against both clusters. `source_partitions` is None where the source has no such topic.

    `remote_mirrors` are topics of the remote cluster that are mirrors of this link (MODE-22).
    """
    if mirror.mirror_topic in own_topics:
        raise topic_exists(mirror.mirror_topic)
    if other := colliding(mirror.mirror_topic, own_topics):
        raise Invalid(
            f"Topic '{mirror.mirror_topic}' collides with existing topic '{other}': '.' and '_' count as one."
        )
    if source_partitions is None:
        raise TopicNotFound(f"Source topic '{mirror.source_topic}' does not exist or may not be read.")
    if mirror.source_topic in remote_mirrors:
        raise Invalid(f"Topic '{mirror.source_topic}' is itself a mirror of cluster link '{mirror.link}'.")


def topic_exists(name: str) -> Invalid:
    """MIRROR-56."""
    return Invalid(f"Topic '{name}' already exists.")


def check_mode(command: Command, link: Link) -> None:
    """Raise Invalid where the link's mode does not offer the operation (MODE-25)."""
    if KINDS[command.kind].event in TWO_WAY and link.mode is not LinkMode.BIDIRECTIONAL:
        raise Invalid(
            f"{command.kind.partition('.')[2]} is only possible on a BIDIRECTIONAL link; "
            f"the mode of cluster link '{link.name}' is {link.mode}."
        )


def decide(
    command: Command, link: Link, mirrors: Iterable[Mirror], selectable: Collection[str] | None = None
) -> list[Decision]:
    """Decide for each mirror that a command names, in the order named; those of a pattern sorted by name.

    `mirrors` are those of the link; a pattern chooses among them, or among `selectable` where topics that are no
    mirrors are meant. Raises Invalid for the command as a whole where the link's mode does not offer the operation
    (MODE-25); each topic's own refusal is in its Decision.
    """
    event = KINDS[command.kind].event or Event.TOPIC_DELETED
    check_mode(command, link)
    known = {mirror.mirror_topic: mirror for mirror in mirrors if mirror.link == link.name}
    return [
        _decide(link, known.get(name), name, event)
        for name in named(command, known if selectable is None else selectable)
    ]


def named(command: Command, known: Collection[str]) -> list[str]:
    """The mirrors that a command names by list or by pattern (MIRROR-50)."""
    pattern = command.arguments.get("mirror_topic_name_pattern")
    if pattern is None:
        return list(command.arguments["mirror_topic_names"])
    return sorted(name for name in known if matches(pattern, name))


def answer(
    mirror_topic: str, positions: Sequence[Position] = (), refused: LinkError | None = None, **more: Any
) -> dict[str, Any]:
    """One row of an operation's result (REST-63). A refused topic has no lags."""
    lags = [
        {"partition": one.partition, "lag": one.lag, "last_source_fetch_offset": one.last_source_fetch_offset}
        for one in sorted(positions, key=lambda one: one.partition)
    ]
    return {
        "mirror_topic_name": mirror_topic,
        "error_code": refused.error_code if refused else None,
        "error_message": refused.message if refused else None,
        "mirror_lags": [] if refused else lags,
        "messages_truncated": None,
        "partition_level_truncation_data": [],
        **more,
    }


def _decide(link: Link, mirror: Mirror | None, name: str, event: Event) -> Decision:
    if mirror is None:
        if event is Event.TRUNCATE_AND_RESTORE:
            return Decision(name, event)
        return Decision(
            name, event, refused=TopicNotFound(f"Cluster link '{link.name}' has no mirror '{shorten(name)}'.")
        )
    if event in EXITS:
        return Decision(name, event, mirror)
    try:
        _, change = advance(mirror, event, "", 0)
    except IllegalTransition as refusal:
        return Decision(name, event, mirror, refused=refusal)
    is_repeated = not change.is_change and mirror.pending is not None and mirror.pending.value == event.value
    return Decision(name, event, mirror, is_repeated=is_repeated)


def _replication_factor(given: int | None) -> int | None:
    if given is not None and not 0 < given <= MOST_REPLICAS:
        raise Invalid(f"replication_factor: {given} is not between 1 and {MOST_REPLICAS}")
    return given


def _overrides(rows: Iterable[dict[str, Any]], settings: LinkSettings) -> dict[str, str]:
    """The mirror's own topic configs (MIRROR-86)."""
    configs = {name: value for name, value in pairs(rows).items() if value is not None}
    if problems := override_problems(configs, settings.topic_config_sync_include):
        raise InvalidProperties(problems)
    return configs
