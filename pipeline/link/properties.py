"""The properties of a link: one table, and everything that is done with it by rule (spec 2).

`check_new` and `check_update` collect every problem before they refuse, so that a user corrects a file once; an
update is all or nothing (LINK-5, LINK-6). Each problem is one line that begins with the property's name (2.7). What
is kept is only what was set: everything else has its default, today's and tomorrow's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.link.behaviour_properties import BEHAVIOUR
from pipeline.link.client_properties import CONNECTION, LOCAL_SECURITY, SECURITY
from pipeline.link.errors import InvalidProperties
from pipeline.link.filters import FilterError
from pipeline.link.names import nearest, shorten
from pipeline.link.property_rows import Property
from pipeline.link.property_rules import FEATURES, cross_problems, cross_warnings
from pipeline.link.states import LinkMode

PROPERTIES: Mapping[str, Property] = {row.name: row for row in (*BEHAVIOUR, *CONNECTION, *SECURITY, *LOCAL_SECURITY)}
"""Name -> row, in the order of the specification."""

SECRETS = frozenset(row.name for row in PROPERTIES.values() if row.secret)
"""What is stored encrypted and never shown (LINK-11, SEC-30)."""

RENAMED = {"acl.filters.json": "acl.filters", "acl.sync.enabled": "acl.sync.enable"}
"""Names of older guides, refused with a hint (CONF-1, CONF-2)."""


@dataclass(frozen=True)
class Checked:
    """Properties that may be stored. `changed` names what an update set or reset; `secrets` what it newly set and
    has to be encrypted. Warnings go into the answer (FILT-47, FILT-48)."""

    configs: Mapping[str, str]
    changed: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()

    @property
    def secrets(self) -> frozenset[str]:
        return self.changed & SECRETS & self.configs.keys()


def pairs(rows: Iterable[Mapping[str, Any]]) -> dict[str, str | None]:
    """Read `configs` of a create request (REST-34); InvalidProperties names what is given twice."""
    values: dict[str, str | None] = {}
    twice = []
    for row in rows:
        if row["name"] in values:
            twice.append(f"{shorten(row['name'])}: given twice")
        values[row["name"]] = row["value"]
    if twice:
        raise InvalidProperties(sorted(set(twice)))
    return values


def check_new(given: Mapping[str, str | None], now_ms: int) -> Checked:
    """Check the properties of a new link; null counts as not given. Raises InvalidProperties with every problem."""
    mode, problems = _mode(given), list[str]()
    values: dict[str, str] = {}
    for name, text in given.items():
        row, more = _known(name, mode)
        problems += more
        if row is not None and text is not None:
            normal, more = _value(row, text)
            problems += more
            if normal is not None:
                values[name] = normal
    problems += cross_problems(values, mode, now_ms, values.keys()) if mode else []
    _refuse(problems)
    return Checked(values, frozenset(values), cross_warnings(values))


def check_update(
    current: Mapping[str, str], changes: Sequence[Mapping[str, Any]], mode: LinkMode, now_ms: int
) -> Checked:
    """Check an update: SET and DELETE of single properties on top of what is stored, all or none (LINK-3, LINK-6).

    Each of `changes` has name, value and operation (REST-35); SET with null resets, as DELETE does (LINK-13).
    Stored values are not judged again: secrets among them are encrypted, and a stricter version must not lock a
    link. Raises InvalidProperties with every problem.
    """
    values, problems, seen = dict(current), list[str](), set[str]()
    for change in changes:
        name, text = change["name"], change.get("value")
        row, more = _known(name, mode)
        if name in seen:
            more = [*more, f"{shorten(name)}: given twice"]
        seen.add(name)
        if row is not None and not row.mutable:
            more = _fixed(row, text, change, current)
        elif row is not None:
            values.pop(name, None)
            if change.get("operation", "SET") == "SET" and text is not None:
                normal, wrong = _value(row, text)
                more = [*more, *wrong]
                if normal is not None:
                    values[name] = normal
        problems += more
    changed = {name for name in seen if values.get(name) != current.get(name)}
    changed |= _clear_filters(current, values, seen)
    problems += cross_problems(values, mode, now_ms, changed)
    _refuse(problems)
    return Checked(values, frozenset(changed), cross_warnings(values, changed))


def effective(configs: Mapping[str, str], name: str) -> str | None:
    """The value that holds: what was set, else the default."""
    return configs.get(name, PROPERTIES[name].default)


def typed(configs: Mapping[str, str], name: str) -> Any:
    """The value that holds, as a Python value."""
    row = PROPERTIES[name]
    return row.read(configs[name]) if name in configs else row.typed_default


def masked(configs: Mapping[str, str]) -> dict[str, str]:
    """For logs: secrets and unknown names without their values (SEC-34)."""
    return {name: "[hidden]" if name in SECRETS or name not in PROPERTIES else value for name, value in configs.items()}


def _mode(given: Mapping[str, str | None]) -> LinkMode | None:
    """The new link's mode; None for an unknown one, which its own row tells about (FILT-49)."""
    try:
        return LinkMode.read((given.get("link.mode") or LinkMode.DESTINATION).strip())
    except ValueError:
        return None


def _known(name: str, mode: LinkMode | None) -> tuple[Property | None, list[str]]:
    """Find the row of a name that may be set on a link of this mode (FILT-44, FILT-46)."""
    row = PROPERTIES.get(name)
    if row is None:
        close = RENAMED.get(name) or nearest(name, PROPERTIES)
        return None, [f"{shorten(name)}: unknown property" + (f"; did you mean {close}?" if close else "")]
    if row.read_only:
        return None, [f"{name}: is read-only"]
    if row.refused:
        return None, [f"{name}: {row.refused}"]
    if (
        mode is not None
        and mode not in row.modes
        and not (name == "consumer.group.prefix.enable" and mode is LinkMode.BIDIRECTIONAL)
    ):
        allowed = " or ".join(sorted(row.modes))
        return None, [f"{name}: cannot be set on a {mode} link, only on a {allowed} link"]
    return row, []


def _value(row: Property, text: str) -> tuple[str | None, list[str]]:
    """Give the form to store, None for none, and what is wrong with the value."""
    if not text.strip() and row.empty_is_unset:
        return None, []
    try:
        return row.normal(text), []
    except FilterError as error:
        return None, [f"{row.name}: {problem}" for problem in error.problems]
    except ValueError as error:
        return None, [f"{row.name}: {error}"]


def _fixed(row: Property, text: str | None, change: Mapping[str, Any], current: Mapping[str, str]) -> list[str]:
    """Refuse a change of a fixed property (FILT-43); setting it to what it is changes nothing."""
    if change.get("operation", "SET") == "SET" and text is not None:
        normal, _ = _value(row, text)
        if normal == effective(current, row.name):
            return []
    return [f"{row.name}: cannot be changed after the link is created"]


def _clear_filters(current: Mapping[str, str], values: dict[str, str], seen: set[str]) -> set[str]:
    """Turning a feature off clears its filters, unless the same update gives new ones to keep (LINK-7, FILT-47)."""
    cleared = set()
    for switch, filters in FEATURES.items():
        turned_off = typed(current, switch) and not typed(values, switch)
        if turned_off and filters in values and filters not in seen:
            del values[filters]
            cleared.add(filters)
    return cleared


def _refuse(problems: list[str]) -> None:
    if problems:
        raise InvalidProperties(sorted(set(problems)))
