"""Properties as people write them: lines of a file, or pairs on a command line (LINK-1, LINK-2)."""

from __future__ import annotations

import re

from pipeline.link.errors import InvalidProperties
from pipeline.link.names import shorten

_PAIR_BEGINS = re.compile(r"\s*[A-Za-z][A-Za-z0-9._-]*\s*=")
_CLOSES = {"{": "}", "[": "]"}


def parse_file(text: str) -> dict[str, str]:
    """Read `key=value` lines in any order: `#` begins a comment line, a trailing `\\` continues the value on the
    next line.

    Backslashes elsewhere, quotes and further `=` belong to the value. Raises InvalidProperties naming each bad line.
    """
    values: dict[str, str] = {}
    problems: list[str] = []
    for number, line in _logical_lines(text):
        name, equals, value = line.partition("=")
        name = name.strip()
        if not equals or not name:
            problems.append(f"line {number}: expected name=value")
        elif name in values:
            problems.append(f"line {number}: {shorten(name)} is given twice")
        values[name] = value.strip()
    if problems:
        raise InvalidProperties(problems)
    return values


def parse_pairs(text: str) -> dict[str, str]:
    """Read `name=value,name=value`. A comma divides pairs only where a further `name=` follows and outside quotes and
    brackets, so lists, JSON and login modules need no escaping. Raises InvalidProperties."""
    values: dict[str, str] = {}
    problems: list[str] = []
    for part in _split_pairs(text):
        name, equals, value = part.partition("=")
        name = name.strip()
        if not equals or not name:
            problems.append(f"'{shorten(part, 50)}': expected name=value")
        elif name in values:
            problems.append(f"{shorten(name)}: given twice")
        values[name] = value.strip()
    if problems:
        raise InvalidProperties(problems)
    return values


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Join continued lines, drop comments and blank ones; each with the number of its first line."""
    lines: list[tuple[int, str]] = []
    continued = False
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        line = raw.strip()
        if not continued and (not line or line.startswith("#")):
            continue
        goes_on = line.endswith("\\")
        part = line[:-1] if goes_on else line
        if continued:
            first, before = lines[-1]
            lines[-1] = (first, before + part)
        else:
            lines.append((number, part))
        continued = goes_on
    return lines


def _split_pairs(text: str) -> list[str]:
    parts, begin, closing = [], 0, list[str]()
    for at, char in enumerate(text):
        if closing and char == closing[-1]:
            closing.pop()
        elif closing and closing[-1] in "'\"":
            continue
        elif char in "'\"":
            closing.append(char)
        elif char in _CLOSES:
            closing.append(_CLOSES[char])
        elif char == "," and not closing and _PAIR_BEGINS.match(text, at + 1):
            parts.append(text[begin:at])
            begin = at + 1
    parts.append(text[begin:])
    return [part for part in parts if part.strip()]
