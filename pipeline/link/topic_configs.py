"""Which configs of a mirror topic follow its source (MIRROR-80..90), and what they are while it mirrors.

A mirror is exact only if its brokers neither recompress a batch, nor restamp a record, nor refuse one for its size
or its time. So while a topic mirrors, the names of `exact` have values of their own; once it has stopped they take
the source's (MIRROR-90).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

LONGEST_MS = str(2**63 - 1)
"""No limit, for `message.timestamp.*.max.ms`."""


class Follows(StrEnum):
    """Whether a topic config follows the source."""

    ALWAYS = "always synced"
    BY_DEFAULT = "configurable, on by default"
    IF_ASKED = "configurable, off by default"
    NEVER = "independent"


CATEGORIES: Mapping[Follows, tuple[str, ...]] = {
    Follows.ALWAYS: (
        "cleanup.policy",
        "max.message.bytes",
        "message.timestamp.type",
        "message.timestamp.difference.max.ms",
    ),
    Follows.BY_DEFAULT: (
        "compression.type",
        "compression.gzip.level",
        "compression.lz4.level",
        "compression.zstd.level",
        "delete.retention.ms",
        "max.compaction.lag.ms",
        "min.compaction.lag.ms",
        "min.cleanable.dirty.ratio",
        "message.timestamp.before.max.ms",
        "message.timestamp.after.max.ms",
        "retention.bytes",
        "retention.ms",
        "segment.bytes",
        "segment.ms",
        "segment.jitter.ms",
        "segment.index.bytes",
        "index.interval.bytes",
        "file.delete.delay.ms",
        "flush.messages",
        "flush.ms",
        "preallocate",
        "message.downconversion.enable",
    ),
    Follows.IF_ASKED: ("min.insync.replicas", "unclean.leader.election.enable"),
    Follows.NEVER: (
        "leader.replication.throttled.replicas",
        "follower.replication.throttled.replicas",
        "remote.storage.enable",
        "remote.log.copy.disable",
        "remote.log.delete.on.disable",
        "local.retention.ms",
        "local.retention.bytes",
        "message.format.version",
        "confluent.key.schema.validation",
        "confluent.value.schema.validation",
        "confluent.key.subject.name.strategy",
        "confluent.value.subject.name.strategy",
    ),
}
"""MIRROR-80, MIRROR-81 and the names that MIRROR-82 lists; every other name is independent too."""

CATEGORY: Mapping[str, Follows] = {name: category for category, names in CATEGORIES.items() for name in names}
ALWAYS = CATEGORIES[Follows.ALWAYS]
CONFIGURABLE = CATEGORIES[Follows.BY_DEFAULT] + CATEGORIES[Follows.IF_ASKED]
DEFAULT_INCLUDE = ALWAYS + CATEGORIES[Follows.BY_DEFAULT]
"""Default of `topic.config.sync.include` (LINK-34)."""

SMALLEST_SEGMENT = 1 << 20
"""The least `segment.bytes` that brokers of 4.0 and later take (KIP-1030); before, a segment could be of 14 bytes."""

_DIFFERENCE = "message.timestamp.difference.max.ms"
_BEFORE_AND_AFTER = ("message.timestamp.before.max.ms", "message.timestamp.after.max.ms")


def category(name: str) -> Follows:
    """The category of a topic config; what no table names is independent (MIRROR-82)."""
    return CATEGORY.get(name, Follows.NEVER)


def check_include(names: Collection[str]) -> None:
    """Check `topic.config.sync.include`; ValueError names what is missing and what does not belong (FILT-42)."""
    problems = []
    if missing := [name for name in ALWAYS if name not in names]:
        problems.append(f"lacks names that are always synced: {', '.join(missing)}")
    if foreign := [name for name in names if category(name) is Follows.NEVER]:
        problems.append(f"has names that are independent or unknown: {', '.join(foreign)}")
    if problems:
        raise ValueError("; ".join(problems))


def override_problems(configs: Collection[str], include: Collection[str]) -> list[str]:
    """Say which configs may not be given to a new mirror, because they follow the source (MIRROR-86)."""
    return [
        f"{name}: follows the source topic and cannot be set on its mirror"
        + ("" if category(name) is Follows.ALWAYS else "; take it out of topic.config.sync.include first")
        for name in sorted(configs)
        if category(name) is Follows.ALWAYS or (category(name) is not Follows.NEVER and name in include)
    ]


def exact(source: Mapping[str, str], largest_batch_bytes: int = 0) -> dict[str, str]:
    """What must hold while mirroring, whatever the source says, for batches to be appended as they are (MIRROR-90)."""
    return {
        "compression.type": "producer",
        "message.timestamp.type": "CreateTime",
        _DIFFERENCE: LONGEST_MS,
        **dict.fromkeys(_BEFORE_AND_AFTER, LONGEST_MS),
        "max.message.bytes": str(max(int(source.get("max.message.bytes", "0")), largest_batch_bytes)),
    }


def held_back(source_effective: Mapping[str, str]) -> dict[str, str]:
    """The source's values of what a mirror may have otherwise while it mirrors; kept to be set when it stops."""
    names = {*exact(source_effective), "cleanup.policy"}
    return {name: value for name, value in source_effective.items() if name in names}


