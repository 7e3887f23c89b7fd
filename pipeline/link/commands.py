"""Everything that can be asked of clusterlink, as one table: the records of the commands topic (CLI-65).

A command is a JSON object on the commands topic, keyed by its link's name; its result comes back on the results topic
with the same id. REST bodies and CLI options are the arguments of this table one to one (spec 8.2), so that all three
doors have the same validation and the same errors. Here shapes are checked (a field is unknown, missing, of a wrong
type); `properties`, `link_rules` and `mirror_rules` judge what the fields say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.link.arguments import Argument, Shape, read_arguments
from pipeline.link.errors import LinkError, Malformed
from pipeline.link.models import Command
from pipeline.link.names import check_link_name, nearest, shorten
from pipeline.link.transitions import Event

LONGEST_COMMAND_BYTES = 1 << 20
LONGEST_ID = 249


@dataclass(frozen=True)
class Kind:
    """One kind of command. `event` is what it does to each mirror that it names."""

    name: str
    sentence: str
    arguments: tuple[Argument, ...]
    event: Event | None = None

    @property
    def names_mirrors(self) -> bool:
        """Whether it takes a list or a pattern of mirrors and answers per topic (MIRROR-50)."""
        return any(argument.name == "mirror_topic_names" for argument in self.arguments)


_MIRRORS = (
    Argument("mirror_topic_names", Shape.NAMES, "Mirrors of the link, by name.", "REST-41"),
    Argument(
        "mirror_topic_name_pattern",
        Shape.PATTERN,
        "Regular expression that the whole name of a mirror must match; this or the list, not both.",
        "REST-42",
    ),
)

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "link.create",
            "Create a link.",
            (
                Argument(
                    "source_cluster_id", Shape.STRING, "Expected id of the source; for a DESTINATION link.", "REST-30"
                ),
                Argument(
                    "destination_cluster_id",
                    Shape.STRING,
                    "Expected id of the destination; for a SOURCE link.",
                    "REST-31",
                ),
                Argument(
                    "remote_cluster_id",
                    Shape.STRING,
                    "Expected id of the other cluster; for a BIDIRECTIONAL link.",
                    "REST-32",
                ),
                Argument(
                    "cluster_link_id",
                    Shape.STRING,
                    "Id of the first side, given to the second side of a two-sided link.",
                    "REST-33",
                ),
                Argument("configs", Shape.PAIRS, "Properties of the link.", "REST-34"),
                Argument(
                    "validate_link", Shape.BOOLEAN, "Reach the remote cluster before creating.", "LINK-15", default=True
                ),
            ),
        ),
        Kind(
            "link.update",
            "Change properties of a link, all or none.",
            (
                Argument(
                    "data",
                    Shape.CHANGES,
                    "Properties to SET or to DELETE (reset to the default).",
                    "REST-35",
                    required=True,
                    alias="configs",
                ),
            ),
        ),
        Kind(
            "link.delete",
            "Delete a link; its topics stay.",
            (Argument("force", Shape.BOOLEAN, "Fail over its remaining mirrors first.", "LINK-103", default=False),),
        ),
        Kind(
            "mirror.create",
            "Create a mirror topic.",
            (
                Argument("source_topic_name", Shape.STRING, "Topic to mirror.", "REST-37", required=True),
                Argument(
                    "mirror_topic_name",
                    Shape.STRING,
                    "Its name here: the link's prefix and the source's name.",
                    "REST-38",
                ),
                Argument(
                    "replication_factor", Shape.INTEGER, "Replicas of each partition; else the cluster's.", "REST-39"
                ),
                Argument("configs", Shape.PAIRS, "Topic configs that do not follow the source.", "REST-40"),
            ),
            Event.CREATE,
        ),
        Kind("mirror.delete", "Delete mirror topics with their data; the source is untouched (MIRROR-69).", _MIRRORS),
        Kind("mirror.pause", "Pause mirroring (MIRROR-59).", _MIRRORS, Event.PAUSE),
        Kind("mirror.resume", "Resume mirroring (MIRROR-66).", _MIRRORS, Event.RESUME),
        Kind(
            "mirror.promote",
            "Make regular topics of mirrors once they have caught up (MIRROR-67).",
            _MIRRORS,
            Event.PROMOTE,
        ),
        Kind("mirror.failover", "Make regular topics of mirrors at once (MIRROR-68).", _MIRRORS, Event.FAILOVER),
        Kind(
            "mirror.reverse-and-start",
            "Swap source and mirror, and go on mirroring (MIRROR-71).",
            _MIRRORS,
            Event.REVERSE_AND_START,
        ),
        Kind(
            "mirror.reverse-and-pause",
            "Swap source and mirror; the new mirror is paused (MIRROR-72).",
            _MIRRORS,
            Event.REVERSE_AND_PAUSE,
        ),
        Kind(
            "mirror.truncate-and-restore",
            "Cut what diverges off an old source and make it the mirror (MIRROR-73).",
            (
                *_MIRRORS,
                Argument(
                    "include_partition_level_truncation_data",
                    Shape.BOOLEAN,
                    "Answer per partition as well.",
                    "REST-20",
                    default=False,
                ),
                Argument(
                    "save_diverged",
                    Shape.BOOLEAN,
                    "Save what is cut off to a side topic first.",
                    "MIRROR-85",
                    default=True,
                ),
            ),
            Event.TRUNCATE_AND_RESTORE,
        ),
        Kind(
            "mirror.become-mirror",
            "Internal: the other side of a link asks for it when it reverses a mirror of a topic of this cluster; at "
            "any other time it is refused. Without log ends the topic waits (PENDING_SYNCHRONIZE); with them, if it "
            "ends there, it is the mirror from then on (MIRROR-71).",
            (
                Argument(
                    "mirror_topic_name", Shape.STRING, "Topic here that becomes a mirror.", "MIRROR-71", required=True
                ),
                Argument(
                    "source_topic_name",
                    Shape.STRING,
                    "Topic there, until now its mirror.",
                    "MIRROR-71",
                    required=True,
                ),
                Argument("log_end_offsets", Shape.INTEGERS, "Where the topic there ends, by partition.", "MIRROR-71"),
            ),
        ),
    )
}
"""Kind of a command -> its row."""


def build(
    kind: str,
    link: str,
    arguments: Mapping[str, Any],
    command_id: str,
    *,
    validate_only: bool = False,
    principal: str = "",
    time_ms: int = 0,
) -> Command:
    """Give a command whose shape is right: defaults filled in, aliases replaced, config values turned into strings.

    Raises Malformed naming the field. A `validate_only` among the arguments is the command's own (REST-36).
    """
    row = KINDS.get(kind)
    if row is None:
        close = nearest(kind, KINDS)
        raise Malformed(
            f"kind: '{shorten(kind)}' is unknown"
            + (f"; did you mean '{close}'?" if close else f"; known: {', '.join(KINDS)}")
        )
    if not 0 < len(command_id) <= LONGEST_ID:
        raise Malformed(f"id: must have 1 to {LONGEST_ID} characters")
    given = dict(arguments)
    inner = given.pop("validate_only", False)
    if not isinstance(inner, bool):
        raise Malformed("validate_only: expected a boolean")
    values = read_arguments(row.arguments, given)
    if row.names_mirrors and ("mirror_topic_names" in values) == ("mirror_topic_name_pattern" in values):
        raise Malformed("exactly one of mirror_topic_names and mirror_topic_name_pattern must be given")
    return Command(command_id, check_link_name(link), kind, values, validate_only or inner, principal, time_ms)


def parse(raw: bytes) -> Command:
    """Read a record of the commands topic; raises Malformed naming the field."""
    if len(raw) > LONGEST_COMMAND_BYTES:
        raise Malformed(f"the command has {len(raw)} bytes, more than {LONGEST_COMMAND_BYTES}")
    fields = _object(raw)
    return check(Command.from_json({"arguments": {}, **{k: v for k, v in fields.items() if v is not None}}))


def check(command: Command) -> Command:
    """Give the command with its arguments checked and normalised; what `build` gave comes back as it is."""
    return build(
        command.kind,
        command.link,
        command.arguments,
        command.id,
        validate_only=command.validate_only,
        principal=command.principal,
        time_ms=command.time_ms,
    )


def dump(command: Command) -> bytes:
    """Write a command as the JSON that `parse` reads."""
    return json.dumps(command.to_json(), separators=(",", ":"), ensure_ascii=False).encode()


def identify(raw: bytes) -> tuple[str, str, str]:
    """Give id, link and kind of a bad record as far as they can be read, else empty: whom to answer about it."""
    try:
        fields = _object(raw)
    except LinkError:
        return "", "", ""
    names = ("id", "link", "kind")
    texts = [value if isinstance(value := fields.get(name), str) else "" for name in names]
    return texts[0][:LONGEST_ID], texts[1][:LONGEST_ID], texts[2][:LONGEST_ID]


def _object(raw: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(raw.decode("utf-8"))
        # half a surrogate pair is legal JSON, but no text: nothing that holds one could be sent or stored
        json.dumps(fields, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the command is not valid JSON: {shorten(str(error))}") from None
    if not isinstance(fields, dict):
        raise Malformed("the command is not a JSON object")
    return fields
