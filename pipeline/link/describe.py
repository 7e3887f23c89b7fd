"""Documentation printed from the tables, so that it cannot drift: commands, properties, states.

`python -m pipeline.link.describe commands` prints what is kept as `docs/commands.md`, and so on for each name of
`DOCUMENTS`; a test compares the files with the tables.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence

from pipeline.link.behaviour_properties import BEHAVIOUR
from pipeline.link.client_properties import CONNECTION, SECURITY
from pipeline.link.commands import KINDS, Kind
from pipeline.link.link_transitions import LINK_TRANSITIONS
from pipeline.link.models import Command, Result
from pipeline.link.property_rows import EVERY_MODE, Property
from pipeline.link.states import LinkState, MirrorStatus
from pipeline.link.topic_configs import CATEGORIES
from pipeline.link.transitions import ENTRIES, EXITS, TRANSITIONS, Before, Event

_EXAMPLES: Mapping[str, object] = {
    "source_cluster_id": "0gXf5xg8Sp2G4FlxNriNaA",
    "configs": [{"name": "bootstrap.servers", "value": "kafka-a.example.com:9092"}],
    "data": [{"name": "acl.sync.ms", "value": "10000", "operation": "SET"}],
    "source_topic_name": "orders",
    "mirror_topic_names": ["orders"],
    "mirror_topic_name": "orders",
    "log_end_offsets": [1200, 1187],
}


def commands() -> str:
    """Print docs/commands.md: the commands and results topics (CLI-65)."""
    lines = [
        "# Commands and results",
        "",
        "Everything that can be asked of clusterlink is a JSON record on the topic `clusterlink.commands`; REST and",
        "the CLI write the same records. The key of the record is the link's name. The answer is a record with the",
        "same id on `clusterlink.results`. A command whose id has been answered before has no second effect: it gets",
        "the same result again. That is remembered for a week, as long as the record itself is kept, and of more than",
        "10,000 commands a partition for an hour at least. An id that was used for another link is refused.",
        "",
        "Results are written at least once: a worker that dies at the wrong moment, and a repeated command, give the",
        "same result, word for word, a second time. Whoever reads them goes by the id.",
        "",
        "A record with a secret of a link in the clear (a password, a JAAS line, a key) is refused: everybody who may",
        "read the topic could read it. REST and the CLI encrypt secrets before they write, see",
        "[security](security.md).",
        "",
        "This page is printed from `pipeline/link/commands.py`.",
        "",
        "## A command",
        "",
        *_table(
            ("Field", "Type", "Meaning"),
            (
                ("`id`", "string, required", "Chosen by the sender, unique; the result carries it."),
                ("`link`", "string, required", "Name of the link; also the record's key."),
                ("`kind`", "string, required", "One of the kinds below."),
                ("`arguments`", "object", "As the kind says; null counts as not given."),
                ("`validate_only`", "boolean", "Check every precondition and change nothing (MIRROR-53)."),
                ("`principal`", "string", "Who asked, for the audit log."),
                ("`time_ms`", "integer", "When, epoch ms."),
            ),
        ),
        "",
        "## A result",
        "",
        *_table(
            ("Field", "Type", "Meaning"),
            (
                ("`id`, `link`, `kind`", "string", "Those of the command."),
                ("`status`", "integer", "HTTP status that REST answers with."),
                ("`error_code`, `message`", "integer, string, or null", "The refusal, as in spec 8.4."),
                (
                    "`data`",
                    "object or null",
                    'For operations on mirrors `{"mirrors": [...]}`, a row per topic (REST-63).',
                ),
                ("`worker`, `time_ms`", "string, integer", "Who answered, and when."),
            ),
        ),
        "",
        "```json",
        json.dumps(_plain(Result("7f0c", "link-1", "link.create", worker="worker-1", time_ms=1760000000000))),
        "```",
        "",
        "## Kinds",
    ]
    for kind in KINDS.values():
        lines += _kind(kind)
    return _text(lines)


def properties() -> str:
    """Print docs/properties.md: every property of a link."""
    lines = [
        "# Link properties",
        "",
        "Printed from the property table (`pipeline/link/behaviour_properties.py`, `client_properties.py`). D, S and B",
        "are the link modes DESTINATION, SOURCE and BIDIRECTIONAL.",
        "",
        "What is changeable takes effect while the link runs, at the latest one interval later (LINK-10); the test for",
        "each is named in `tests/unit/link/test_properties_are_shown.py`. A change under Connection opens the link's",
        "connections anew, but for the limits of fetches: `replica.fetch.*`, `replica.socket.timeout.ms`. Of these",
        "`replica.fetch.max.bytes` counts for a partition from its next record on.",
        "",
        "## Behaviour",
        "",
        *_properties(BEHAVIOUR),
        "",
        "## Connection and fetching",
        "",
        *_properties(CONNECTION),
        "",
        "## Security",
        "",
        "Each of these exists also with the head `local.`, for the own cluster (modes S, B).",
        "",
        *_properties(SECURITY),
        "",
        "## Topic configs on a mirror",
        "",
        *_table(
            ("Category", "Names"),
            [(category.value, ", ".join(f"`{name}`" for name in names)) for category, names in CATEGORIES.items()],
        ),
    ]
    return _text(lines)


def states() -> str:
    """Print docs/states.md: the transition tables of mirrors and links as diagrams (MIRROR-37, STATE-1..7)."""
    return _text(
        [
            "# States",
            "",
            "Printed from `pipeline/link/transitions.py` and `link_transitions.py`.",
            "",
            "## A mirror",
            "",
            "```mermaid",
            *mirror_diagram(),
            "```",
            "",
            "Where a state has no arrow for an event, the request is refused with code 400, naming the state.",
            "",
            "## A link",
            "",
            "```mermaid",
            *link_diagram(),
            "```",
            "",
            "Events that a state has no arrow for change nothing.",
        ]
    )


def mirror_diagram() -> list[str]:
    """The mirror's table as a Mermaid state diagram, events between two states on one arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for event, first in ENTRIES.items():
        arrows.setdefault(("[*]", first.value), []).append(_words(event))
    for (status, event), target in TRANSITIONS.items():
        for end in _ends(status, target):
            arrows.setdefault((status.value, end), []).append(_words(event))
    for event, statuses in EXITS.items():
        if len(statuses) < len(MirrorStatus):
            for status in statuses:
                arrows.setdefault((status.value, "[*]"), []).append(_words(event))
    everywhere = [
        f"    note right of STOPPED: {_words(event)}, from any state, forgets the mirror" for event in _anywhere()
    ]
    return ["stateDiagram-v2", *_arrows(arrows), *everywhere]


