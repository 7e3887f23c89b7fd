"""What has to change so that a cluster has what a file declares. Pure: planned again after that, nothing.

Nothing is removed unless `prune` says so, and even that deletes no topic: a mirror that is not declared is failed over,
a link that is not declared is deleted after its mirrors were.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipeline.declared.models import CurrentLink, CurrentMirror, DeclaredLink, DeclaredMirror, Wanted
from pipeline.link.filters import parse_topic_filters
from pipeline.link.properties import PROPERTIES, SECRETS
from pipeline.link.property_rules import is_on
from pipeline.link.states import MirrorStatus

HIDDEN = "[secret]"
_STOPPED = {MirrorStatus.STOPPED, MirrorStatus.PENDING_STOPPED}
_LOST = {
    MirrorStatus.STOPPED: "delete the topic, and the mirror is made anew",
    MirrorStatus.PENDING_STOPPED: "it is being stopped",
    MirrorStatus.FAILED: "`clusterlink mirror describe` says why",
}
"""What nothing takes back to a mirror that runs or pauses."""
_FINAL = {Wanted.PROMOTE: "promote", Wanted.FAILOVER: "failover"}


class Action(StrEnum):
    """What is done to a link or a mirror."""

    CREATE_LINK = "create link"
    UPDATE_LINK = "update link"
    DELETE_LINK = "delete link"
    CREATE_MIRROR = "create mirror"
    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    FAILOVER = "failover"


_MOVES = {
    (MirrorStatus.ACTIVE, Wanted.PAUSE): Action.PAUSE,
    (MirrorStatus.PENDING_MIRROR, Wanted.PAUSE): Action.PAUSE,
    (MirrorStatus.PAUSED, Wanted.ACTIVE): Action.RESUME,
}


@dataclass(frozen=True)
class Difference:
    """One property: what it is and what it shall be, None for nothing. Secrets show as `HIDDEN`."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Step:
    """One call. `values` are the property values to set, None to reset; `mirror` is declared, or only named."""

    action: Action
    link: str
    differences: tuple[Difference, ...] = ()
    values: Mapping[str, str | None] | None = None
    declared: DeclaredLink | None = None
    mirror: str = ""
    declared_mirror: DeclaredMirror | None = None
    before: str = ""
    is_pruned: bool = False
    """It is done only because the file does not name it."""


@dataclass(frozen=True)
class Plan:
    """Steps in the order in which they are taken, and what stands against the file, by line."""

    steps: tuple[Step, ...]
    conflicts: tuple[tuple[int, str], ...] = ()


def plan(
    declared: Sequence[DeclaredLink], current: Sequence[CurrentLink], *, prune: bool = False, secrets: bool = False
) -> Plan:
    """Compare. `secrets`: set those again that a link has already; whether they differ cannot be seen."""
    here = {link.name: link for link in current}
    steps, conflicts = list[Step](), list[tuple[int, str]]()
    for link in declared:
        found = here.get(link.name)
        if found is None:
            shown = tuple(Difference(n, None, _shown(n, v)) for n, v in sorted(link.configs.items()))
            steps.append(Step(Action.CREATE_LINK, link.name, shown, declared=link))
        else:
            more, wrong = _update(link, found, prune, secrets)
            steps += more
            conflicts += wrong
        more, wrong = _mirrors(link, found.mirrors if found is not None else (), prune)
        steps += more
        conflicts += wrong
    if prune:
        gone = here.keys() - {link.name for link in declared}
        steps += [Step(Action.DELETE_LINK, name, is_pruned=True) for name in sorted(gone)]
    return Plan(tuple(steps), tuple(sorted(conflicts)))


