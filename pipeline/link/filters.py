"""The filter grammars of groups and topics (spec 2.5, 2.6), and what all filter grammars share (FILT-30..36).

`parse_*` collects every problem before it raises FilterError. Words may be in any case on input and are upper-case on
output (CONF-15). A text that is canonical but for its blanks is stored as it was given, so that tools which compare
what they set with what they read see no difference.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.link.names import shorten

NAME_FILTER_FIELDS = ("name", "patternType", "filterType")
EVERY_NAME = "*"
INTERNAL_TOPICS = frozenset({"__consumer_offsets", "__transaction_state", "__share_group_state"})
TYPOGRAPHIC = frozenset("\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u00ab\u00bb")
"""Quotes that word processors put where JSON wants a straight one (CONF-14)."""


class FilterError(ValueError):
    """Every problem of one filter, each a sentence that does not name the property."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class NameFilter:
    """Selects or leaves out the names that are, or begin with, `name`."""

    name: str
    pattern_type: str
    filter_type: str

    def matches(self, name: str) -> bool:
        if self.pattern_type == "PREFIXED":
            return name.startswith(self.name)
        return self.name in (EVERY_NAME, name)

    @property
    def is_every(self) -> bool:
        """The literal '*': every name (FILT-10)."""
        return self.name == EVERY_NAME and self.pattern_type == "LITERAL"

    def to_json(self) -> dict[str, str]:
        return dict(zip(NAME_FILTER_FIELDS, (self.name, self.pattern_type, self.filter_type), strict=True))


@dataclass(frozen=True)
class NameFilters:
    """A set of name filters; an EXCLUDE wins whatever the order (FILT-11, FILT-21)."""

    wrapper: str
    filters: tuple[NameFilter, ...] = ()

    def includes(self, name: str) -> tuple[NameFilter, ...]:
        """The INCLUDE filters that match, none if an EXCLUDE does."""
        hits = [one for one in self.filters if one.matches(name)]
        if any(one.filter_type == "EXCLUDE" for one in hits):
            return ()
        return tuple(hits)

    def selects_group(self, group: str) -> bool:
        """Whether a group's offsets are synced; matched against the source's name (FILT-13)."""
        return bool(self.includes(group))

    def selects_topic(self, topic: str) -> bool:
        """Whether a source topic is mirrored; '*' does not reach names that begin with '_' (FILT-20..22)."""
        if topic in INTERNAL_TOPICS:
            return False
        return any(not (topic.startswith("_") and one.is_every) for one in self.includes(topic))

    def to_json(self) -> dict[str, Any]:
        return {self.wrapper: [one.to_json() for one in self.filters]}


def parse_group_filters(text: str) -> NameFilters:
    """Read `consumer.offset.group.filters` (2.5); empty text selects nothing. Raises FilterError."""
    return _name_filters(text, "groupFilters")


def parse_topic_filters(text: str) -> NameFilters:
    """Read `auto.create.mirror.topics.filters` (2.6); empty text selects nothing. Raises FilterError."""
    return _name_filters(text, "topicFilters")


def canonical(parse: Callable[[str], Any]) -> Callable[[str], str]:
    """Give the function that turns a filter's text into the text to store."""

    def normalise(text: str) -> str:
        if not text.strip():
            return ""
        parsed = parse(text).to_json()
        return text if json.loads(text) == parsed else json.dumps(parsed, separators=(",", ":"))

    return normalise


def _name_filters(text: str, wrapper: str) -> NameFilters:
    if not text.strip():
        return NameFilters(wrapper)
    reading = Reading()
    rows = reading.wrapped(text, wrapper, may_be_bare=False)
    filters = tuple(_name_filter(reading, row, f"{wrapper}[{index}]") for index, row in enumerate(rows))
    reading.finish()
    return NameFilters(wrapper, filters)


def _name_filter(reading: Reading, row: Any, where: str) -> NameFilter:
    fields = reading.fields(row, where, NAME_FILTER_FIELDS, required=NAME_FILTER_FIELDS)
    name = fields.get("name")
    if name is not None and (not isinstance(name, str) or not name):
        reading.problem(f"{where}: name must be a non-empty string")
    return NameFilter(
        name if isinstance(name, str) else "",
        reading.word(fields, "patternType", where, ("LITERAL", "PREFIXED")),
        reading.word(fields, "filterType", where, ("INCLUDE", "EXCLUDE")),
    )


@dataclass
class Reading:
    """Reads one filter and collects what is wrong with it."""

    problems: list[str] = field(default_factory=list)

    def problem(self, text: str) -> None:
        self.problems.append(text)

    def finish(self) -> None:
        """Raise FilterError if anything was wrong."""
        if self.problems:
            raise FilterError(self.problems)

    def wrapped(self, text: str, wrapper: str, *, may_be_bare: bool) -> list[Any]:
        """Give the list under the wrapper key (FILT-30, FILT-31), or the bare list where that is allowed (FILT-1)."""
        document = self._json(text)
        if may_be_bare and isinstance(document, list):
            return document
        if not isinstance(document, Mapping) or wrapper not in document:
            found = f", found {_names(document)}" if isinstance(document, Mapping) else ""
            raise FilterError([f'expected an object with the key "{wrapper}"{found}'])
        for name in document:
            if name != wrapper:
                self.problem(f"unknown field '{shorten(name)}'; known: {wrapper}")
        rows = document[wrapper]
        if not isinstance(rows, list):
            raise FilterError([*self.problems, f'the value of the expected key "{wrapper}" must be a list'])
        return rows

    def fields(self, row: Any, where: str, known: Sequence[str], required: Collection[str]) -> Mapping[str, Any]:
        """Give an object's fields that have a value, noting unknown and missing ones (FILT-32, FILT-33)."""
        if not isinstance(row, Mapping):
            self.problem(f"{where}: expected an object with {', '.join(known)}")
            return {}
        for name in row:
            if name not in known:
                self.problem(f"{where}: unknown field '{shorten(name)}'; known: {', '.join(known)}")
        for name in known:
            if name in required and row.get(name) is None:
                self.problem(f"{where}: {name} is missing")
        return {name: value for name, value in row.items() if value is not None}

    def word(self, fields: Mapping[str, Any], name: str, where: str, allowed: Sequence[str]) -> str:
        """Give a word in upper case, noting one not allowed (FILT-34, FILT-35); `fields` notes a missing one."""
        if name not in fields:
            return ""
        value = fields[name]
        if not isinstance(value, str) or value.upper() not in allowed:
            shown = shorten(json.dumps(value, ensure_ascii=False))
            self.problem(f"{where}: {name} {shown} is not one of {', '.join(allowed)}")
            return ""
        return value.upper()

    def _json(self, text: str) -> Any:
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            hint = ""
            if TYPOGRAPHIC & set(text):
                hint = '; it holds typographic quotes, JSON wants "'
            raise FilterError(
                [f"not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}{hint}"]
            ) from None
        except (ValueError, RecursionError):
            raise FilterError(["not valid JSON at line 1, column 1: nested too deeply or a number too long"]) from None


def _names(document: Mapping[str, Any]) -> str:
    return ", ".join(f'"{shorten(name, 50)}"' for name in list(document)[:5]) or "an empty object"
