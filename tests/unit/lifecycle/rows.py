"""The control plane of one worker in memory: outcomes are applied as the agent does, the read model follows at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pipeline.control.outcomes import Outcome, decide
from pipeline.control.reach import Dialling
from pipeline.control.read_model import ReadModel
from pipeline.control.tail import Entry
from pipeline.control.topics import ControlTopics
from pipeline.lifecycle.context import Context
from pipeline.link.models import Command, Link, Mirror, Position
from pipeline.link.states import LinkState, MirrorStatus

TOPICS = ControlTopics("t", 4, 1)
LINK = Link(
    "l",
    "id",
    "cluster-link-id",
    remote_cluster_id="remote",
    configs={"bootstrap.servers": "there:9092"},
    state=LinkState.ACTIVE,
)


def mirror(topic: str = "m", **more: Any) -> Mirror:
    """A mirror of two partitions, ACTIVE unless told otherwise."""
    given: dict[str, Any] = {
        "partitions": 2,
        "status": MirrorStatus.ACTIVE,
        "source_topic_id": f"source-{topic}",
        "mirror_topic_id": f"id-{topic}",
        "start_offsets": (0, 0),
        "source_configs": {"cleanup.policy": "delete", "compression.type": "zstd", "max.message.bytes": "2000"},
    }
    return Mirror("l", topic, topic, **(given | more))


class Rows:
    """Tables, and the read model that shows them. `applied` and `late` count outcomes."""

    def __init__(self, link: Link | None = LINK, *mirrors: Mirror) -> None:
        self.tables: dict[tuple[str, str], dict[str, Any]] = {}
        self.model = ReadModel(TOPICS)
        self.version = 0
        self.applied = self.late = 0
        self.forgotten: list[tuple[str, str, int]] = []
        if link is not None:
            self.put("links", link.name, link.to_json())
        for row in mirrors:
            self.put("mirrors", f"{row.link}/{row.mirror_topic}", row.to_json())

    def put(self, table: str, key: str, row: Mapping[str, Any] | None) -> None:
        self.version += 1
        self._write(table, key, None if row is None else {"version": self.version, "row": dict(row)})

    def put_mirror(self, row: Mirror) -> None:
        self.put("mirrors", f"{row.link}/{row.mirror_topic}", row.to_json())

    def report(self, position: Position) -> None:
        self.put("positions", f"{position.link}/{position.mirror_topic}/{position.partition}", position.to_json())

    def ask(self, command: Command, stage: str = "") -> None:
        """A command as the commands agent takes it in."""
        self.put(
            "requests",
            command.id,
            {
                "id": command.id,
                "link": command.link,
                "command": command.to_json(),
                "partition": 0,
                "offset": self.version,
                "stage": stage,
                "result": None,
            },
        )

    async def send_outcome(self, raw: Mapping[str, Any]) -> None:
        self.version += 1
        outcome = Outcome.from_json(json.loads(json.dumps(raw)))
        writes = decide(outcome, lambda table, key: self.tables.get((table, key)), self.version)
        if writes is None:
            self.late += 1
            return
        self.applied += 1
        for table, key, row in writes:
            self._write(table, key, row)

    async def forget_position(self, link: str, topic: str, partition: int) -> None:
        self.forgotten.append((link, topic, partition))

    def context(self, **means: Any) -> Context:
        """A context on these rows, whose mirrors have their guards; what is not given must not be needed."""
        given: dict[str, Any] = {
            "worker": "w",
            "cluster_id": "own",
            "a_topic": "t.commands",
            "model": self.model,
            "own": None,
            "destination": None,
            "registry": None,
            "send_outcome": self.send_outcome,
            "forget_position": self.forget_position,
            "submit": None,
            "sealing": Clear(),
        }
        given |= means
        context = Context(**({"reach": Dialling(given["sealing"])} | given))
        context.guards.note(self.model.mirrors.values())
        return context

    def mirror(self, topic: str = "m") -> Mirror:
        return self.model.mirrors[f"l/{topic}"]

    def _write(self, table: str, key: str, value: dict[str, Any] | None) -> None:
        if value is None:
            self.tables.pop((table, key), None)
        else:
            self.tables[table, key] = value
        raw = None if value is None else json.dumps(value).encode()
        self.model.apply(Entry(TOPICS.changelog(table), 0, self.version, 0, json.dumps(key).encode(), raw))


class Clear:
    """Secrets as they are."""

    can_encrypt = False

    def open(self, link: Link) -> Mapping[str, str]:
        return link.configs

    def open_command(self, command: Command) -> Command:
        return command
