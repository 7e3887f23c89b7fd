"""What can be asked of a mirror now, and the table of all operations: drawn from the command and transition tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pipeline.api.operations import COMMANDS
from pipeline.link.commands import KINDS
from pipeline.link.mirror_rules import TWO_WAY
from pipeline.link.models import Link, Mirror
from pipeline.link.property_rows import RECEIVING
from pipeline.link.states import LinkMode
from pipeline.link.transitions import EXITS, PENDING, Event, applies_to, is_legal

DELETE = "delete"
OPERATIONS: Mapping[str, str] = {**COMMANDS, DELETE: "mirror.delete"}
"""Word of the REST path -> kind of the command."""

_SPEC_ID = re.compile(r" \([A-Z]+-\d+\)")


def offered(link: Link, mirror: Mirror) -> list[str]:
    """Operations that would be accepted of this mirror, but for what only a dry run can tell."""
    return [word for word, kind in OPERATIONS.items() if _is_offered(link, mirror, _event(kind))]


def operations() -> list[dict[str, Any]]:
    """The table, in the order in which buttons are drawn."""
    rows = []
    for word, kind in OPERATIONS.items():
        event = _event(kind)
        rows.append(
            {
                "operation": word,
                "command": kind,
                "sentence": _SPEC_ID.sub("", KINDS[kind].sentence),
                "applies_to": [str(status) for status in (applies_to(event) or EXITS[event])],
                "modes": sorted(str(mode) for mode in _modes(event)),
            }
        )
    return rows


def _event(kind: str) -> Event:
    return KINDS[kind].event or Event.TOPIC_DELETED


def _modes(event: Event) -> frozenset[LinkMode]:
    return frozenset({LinkMode.BIDIRECTIONAL}) if event in TWO_WAY else RECEIVING


def _is_offered(link: Link, mirror: Mirror, event: Event) -> bool:
    if link.mode not in _modes(event):
        return False
    if event in EXITS:
        return True
    return is_legal(mirror, event) and not (mirror.pending is not None and PENDING.get(event) is mirror.pending)