def link_diagram() -> list[str]:
    """The link's table as a Mermaid state diagram."""
    arrows: dict[tuple[str, str], list[str]] = {("[*]", LinkState.UNKNOWN.value): ["create"]}
    for (state, event), target in LINK_TRANSITIONS.items():
        arrows.setdefault((state.value, target.value), []).append(event.value.lower())
    return ["stateDiagram-v2", *_arrows(arrows)]


DOCUMENTS: Mapping[str, Callable[[], str]] = {"commands": commands, "properties": properties, "states": states}
"""Name of a document -> what prints it; kept as docs/<name>.md."""


def main(arguments: Sequence[str]) -> int:
    """Print one document; usage error: 2."""
    if len(arguments) != 1 or arguments[0] not in DOCUMENTS:
        print(f"usage: python -m pipeline.link.describe {'|'.join(DOCUMENTS)}", file=sys.stderr)
        return 2
    sys.stdout.write(DOCUMENTS[arguments[0]]())
    return 0


def _kind(kind: Kind) -> list[str]:
    lines = ["", f"### {kind.name}", "", kind.sentence, ""]
    if kind.arguments:
        rows = [
            (
                f"`{row.name}`" + (f" (or `{row.alias}`)" if row.alias else ""),
                row.shape.value.replace("|", "\\|"),
                "yes" if row.required else "no",
                "" if row.default is None else f"`{json.dumps(row.default)}`",
                f"{row.sentence} ({row.spec_id})",
            )
            for row in kind.arguments
        ]
        lines += [*_table(("Argument", "Type", "Required", "Default", "Meaning"), rows), ""]
    arguments = {row.name: _EXAMPLES[row.name] for row in kind.arguments if row.name in _EXAMPLES}
    if kind.name == "mirror.create":
        del arguments["configs"], arguments["mirror_topic_name"]
    example = Command("7f0c", "link-1", kind.name, arguments, time_ms=1760000000000)
    return [*lines, "```json", json.dumps(_plain(example)), "```"]


def _plain(record: Command | Result) -> dict[str, object]:
    return {name: value for name, value in record.to_json().items() if value not in ("", None)}


def _properties(rows: Iterable[Property]) -> list[str]:
    return _table(
        ("Property", "Type", "Default", "Valid", "Changeable", "Modes", "Meaning"),
        [
            (
                f"`{row.name}`",
                "string" if row.type == "word" else row.type.value,
                _default(row),
                row.valid,
                "yes" if row.mutable and not row.refused else "no",
                "all" if row.modes == EVERY_MODE else ", ".join(sorted(mode[0] for mode in row.modes)),
                f"{row.sentence}{' Secret.' if row.secret else ''} ({row.spec_id})",
            )
            for row in rows
        ],
    )


def _default(row: Property) -> str:
    if row.name == "topic.config.sync.include":
        return "the first two categories below"
    return "" if not row.default else f"`{row.default}`"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |".replace("|  ", "| ") for row in (head, ["---"] * len(head), *rows)]


def _ends(status: MirrorStatus, target: MirrorStatus | Before) -> list[str]:
    """Where an arrow goes; back to the state before means to either of the two that are kept."""
    if isinstance(target, Before):
        return [MirrorStatus.ACTIVE.value, MirrorStatus.PAUSED.value]
    return [target.value]


def _anywhere() -> list[Event]:
    return [event for event, statuses in EXITS.items() if len(statuses) == len(MirrorStatus)]


def _arrows(arrows: Mapping[tuple[str, str], Sequence[str]]) -> list[str]:
    return [f"    {begin} --> {end}: {', '.join(events)}" for (begin, end), events in arrows.items()]


def _words(event: Event) -> str:
    return event.value.lower().replace("_", "-")


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
