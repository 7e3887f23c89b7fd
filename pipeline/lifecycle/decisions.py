"""A decision of a link's leader, put together row by row and sent as one outcome (`pipeline/control/outcomes.py`)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipeline.control.keys import mirror_key
from pipeline.control.outcomes import Change, Outcome
from pipeline.control.read_model import ReadModel
from pipeline.link.carrier import Carrier
from pipeline.link.link_transitions import LinkChange
from pipeline.link.models import Link, Mirror, Result, TaskError, TaskStatus
from pipeline.link.transitions import Change as MirrorChange

MOST_KEPT_ROWS = 2_000
"""Rows of one table that a link's deletion forgets at once."""


class Decision:
    """Rows to write, each remembered with the version of the row it was decided on."""

    def __init__(self, model: ReadModel, link: str) -> None:
        self._model = model
        self._changes: dict[tuple[str, str], Change] = {}
        self.link = link
        self.data: Any = None
        self.happened: list[MirrorChange | LinkChange] = []

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not self._changes

    def note(self, change: MirrorChange | LinkChange | None) -> None:
        """Remember a change of state; it is logged when the decision is sent (STATE-62)."""
        if change is not None:
            self.happened.append(change)

    def put_link(self, link: Link) -> None:
        self._put("links", link.name, link.to_json())

    def drop_link(self, name: str) -> None:
        self._put("links", name, None)
        if name in self._model.carriers:
            self._put("carriers", name, None)

    def put_carrier(self, carrier: Carrier) -> None:
        self._put("carriers", carrier.link, carrier.to_json())

    def put_mirror(self, mirror: Mirror) -> None:
        self._put("mirrors", mirror_key(mirror.link, mirror.mirror_topic), mirror.to_json())

    def list_errors(self, mirror: Mirror, errors: tuple[TaskError, ...]) -> None:
        """Say what a transition waits for (MIRROR-55); the row is written only where that is news."""
        if mirror.transition_errors != errors:
            self.put_mirror(replace(mirror, transition_errors=errors))

    def drop_mirror(self, mirror: Mirror) -> None:
        self._put("mirrors", mirror_key(mirror.link, mirror.mirror_topic), None)

    def put_task(self, task: TaskStatus) -> None:
        self._put("tasks", f"{task.link}/{task.task}", task.to_json())

    def put_kept(self, table: str, name: str, row: dict[str, Any] | None) -> None:
        """A row of what is kept for the link in `synced_offsets`, `owned_acls` or `saved_offsets`; None removes it."""
        self._put(table, f"{self.link}/{name}", row)

    def drop_tasks(self) -> None:
        """Forget what the link's tasks reported, and what they kept for themselves.

        What is more than fits into one record stays behind; it names the link's id, so that nobody takes it for theirs.
        """
        for key in [k for k, t in self._model.tasks.items() if t.link == self.link]:
            self._put("tasks", key, None)
        head = f"{self.link}/"
        for table in ("owned_acls", "synced_offsets", "saved_offsets"):
            rows = [key for key in getattr(self._model, table) if key.startswith(head)]
            for key in rows[:MOST_KEPT_ROWS]:
                self._put(table, key, None)

    def outcome(
        self, worker: str, request: str | None = None, result: Result | None = None, stage: str = ""
    ) -> Outcome:
        """The record to send."""
        return Outcome(
            self.link,
            tuple(self._changes.values()),
            worker,
            request,
            stage,
            None if result is None else result.to_json(),
        )

    def touched(self) -> list[tuple[str, str, int]]:
        """(table, key, version decided on) of every row, to wait until the decision is seen."""
        return [(c.table, c.key, c.expects) for c in self._changes.values()]

    def _put(self, table: str, key: str, row: dict[str, Any] | None) -> None:
        self._changes[table, key] = Change(table, key, self._model.version(table, key), row)
