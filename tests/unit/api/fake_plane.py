"""A control plane in memory: enough of the workers' behaviour to test the doors of the house, and scripted answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.cluster.administration.acls import Acl
from pipeline.link import errors
from pipeline.link.models import Command, Link, Mirror, Position, Result, TaskError, TaskStatus
from pipeline.link.states import LinkMode, LinkState, MirrorStatus, TaskName, TaskState

CLUSTER = "6UyhTfbkTkmxYpNHiBnHXQ"
SOURCE = "0gXf5xg8Sp2G4FlxNriNaA"
AFTER = {
    "mirror.promote": MirrorStatus.STOPPED,
    "mirror.failover": MirrorStatus.STOPPED,
    "mirror.pause": MirrorStatus.PAUSED,
    "mirror.resume": MirrorStatus.ACTIVE,
}

Answer = Callable[[Command], Any]


class FakePlane:
    """Implements ControlPlane. `script[kind]` answers commands of that kind; everything submitted is kept in
    `commands`.
    """

    def __init__(self) -> None:
        self.cluster_id = CLUSTER
        self.worker = "worker-1"
        self.is_alive = True
        self.commands: list[Command] = []
        self.timeouts: list[float] = []
        self.script: dict[str, Answer] = {}
        self.at_source: dict[str, int] = {"orders": 3, "payments": 6}
        self.acls: dict[str, list[Acl]] = {}
        self.audit_lines: list[Mapping[str, Any]] = []
        self._links: dict[str, Link] = {}
        self._mirrors: dict[tuple[str, str], Mirror] = {}
        self._positions: dict[tuple[str, str], list[Position]] = {}
        self._tasks: dict[str, list[TaskStatus]] = {}

    def links(self) -> Mapping[str, Link]:
        return self._links

    def link(self, name: str) -> Link | None:
        return self._links.get(name)

    def mirrors(self, link: str | None = None) -> list[Mirror]:
        return [mirror for mirror in self._mirrors.values() if link in (None, mirror.link)]

    def mirror(self, link: str, mirror_topic: str) -> Mirror | None:
        return self._mirrors.get((link, mirror_topic))

    def positions(self, link: str, mirror_topic: str) -> list[Position]:
        return self._positions.get((link, mirror_topic), [])

    def tasks(self, link: str) -> list[TaskStatus]:
        return self._tasks.get(link, [])

    def created_acls(self, link: str) -> list[Acl]:
        return self.acls.get(link, [])

    def audit(self, link: str | None = None) -> list[Mapping[str, Any]]:
        return [line for line in self.audit_lines if link in (None, line["link"])]

    async def source_topics(self, link: str) -> Mapping[str, int]:
        if link not in self._links:
            raise errors.LinkNotFound(link)
        return self.at_source

    def add_link(self, name: str, **fields: Any) -> Link:
        given = {"state": LinkState.ACTIVE, "remote_cluster_id": SOURCE, "configs": {"bootstrap.servers": "a:9092"}}
        link = Link(name, "d27ab324-82e8-4806-8487-1c6dcb3377dc", "0nqzJILoSAaEhxxtyzN33A", **{**given, **fields})
        self._links[name] = link
        return link

    def add_mirror(
        self, link: str, topic: str, ends: Mapping[int, tuple[int, int]] | None = None, **fields: Any
    ) -> Mirror:
        """`ends` gives (mirror log end, source high watermark) of each partition that has reported."""
        given: dict[str, Any] = {"partitions": 2, "status": MirrorStatus.ACTIVE, "status_time_ms": 1612550939300}
        mirror = Mirror(link, topic, fields.pop("source_topic", topic), **{**given, **fields})
        self._mirrors[link, topic] = mirror
        self._positions[link, topic] = [
            Position(link, topic, partition, end, high, end - 1, worker=self.worker, last_fetch_ms=5)
            for partition, (end, high) in sorted((ends or {}).items())
        ]
        return mirror

    def put_mirror(self, mirror: Mirror) -> None:
        """Replace a mirror; its positions stay."""
        self._mirrors[mirror.link, mirror.mirror_topic] = mirror

    def add_task(self, link: str, task: TaskName, state: TaskState, *task_errors: TaskError) -> None:
        self._tasks.setdefault(link, []).append(TaskStatus(link, task, state, task_errors, 1_000, 12, {"groups": 3}))

    async def submit(self, command: Command, timeout_s: float = 60) -> Result:
        if not self.is_alive:
            raise errors.Unavailable("No worker is alive; nothing was queued.")
        self.commands.append(command)
        self.timeouts.append(timeout_s)
        try:
            data = self._answer(command)
        except errors.LinkError as error:
            return Result(command.id, command.link, command.kind, error.status, error.error_code, error.message)
        return data if isinstance(data, Result) else Result(command.id, command.link, command.kind, data=data)

    def _answer(self, command: Command) -> Any:
        if command.kind in self.script:
            return self.script[command.kind](command)
        if command.kind == "link.create":
            return self._create_link(command)
        if command.link not in self._links:
            raise errors.LinkNotFound(command.link)
        if command.kind == "link.update":
            return self._update_link(command)
        if command.kind == "link.delete":
            return self._delete_link(command)
        if command.kind == "mirror.create":
            return self._create_mirror(command)
        return self._operate(command)

    def _create_link(self, command: Command) -> None:
        if command.link in self._links:
            raise errors.LinkExists(command.link)
        given = command.arguments
        configs = {pair["name"]: pair["value"] for pair in given.get("configs", ()) if pair["value"] is not None}
        remote = given.get("source_cluster_id") or given.get("destination_cluster_id") or given.get("remote_cluster_id")
        if not command.validate_only:
            mode = LinkMode.read(configs.get("link.mode", "DESTINATION"))
            self.add_link(command.link, configs=configs, mode=mode, remote_cluster_id=remote)

    def _update_link(self, command: Command) -> None:
        link = self._links[command.link]
        configs = dict(link.configs)
        for row in command.arguments["data"]:
            if row["operation"] == "SET":
                configs[row["name"]] = row["value"]
            else:
                configs.pop(row["name"], None)
        if not command.validate_only:
            self._links[link.name] = dataclasses.replace(link, configs=configs)

    def _delete_link(self, command: Command) -> None:
        live = [mirror for mirror in self.mirrors(command.link) if mirror.status is not MirrorStatus.STOPPED]
        if live and not command.arguments["force"]:
            raise errors.LinkInUse(f"Cluster link '{command.link}' has {len(live)} mirror topics that are not STOPPED.")
        if not command.validate_only:
            del self._links[command.link]
            for key in [key for key in self._mirrors if key[0] == command.link]:
                del self._mirrors[key]

    def _create_mirror(self, command: Command) -> None:
        source = command.arguments["source_topic_name"]
        name = command.arguments.get("mirror_topic_name", source)
        if source == "absent":
            raise errors.TopicNotFound(f"Source topic '{source}' does not exist.")
        if any(mirror.mirror_topic == name for mirror in self._mirrors.values()):
            raise errors.Invalid(f"Topic '{name}' already exists.")
        if not command.validate_only:
            self.add_mirror(command.link, name, source_topic=source)

    def _operate(self, command: Command) -> dict[str, Any]:
        names = command.arguments.get("mirror_topic_names")
        if names is None:
            names = sorted(mirror.mirror_topic for mirror in self.mirrors(command.link))
        return {"mirrors": [self._operate_on(command, name) for name in names]}

    def _operate_on(self, command: Command, topic: str) -> dict[str, Any]:
        mirror = self.mirror(command.link, topic)
        if mirror is None:
            code, message = 40403, errors.TopicNotFound().message
        elif mirror.status is MirrorStatus.STOPPED and command.kind != "mirror.delete":
            code, message = 400, f"Topic '{topic}' has already stopped its mirror from '{command.link}'"
        else:
            if not command.validate_only and command.kind == "mirror.delete":
                del self._mirrors[command.link, topic]
            elif not command.validate_only and command.kind in AFTER:
                self._mirrors[command.link, topic] = dataclasses.replace(mirror, status=AFTER[command.kind])
            lags = [
                {"partition": p.partition, "lag": p.lag, "last_source_fetch_offset": p.last_source_fetch_offset}
                for p in self.positions(command.link, topic)
            ]
            return {"mirror_topic_name": topic, "error_code": None, "error_message": None, "mirror_lags": lags}
        return {"mirror_topic_name": topic, "error_code": code, "error_message": message, "mirror_lags": []}


def refuse(error: errors.LinkError) -> Answer:
    """A script that answers with an error."""

    def answer(command: Command) -> Any:
        raise error

    return answer
