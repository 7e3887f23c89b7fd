"""YAML with its places: plain values, and the line on which each stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]


@dataclass
class Places:
    """A document's lines by path, `("links", 0, "name")`, counted from 1; `problems` as (line, text)."""

    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[tuple[int, str]] = field(default_factory=list)

    def at(self, path: Path) -> int:
        """The line of a path, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, path: Path, text: str) -> None:
        """Something is wrong there; said with the path, as people write it."""
        self.problems.append((self.at(path), f"{spoken(path)}: {text}" if path else text))

    def sorted(self, name: str) -> list[str]:
        """Every problem, in the order of the file."""
        return [f"{name}:{line}: {text}" for line, text in dict.fromkeys(sorted(self.problems))]


def spoken(path: Path) -> str:
    """`links[0].configs["acl.filters"]`."""
    words = ""
    for part in path:
        if isinstance(part, int):
            words += f"[{part}]"
        elif "." in part:
            words += f'["{part}"]'
        else:
            words += f".{part}" if words else part
    return words


def load(text: str) -> tuple[Any, Places]:
    """Read one YAML (or JSON) document; what it is not fit for is among the problems."""
    places = Places()
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        places.problems.append((line, f"not YAML: {getattr(error, 'problem', None) or 'it cannot be read'}"))
        return None, places
    return (None if root is None else _value(root, (), places, frozenset())), places


def _value(node: yaml.Node, path: Path, places: Places, around: frozenset[int]) -> Any:
    places.lines.setdefault(path, node.start_mark.line + 1)
    if id(node) in around:
        places.problem(path, "an alias that contains itself")
        return None
    around |= {id(node)}
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
            inside = (*path, name)
            if not name or name in found:
                places.lines[inside] = key.start_mark.line + 1
                places.problem(inside, "given twice" if name else "a name is missing")
                continue
            places.lines[inside] = key.start_mark.line + 1
            found[name] = _value(value, inside, places, around)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_value(each, (*path, n), places, around) for n, each in enumerate(node.value)]
    return _scalar(node)


def _scalar(node: yaml.Node) -> Any:
    """A scalar; times stay text: `mirror.start.offset.spec` is one. What YAML calls null is None."""
    kinds = {"tag:yaml.org,2002:bool": "bool", "tag:yaml.org,2002:int": "int", "tag:yaml.org,2002:float": "float"}
    if node.tag == "tag:yaml.org,2002:null":
        return None
    if node.tag in kinds:
        try:
            return yaml.safe_load(node.value)
        except (yaml.YAMLError, ValueError):
            return node.value
    return node.value
