"""The control plane as REST, CLI and console see it (`interface.py`), on top of the read model and the control
topics.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiokafka.errors import KafkaError

from pipeline.cluster.administration.acls import Acl
from pipeline.control.audit_trail import Trail
from pipeline.control.keys import link_partition
from pipeline.control.outcomes import ROWS_HEADER
from pipeline.control.read_model import TABLES, ReadModel
from pipeline.control.sealing import Sealing
from pipeline.control.sending import Sender
from pipeline.control.tail import Entry
from pipeline.control.topics import ControlTopics
from pipeline.link.errors import KafkaRetriable, LinkNotFound, Unavailable
from pipeline.link.models import Command, Link, Mirror, Position, Result, TaskStatus
from pipeline.sync.acl_ownership import read_rows

SEEN_WITHIN_S = 5.0
"""How long an answer is held back until this worker shows what it says; then it is given all the same."""
Rows = list[tuple[str, str, int]]


class Plane:
    """Reads from the model; writes by sending a command and waiting for the result that carries its id.

    Results and rows come by different topics, so an answer is held until the model shows the rows that it is about:
    who reads after writing, at the same worker, reads what was written.
    """

    def __init__(
        self,
        model: ReadModel,
        topics: ControlTopics,
        sender: Sender,
        worker: str,
        is_ready: Callable[[], bool],
        *,
        sealing: Sealing,
    ) -> None:
        self._model = model
        self._topics = topics
        self._sender = sender
        self._worker = worker
        self._is_ready = is_ready
        self._sealing = sealing
        self._waiting: dict[str, asyncio.Future[tuple[Result, Rows]]] = {}
        self.trail = Trail()
        self.ask_source: Callable[[Link], Awaitable[Mapping[str, int]]] | None = None
        """Set once the worker runs: how to list a source's topics."""
        self.cluster_id = ""

    @property
    def worker(self) -> str:
        return self._worker

    def links(self) -> Mapping[str, Link]:
        return self._model.links

    def link(self, name: str) -> Link | None:
        return self._model.links.get(name)

    def mirrors(self, link: str | None = None) -> list[Mirror]:
        names = sorted(self._model.links) if link is None else [link]
        return [mirror for name in names for mirror in self._model.mirrors_of(name)]

    def mirror(self, link: str, mirror_topic: str) -> Mirror | None:
        return self._model.mirrors.get(f"{link}/{mirror_topic}")

    def positions(self, link: str, mirror_topic: str) -> list[Position]:
        return self._model.positions_of(link, mirror_topic)

    def tasks(self, link: str) -> list[TaskStatus]:
        return sorted((t for t in self._model.tasks.values() if t.link == link), key=lambda t: t.task)

    def created_acls(self, link: str) -> list[Acl]:
        row, head = self.link(link), f"{link}/"
        shards = [shard for key, shard in self._model.owned_acls.items() if key.startswith(head)]
        return [] if row is None else sorted(read_rows(shards, row.cluster_link_id))

    def audit(self, link: str | None = None) -> list[Mapping[str, Any]]:
        return self.trail.latest(link)

    async def source_topics(self, link: str) -> Mapping[str, int]:
        row = self.link(link)
        if row is None:
            raise LinkNotFound(link)
        if self.ask_source is None:
            raise Unavailable(f"Worker {self._worker} has not started yet. Try again in a few seconds.")
        return await self.ask_source(row)

    async def submit(self, command: Command, timeout_s: float = 60) -> Result:
        if not self._is_ready():
            raise Unavailable(
                f"Worker {self._worker} has no assignment yet; nothing was queued. Try again in a few seconds."
            )
        # in a thread: the first key that is derived takes its time
        command = await asyncio.to_thread(self._sealing.seal_command, command)
        future: asyncio.Future[tuple[Result, Rows]] = asyncio.get_running_loop().create_future()
        self._waiting[command.id] = future
        try:
            partition = link_partition(command.link, self._topics.partitions)
            await self._sender.send(self._topics.commands, command.link, command.to_json(), partition=partition)
            async with asyncio.timeout(timeout_s):
                result, rows = await future
        except TimeoutError:
            raise KafkaRetriable(
                f"No result of command {command.id} within {timeout_s:.0f} s; it was accepted and may still be "
                f"carried out."
            ) from None
        except KafkaError as error:
            raise KafkaRetriable(
                f"The own cluster did not take command {command.id} ({type(error).__name__}): it does not answer, or "
                f"refuses. What it took all the same will be carried out."
            ) from error
        finally:
            self._waiting.pop(command.id, None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SEEN_WITHIN_S):
                for row in rows:
                    while not self._is_seen(*row):
                        await self._model.changed(command.link).wait()
        return result

    def apply_result(self, entry: Entry) -> None:
        """A record of the results topic, which wakes whoever waits for it, or of the audit log."""
        if entry.value is None:
            return
        if entry.topic == self._topics.audit:
            self.trail.add(entry.value)
            return
        raw = json.loads(entry.value)
        future = self._waiting.get(str(raw.get("id")))
        if future is not None and not future.done():
            rows: Rows = json.loads(dict(entry.headers).get(ROWS_HEADER, b"[]"))
            future.set_result((Result.from_json(raw), rows))

    def _is_seen(self, table: str, key: str, version: int) -> bool:
        """Whether the model shows a row as it was written, or as something newer has made it."""
        shown = self._model.version(table, key)
        return table not in TABLES or (shown >= version if version else shown == 0)