def mirror_topic_configs(
    source_effective: Mapping[str, str],
    include: Collection[str],
    while_mirroring: bool,
    *,
    own: Mapping[str, str] | None = None,
    known: Collection[str] | None = None,
    largest_batch_bytes: int = 0,
    seeding: bool = False,
) -> dict[str, str | None]:
    """Give the configs that a mirror topic must have; None means that the topic must not set that name.

    `source_effective` has the source's values, defaults included, so that differing cluster defaults never show
    (MIRROR-89). `own` are the mirror's overrides (MIRROR-86). `known` are the names that the destination's version
    knows, None for all; others are skipped (MIRROR-83, see `skipped`), and one of 4.0 or later, which has dropped
    `message.timestamp.difference.max.ms`, gets a `segment.bytes` that it takes. `largest_batch_bytes` is the largest
    batch seen at the source, which may have been written under a higher `max.message.bytes`. `seeding`: the log's
    start is being moved, for which a compacted topic needs `delete` in its policy too.
    """
    source = dict(source_effective)
    if known is not None and _DIFFERENCE not in known and _DIFFERENCE in source:
        for name in _BEFORE_AND_AFTER:
            source.setdefault(name, source[_DIFFERENCE])
    values: dict[str, str | None] = dict(own or {})
    values |= {name: source[name] for name in include if name in source}
    if known is not None and _DIFFERENCE not in known and "segment.bytes" in source and "segment.bytes" in include:
        values["segment.bytes"] = str(max(int(source["segment.bytes"]), SMALLEST_SEGMENT))
    held = exact(source, largest_batch_bytes)
    if while_mirroring:
        values |= held
        if seeding and "compact" in (values.get("cleanup.policy") or ""):
            values["cleanup.policy"] = "compact,delete"
    else:
        values |= {name: source.get(name) if name in ALWAYS else None for name in held if name not in values}
    return {name: value for name, value in values.items() if known is None or name in known}


def skipped(source_effective: Mapping[str, str], include: Collection[str], known: Collection[str]) -> list[str]:
    """Names that should follow but that the destination's version does not know (MIRROR-83); the pair that replaced
    `message.timestamp.difference.max.ms` counts as knowing it."""
    replaced = all(name in known for name in _BEFORE_AND_AFTER)
    return sorted(
        name
        for name in include
        if name in source_effective and name not in known and not (name == _DIFFERENCE and replaced)
    )


def differences(wanted: Mapping[str, str | None], current: Mapping[str, str]) -> dict[str, str | None]:
    """What has to be altered so that a topic whose own configs are `current` has the `wanted` ones (TASK-50)."""
    return {
        name: value
        for name, value in wanted.items()
        if (name in current if value is None else not _same(value, current.get(name)))
    }


def _same(one: str, other: str | None) -> bool:
    """Equal values; a list's order means nothing (`compact,delete`)."""
    if other is None or one == other:
        return one == other
    return sorted(part.strip() for part in one.split(",")) == sorted(part.strip() for part in other.split(","))
