"""Arguments of commands: their shapes, and reading them from JSON with the field named in every refusal (REST-70)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pipeline.link import patterns
from pipeline.link.errors import Malformed
from pipeline.link.names import nearest, shorten

LONGEST_PATTERN = 1000
OPERATIONS = ("SET", "DELETE")


class Shape(StrEnum):
    """Type of an argument, in words for the documentation."""

    STRING = "string"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    NAMES = "list of strings"
    INTEGERS = "list of integers"
    PATTERN = "string, regular expression"
    PAIRS = 'list of {"name", "value"}'
    CHANGES = 'list of {"name", "value", "operation"}'


@dataclass(frozen=True)
class Argument:
    """One argument of a command. null counts as not given."""

    name: str
    shape: Shape
    sentence: str
    spec_id: str
    required: bool = False
    default: Any = None
    alias: str | None = None


def read_arguments(rows: Sequence[Argument], given: Mapping[str, Any]) -> dict[str, Any]:
    """Give what was given, checked and normalised, and the defaults; what has no value is left out."""
    known = {row.name: row for row in rows} | {row.alias: row for row in rows if row.alias}
    for name in given:
        if name not in known:
            close = nearest(name, known)
            hint = f"did you mean '{close}'?" if close else f"known: {', '.join(known) or 'none'}"
            raise Malformed(f"{shorten(name)}: unknown field; {hint}")
    values: dict[str, Any] = {}
    for row in rows:
        value = given.get(row.name)
        if value is None and row.alias is not None:
            value = given.get(row.alias)
        if value is not None:
            values[row.name] = _READ[row.shape](value, row.name)
        elif row.required:
            raise Malformed(f"{row.name}: missing")
        elif row.default is not None:
            values[row.name] = row.default
    return values


def _string(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise Malformed(f"{field}: expected a string")
    if not value:
        raise Malformed(f"{field}: must not be empty")
    return _storable(value, field)


def _integer(value: Any, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Malformed(f"{field}: expected an integer")
    return value


def _boolean(value: Any, field: str) -> bool:
    if not isinstance(value, bool):
        raise Malformed(f"{field}: expected true or false")
    return value


def _names(value: Any, field: str) -> list[str]:
    names = [_string(item, f"{field}[{index}]") for index, item in enumerate(_list(value, field))]
    if not names:
        raise Malformed(f"{field}: must name at least one")
    return list(dict.fromkeys(names))


def _integers(value: Any, field: str) -> list[int]:
    return [_integer(item, f"{field}[{index}]") for index, item in enumerate(_list(value, field))]


def _pattern(value: Any, field: str) -> str:
    text = _string(value, field)
    if len(text) > LONGEST_PATTERN:
        raise Malformed(f"{field}: longer than {LONGEST_PATTERN} characters")
    try:
        patterns.check(text)
    except patterns.BadPattern as error:
        raise Malformed(
            f"{field}: not a regular expression that can be used: {error}. Look-around and back-references are not "
            "known."
        ) from None
    return text


def _pairs(value: Any, field: str) -> list[dict[str, Any]]:
    return [_pair(item, f"{field}[{index}]", ("name", "value")) for index, item in enumerate(_list(value, field))]


def _changes(value: Any, field: str) -> list[dict[str, Any]]:
    rows = []
    for index, item in enumerate(_list(value, field)):
        where = f"{field}[{index}]"
        row = _pair(item, where, ("name", "value", "operation"))
        operation = item.get("operation") or OPERATIONS[0]
        if not isinstance(operation, str) or operation.upper() not in OPERATIONS:
            raise Malformed(f"{where}.operation: expected {' or '.join(OPERATIONS)}")
        rows.append({**row, "operation": operation.upper()})
    return rows


def _pair(item: Any, where: str, fields: tuple[str, ...]) -> dict[str, Any]:
    """Read one property; a JSON boolean or number as value becomes the string of it (REST-34)."""
    if not isinstance(item, Mapping):
        raise Malformed(f"{where}: expected an object with {' and '.join(fields)}")
    for name in item:
        if name not in fields:
            raise Malformed(f"{where}.{shorten(name)}: unknown field; known: {', '.join(fields)}")
    if "name" not in item:
        raise Malformed(f"{where}.name: missing")
    value = item.get("value")
    if isinstance(value, bool | int | float):
        value = json.dumps(value)
    if value is not None and not isinstance(value, str):
        raise Malformed(f"{where}.value: expected a string")
    if value is not None:
        _storable(value, f"{where}.value")
    return {"name": _string(item["name"], f"{where}.name"), "value": value}


def _list(value: Any, field: str) -> list[Any]:
    if not isinstance(value, list):
        raise Malformed(f"{field}: expected a list")
    return value


def _storable(text: str, field: str) -> str:
    """Refuse what UTF-8 cannot hold (lone surrogates, which JSON can spell)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Malformed(f"{field}: not valid Unicode") from None
    return text


_READ: Mapping[Shape, Callable[[Any, str], Any]] = {
    Shape.STRING: _string,
    Shape.INTEGER: _integer,
    Shape.BOOLEAN: _boolean,
    Shape.NAMES: _names,
    Shape.INTEGERS: _integers,
    Shape.PATTERN: _pattern,
    Shape.PAIRS: _pairs,
    Shape.CHANGES: _changes,
}
