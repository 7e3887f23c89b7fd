"""How rows change: a worker decides, writes an outcome, and the agent that owns the table applies it or not. Pure.

The worker that leads a link does slow things (asks clusters, makes topics) outside any agent, from what its read model
shows. What it decided is one record on the outcomes topic: a list of row changes, each with the version it was decided
on, and the result of the request that asked for it. The agent compares versions: a decision made on rows that have
changed since, or for a request that is answered already (a worker that lost its partition meanwhile, or died and was
repeated), changes nothing at all. So each request has one result, and no row is changed half.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
Lookup = Callable[[str, str], Row | None]


@dataclass(frozen=True, slots=True)
class Change:
    """Put `row` (or remove, where None) in `table` under `key`, if its version is still `expects` (0: no such row)."""

    table: str
    key: str
    expects: int
    row: Mapping[str, Any] | None

    def to_json(self) -> Row:
        return {
            "table": self.table,
            "key": self.key,
            "expects": self.expects,
            "row": None if self.row is None else dict(self.row),
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided for one link. `request` and `result` are None where no command asked for it."""

    link: str
    changes: tuple[Change, ...]
    worker: str
    request: str | None = None
    stage: str = ""
    result: Mapping[str, Any] | None = None

    def to_json(self) -> Row:
        return {
            "link": self.link,
            "worker": self.worker,
            "request": self.request,
            "stage": self.stage,
            "result": None if self.result is None else dict(self.result),
            "changes": [c.to_json() for c in self.changes],
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Outcome:
        changes = tuple(Change(c["table"], c["key"], int(c["expects"]), c["row"]) for c in raw["changes"])
        return cls(raw["link"], changes, raw["worker"], raw.get("request"), raw.get("stage", ""), raw.get("result"))


ROWS_HEADER = "rows"
"""Header of a result: the rows that its command has changed, so that whoever waits for it can wait to see them too."""


def rows_changed(writes: Sequence[tuple[str, str, Row | None]]) -> bytes:
    """Value of that header: table, key and version of each row, version 0 where it was removed."""
    return json.dumps([[table, key, 0 if row is None else row["version"]] for table, key, row in writes]).encode()


def decide(outcome: Outcome, lookup: Lookup, version: int) -> list[tuple[str, str, Row | None]] | None:
    """Return the rows to write as (table, key, row or None to remove), or None where the outcome comes too late.

    `lookup(table, key)` gives the stored `{"version", "row"}` or None; `version` is what the new rows get: the
    outcome's own offset + 1, so that a row removed and made again never has a version that it had before. The request's
    own row is the first of the answer.

    An outcome that was applied, in whole or in part, by a worker that died before it could say so comes again, and so
    do those that followed it. It is known by its own version on one of its rows; then what is missing is written, and
    what was written since stays. An empty list is such an outcome with nothing missing.
    """
    writes: list[tuple[str, str, Row | None]] = []
    stored = None if outcome.request is None else lookup("requests", outcome.request)
    is_noted = stored is not None and _is_by_outcome(stored) and _version(stored) == version
    is_begun = is_noted or any(_version(lookup(c.table, c.key)) == version for c in outcome.changes)
    if outcome.request is not None and not is_noted:
        if stored is None or stored["row"]["result"] is not None:
            return None
        result = None if outcome.result is None else dict(outcome.result)
        row = {**stored["row"], "stage": outcome.stage, "result": result}
        writes.append(("requests", outcome.request, {"version": version, "row": row}))
    for change in outcome.changes:
        if _version(lookup(change.table, change.key)) != change.expects:
            if is_begun:
                continue  # written or removed already, by this outcome or by a later one
            return None
        if change.row is None:
            writes.append((change.table, change.key, None))
        else:
            writes.append((change.table, change.key, {"version": version, "row": dict(change.row)}))
    return writes


def _is_by_outcome(request: Row) -> bool:
    """Whether an outcome wrote the request's row; else it is as new, with a version of the commands topic's offsets."""
    return request["row"]["result"] is not None or bool(request["row"]["stage"])


def _version(stored: Row | None) -> int:
    return 0 if stored is None else int(stored["version"])
