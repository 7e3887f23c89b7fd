"""What a file of links declares, and what a cluster has of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Wanted(StrEnum):
    """The state a mirror shall have, in the words of the public examples (K8S-10)."""

    ACTIVE = "active"
    PAUSE = "pause"
    PROMOTE = "promote"
    FAILOVER = "failover"


@dataclass(frozen=True)
class DeclaredMirror:
    """One mirror. `line` is where the file names it."""

    name: str
    source_topic: str
    state: Wanted = Wanted.ACTIVE
    replication_factor: int | None = None
    configs: Mapping[str, str] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True)
class DeclaredLink:
    """One link. `configs` are in the form in which they are stored, references resolved; `ids` are those of MODE-14 and
    MODE-13 that were given. `lines` says where each property stands.
    """

    name: str
    ids: Mapping[str, str] = field(default_factory=dict)
    configs: Mapping[str, str] = field(default_factory=dict)
    mirrors: tuple[DeclaredMirror, ...] = ()
    line: int = 0
    lines: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class CurrentMirror:
    """A mirror that is there."""

    name: str
    source_topic: str
    status: str


@dataclass(frozen=True)
class CurrentLink:
    """A link that is there. `configs` holds what was set and may be read; `secrets` the names of what may not."""

    name: str
    ids: Mapping[str, str] = field(default_factory=dict)
    configs: Mapping[str, str] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    fixed: Mapping[str, str] = field(default_factory=dict)
    """Values that cannot be changed, defaults among them (LINK-4)."""
    mirrors: tuple[CurrentMirror, ...] = ()


class DeclarationError(Exception):
    """A file that cannot be used. `problems` holds a line for each, in the order of the file."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