def _update(
    link: DeclaredLink, found: CurrentLink, prune: bool, secrets: bool
) -> tuple[list[Step], list[tuple[int, str]]]:
    """The one atomic update of a link's properties, and what cannot be updated (LINK-4, LINK-6)."""
    conflicts = [
        (link.line, f"link {link.name}: {field} is {found.ids[field]}, and cannot become {value}")
        for field, value in link.ids.items()
        if field in found.ids and found.ids[field] != value
    ]
    differences = []
    for name, value in sorted(link.configs.items()):
        before = found.configs.get(name)
        if name in SECRETS and name in found.secrets and not secrets:
            continue
        if not PROPERTIES[name].mutable:
            fixed = found.fixed.get(name)
            if not _same(name, fixed, value):
                text = f"link {link.name}: {name} is {fixed or 'not set'}, and cannot be changed to {value}"
                conflicts.append((link.lines.get(name, link.line), text))
        elif name in SECRETS or not _same(name, before, value):
            differences.append(Difference(name, HIDDEN if name in found.secrets else before, _shown(name, value)))
    if prune:
        extra = (found.configs.keys() | found.secrets) - link.configs.keys()
        differences += [
            Difference(name, _shown(name, found.configs.get(name, "")), None)
            for name in sorted(extra)
            if PROPERTIES[name].mutable
        ]
    if not differences:
        return [], conflicts
    values = {d.name: None if d.after is None else link.configs[d.name] for d in differences}
    return [Step(Action.UPDATE_LINK, link.name, tuple(differences), values)], conflicts


def _mirrors(
    link: DeclaredLink, current: Sequence[CurrentMirror], prune: bool
) -> tuple[list[Step], list[tuple[int, str]]]:
    here = {mirror.name: mirror for mirror in current}
    steps, conflicts = list[Step](), list[tuple[int, str]]()
    for mirror in link.mirrors:
        found = here.get(mirror.name)
        if found is None:
            if mirror.state not in _FINAL:  # what was promoted and forgotten is a regular topic, as it shall be
                steps.append(Step(Action.CREATE_MIRROR, link.name, mirror=mirror.name, declared_mirror=mirror))
                if mirror.state is Wanted.PAUSE:
                    steps.append(Step(Action.PAUSE, link.name, mirror=mirror.name, before="new"))
            continue
        if found.source_topic != mirror.source_topic:
            text = f"mirror {mirror.name} mirrors {found.source_topic}, and cannot become one of {mirror.source_topic}"
            conflicts.append((mirror.line, text))
            continue
        action, conflict = _transition(found, mirror.state)
        if conflict:
            conflicts.append((mirror.line, f"mirror {mirror.name} {conflict}"))
        if action:
            steps.append(Step(action, link.name, mirror=mirror.name, before=found.status))
    if prune:
        declared = {mirror.name for mirror in link.mirrors}
        steps += [
            Step(Action.FAILOVER, link.name, mirror=m.name, before=m.status, is_pruned=True)
            for m in sorted(current, key=lambda m: m.name)
            if m.name not in declared and m.status not in _STOPPED and not _is_automatic(link, m)
        ]
    return steps, conflicts


def _transition(found: CurrentMirror, wanted: Wanted) -> tuple[Action | None, str]:
    """What takes a mirror to its state, or why nothing can."""
    status = found.status
    if wanted in _FINAL:
        is_done = status == MirrorStatus.STOPPED or (
            status == MirrorStatus.PENDING_STOPPED and wanted is Wanted.PROMOTE
        )
        return None if is_done else Action(_FINAL[wanted]), ""
    if status in _LOST:
        return None, f"is {status}; {_LOST[MirrorStatus(status)]}"
    return _MOVES.get((MirrorStatus(status), wanted)), ""


def _is_automatic(link: DeclaredLink, mirror: CurrentMirror) -> bool:
    """Whether the link itself makes this mirror, so that it is declared after all (MIRROR-110)."""
    if not is_on(link.configs, "auto.create.mirror.topics.enable"):
        return False
    filters = parse_topic_filters(link.configs.get("auto.create.mirror.topics.filters", ""))
    return filters.selects_topic(mirror.source_topic)


def _same(name: str, before: str | None, after: str) -> bool:
    """Whether two values mean the same; filters are compared as JSON."""
    row = PROPERTIES[name]
    if before is None:
        return row.default is not None and _same(name, row.default, after)
    try:
        before, after = row.normal(before), row.normal(after)
    except ValueError:
        return before == after
    if before == after:
        return True
    try:
        return bool(json.loads(before) == json.loads(after)) if name.endswith("filters") else False
    except ValueError:
        return False


def _shown(name: str, value: str) -> str:
    return HIDDEN if name in SECRETS else value
