"""Read a file of links: every problem at once, each with its line and field."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path as File
from typing import Any

from pipeline.declared.models import DeclarationError, DeclaredLink, DeclaredMirror, Wanted
from pipeline.declared.places import Path, Places, load
from pipeline.declared.schema import IDS, LINK_FIELDS, MIRROR_FIELDS
from pipeline.link.errors import InvalidProperties
from pipeline.link.names import link_name_problem, nearest, topic_name_problem
from pipeline.link.properties import check_new

Environment = Mapping[str, str]


def read(text: str, name: str, folder: File, environment: Environment = os.environ) -> list[DeclaredLink]:
    """The links that a file declares. `folder`: where its file references begin. Raises DeclarationError."""
    document, places = load(text)
    reading = _Reading(places, folder, environment)
    links = reading.document(document) if not places.problems else []
    if places.problems:
        raise DeclarationError(places.sorted(name))
    return links


class _Reading:
    def __init__(self, places: Places, folder: File, environment: Environment) -> None:
        self._places = places
        self._folder = folder
        self._environment = environment

    def document(self, value: Any) -> list[DeclaredLink]:
        top = self._object(value, (), ("links",))
        rows = self._list(top.get("links"), ("links",), required=True)
        links = [self._link(row, ("links", n)) for n, row in enumerate(rows)]
        self._once([(link.name, ("links", n, "name")) for n, link in enumerate(links)])
        return links

    def _link(self, value: Any, path: Path) -> DeclaredLink:
        row = self._object(value, path, LINK_FIELDS)
        name = self._name(row, path, link_name_problem)
        ids = {field: self._text(row[field], (*path, field)) for field in IDS if row.get(field) is not None}
        configs, lines = self._configs(row.get("configs"), (*path, "configs"))
        rows = self._list(row.get("mirrors"), (*path, "mirrors"))
        prefix = configs.get("cluster.link.prefix", "")
        mirrors = tuple(self._mirror(each, (*path, "mirrors", n), prefix) for n, each in enumerate(rows))
        self._once([(m.name, (*path, "mirrors", n, "name")) for n, m in enumerate(mirrors)])
        return DeclaredLink(name, ids, configs, mirrors, self._places.at(path), lines)

    def _configs(self, value: Any, path: Path) -> tuple[Mapping[str, str], dict[str, int]]:
        """Properties by the rules of the table (2.7), in their stored form."""
        rows = self._object(value, path, None) if value is not None else {}
        given = {name: text for name, each in rows.items() if (text := self._value(each, (*path, name))) is not None}
        lines = {name: self._places.at((*path, name)) for name in given}
        try:
            return check_new(given, int(time.time() * 1000)).configs, lines
        except InvalidProperties as error:
            for problem in error.problems:
                about, _, text = problem.partition(": ")
                self._places.problem((*path, about), text or problem)
            return given, lines

    def _mirror(self, value: Any, path: Path, prefix: str) -> DeclaredMirror:
        row = self._object(value, path, MIRROR_FIELDS)
        name = self._name(row, path, topic_name_problem)
        if row.get("source_topic") is not None:
            source = self._text(row["source_topic"], (*path, "source_topic"))
        else:
            source = name.removeprefix(prefix)
        if name and prefix + source != name:
            self._places.problem((*path, "name"), f"must be the prefix and the source topic, '{prefix}{source}'")
        state = row.get("state", Wanted.ACTIVE)
        if state not in set(Wanted):
            self._places.problem((*path, "state"), f"must be one of {', '.join(Wanted)}")
            state = Wanted.ACTIVE
        replicas = row.get("replication_factor")
        if replicas is not None and (type(replicas) is not int or not 0 < replicas < 32768):
            self._places.problem((*path, "replication_factor"), "must be a whole number from 1 on")
            replicas = None
        configs = self._object(row["configs"], (*path, "configs"), None) if row.get("configs") is not None else {}
        texts = {n: self._value(v, (*path, "configs", n)) for n, v in configs.items()}
        values = {n: v for n, v in texts.items() if v is not None}
        return DeclaredMirror(name, source, Wanted(state), replicas, values, self._places.at(path))

    def _value(self, value: Any, path: Path) -> str | None:
        """The text of a property's value; None where it is left out (null) or cannot be had."""
        if isinstance(value, dict) and value.keys() & {"env", "file"}:
            return self._referenced(value, path)
        if isinstance(value, dict):
            return json.dumps(value, separators=(",", ":"))
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return ",".join(value)
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, str | int | float):
            return str(value)
        if value is not None:
            self._places.problem(path, "must be a text, a number, true or false, or {env: ..} or {file: ..}")
        return None

    def _referenced(self, value: dict[str, Any], path: Path) -> str | None:
        row = self._object(value, path, ("env", "file"))
        if len(row) != 1:
            self._places.problem(path, "give either env or file")
            return None
        kind, where = next(iter(row.items()))
        name = self._text(where, (*path, kind))
        if not name:
            return None
        if kind == "env":
            if name not in self._environment:
                self._places.problem(path, f"the environment has no variable {name}")
            return self._environment.get(name)
        try:
            return (self._folder / name).read_text("utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            self._places.problem(path, f"cannot read {name}: {getattr(error, 'strerror', None) or 'no UTF-8 text'}")
            return None

    def _object(self, value: Any, path: Path, fields: tuple[str, ...] | None) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._places.problem(path, "must hold fields" + (f": {', '.join(fields)}" if fields else ""))
            return {}
        for name in value if fields is not None else ():
            if name not in (fields or ()):
                close = nearest(name, fields or ())
                hint = f"did you mean {close}?" if close else f"known are {', '.join(fields or ())}"
                self._places.problem((*path, name), f"unknown field; {hint}")
        return value

    def _list(self, value: Any, path: Path, required: bool = False) -> list[Any]:
        if isinstance(value, list):
            return value
        if value is not None or required:
            self._places.problem(path, "must be a list")
        return []

    def _name(self, row: Mapping[str, Any], path: Path, problem: Callable[[str], str | None]) -> str:
        if row.get("name") is None:
            self._places.problem(path, "name is missing")
            return ""
        name = self._text(row["name"], (*path, "name"))
        if wrong := problem(name):
            self._places.problem((*path, "name"), wrong)
        return name

    def _text(self, value: Any, path: Path) -> str:
        if isinstance(value, str) and value:
            return value
        if type(value) is int:
            return str(value)
        self._places.problem(path, "must be a text")
        return ""

    def _once(self, names: list[tuple[str, Path]]) -> None:
        seen = set[str]()
        for name, path in names:
            if name and name in seen:
                self._places.problem(path, f"'{name}' is declared twice")
            seen.add(name)
