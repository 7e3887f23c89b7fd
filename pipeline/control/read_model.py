"""What every worker knows: the rows of all tables, rebuilt from their changelogs, in memory.

Rows of links, mirrors and requests carry a version that grows by one with each change, so that a decision made on an
old row is noticed (see `outcomes`). Readers get frozen objects; nothing but `apply` changes the model.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pipeline.control.keys import mirror_key
from pipeline.control.tail import Entry
from pipeline.control.topics import ControlTopics
from pipeline.link.carrier import Carrier
from pipeline.link.models import Link, Mirror, Position, TaskStatus

TABLES = (
    "links",
    "mirrors",
    "requests",
    "positions",
    "tasks",
    "synced_offsets",
    "owned_acls",
    "carriers",
    "saved_offsets",
)


@dataclass(frozen=True, slots=True)
class Request:
    """A command on its way, or done: what the requests table holds by command id."""

    id: str
    link: str
    command: dict[str, Any]
    partition: int
    offset: int
    stage: str
    result: dict[str, Any] | None
    version: int

    @property
    def is_done(self) -> bool:
        """Whether its result has been given."""
        return self.result is not None


@dataclass
class ReadModel:
    """All rows by key; `versions` by (table, key)."""

    topics: ControlTopics
    links: dict[str, Link] = field(default_factory=dict)
    mirrors: dict[str, Mirror] = field(default_factory=dict)
    requests: dict[str, Request] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    tasks: dict[str, TaskStatus] = field(default_factory=dict)
    synced_offsets: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By "link/group": what the offset sync remembers (`pipeline/sync/marks.py`)."""
    owned_acls: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By "link/number": the ACLs that a link created (`pipeline/sync/acl_ownership.py`)."""
    carriers: dict[str, Carrier] = field(default_factory=dict)
    """By link: the last sign of life of the side that dials for it (`pipeline/lifecycle/hearing.py`)."""
    saved_offsets: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By "link/topic/group": what groups had committed on a topic that is made anew (`lifecycle/restore_groups.py`)."""
    versions: dict[tuple[str, str], int] = field(default_factory=dict)
    _changed: dict[str, asyncio.Event] = field(default_factory=dict)
    _mirrors_of: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _pending: dict[str, Request] = field(default_factory=dict)
    _watchers: list[Callable[[str, str], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._table_of = {self.topics.changelog(table): table for table in TABLES}

    def watch(self, watcher: Callable[[str, str], None]) -> None:
        """Call `watcher(table, key)` after every applied row."""
        self._watchers.append(watcher)

    def apply(self, entry: Entry) -> None:
        """Take over one changelog record; a tombstone removes the row."""
        table = self._table_of.get(entry.topic)
        if table is None or entry.key is None:
            return
        key = str(json.loads(entry.key))
        value = None if entry.value is None else json.loads(entry.value)
        if value is None:
            self._remove(table, key)
        else:
            self._store(table, key, value)
        for watcher in self._watchers:
            watcher(table, key)
        if link := self._link_of(table, key, value):
            self.changed(link).set()
            del self._changed[link]

    def changed(self, link: str) -> asyncio.Event:
        """Set with the next row of this link, its requests, mirrors or tasks; positions do not count, they come
        always.
        """
        return self._changed.setdefault(link, asyncio.Event())

    @staticmethod
    def _link_of(table: str, key: str, value: dict[str, Any] | None) -> str:
        if table == "positions":
            return ""
        if table == "requests":
            return str(value["row"]["link"]) if value else ""
        return key.partition("/")[0]

    def mirrors_of(self, link: str) -> list[Mirror]:
        """Mirrors of a link, sorted by name."""
        return [self.mirrors[key] for key in sorted(self._mirrors_of.get(link, ()))]

    def positions_of(self, link: str, mirror_topic: str) -> list[Position]:
        """What is known of a mirror's partitions, sorted by partition."""
        mirror = self.mirrors.get(mirror_key(link, mirror_topic))
        count = mirror.partitions if mirror else 0
        found = (self.positions.get(f"{link}/{mirror_topic}/{p}") for p in range(count))
        return [p for p in found if p is not None]

    def pending(self, link: str | None = None) -> list[Request]:
        """Commands without a result, in the order in which they were given."""
        found = [r for r in self._pending.values() if link is None or r.link == link]
        return sorted(found, key=lambda r: (r.partition, r.offset))

    def version(self, table: str, key: str) -> int:
        """Version of a row; 0 where there is none."""
        return self.versions.get((table, key), 0)

    def _store(self, table: str, key: str, value: dict[str, Any]) -> None:
        row, version = value["row"], int(value.get("version", 0))
        if table == "links":
            self.links[key] = Link.from_json(row)
        elif table == "mirrors":
            self.mirrors[key] = mirror = Mirror.from_json(row)
            self._mirrors_of[mirror.link].add(key)
        elif table == "requests":
            request = Request(**{**row, "version": version})
            self.requests[key] = request
            if request.is_done:
                self._pending.pop(key, None)
            else:
                self._pending[key] = request
        elif table == "positions":
            self.positions[key] = Position.from_json(row)
        elif table == "tasks":
            self.tasks[key] = TaskStatus.from_json(row)
        elif table == "carriers":
            self.carriers[key] = Carrier.from_json(row)
        else:
            getattr(self, table)[key] = row
        self.versions[table, key] = version

    def _remove(self, table: str, key: str) -> None:
        if table == "mirrors" and key in self.mirrors:
            self._mirrors_of[self.mirrors[key].link].discard(key)
        if table == "requests":
            self._pending.pop(key, None)
        getattr(self, table).pop(key, None)
        self.versions.pop((table, key), None)
