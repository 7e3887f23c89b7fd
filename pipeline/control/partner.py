"""The control plane of the cluster at the other end of a link, as a client of that cluster with the link's credential.

A two-sided link is two objects of one name (TERM-12), each led by workers of its own cluster. What one has to know of
the other it reads from that cluster's control topics: the rows of the partner object, its mirrors and its tasks, kept
current by following the changelogs as `ReadModel` does at home, and only the rows of this one link. What it has to have
done there it asks for as everybody does, by a command (CLI-65).

Rows of links hold sealed secrets. Nobody here needs them, so they are dropped before anything is kept (MODE-41).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiokafka.errors import KafkaError

from pipeline.cluster.admin import Admin
from pipeline.cluster.errors import (
    ClusterError,
    KafkaFailure,
    RemoteLinkNotFound,
    TimedOut,
    failure,
    translate,
)
from pipeline.cluster.metadata import TopicInfo
from pipeline.cluster.security import ClientSecurity
from pipeline.control.keys import link_partition, mirror_key
from pipeline.control.read_model import ReadModel
from pipeline.control.sending import Sender
from pipeline.control.tail import Entry, Tail
from pipeline.control.topics import ControlTopics
from pipeline.link.models import Command, Link, Mirror, Position, Result, TaskStatus
from pipeline.link.pairing import why_no_partner
from pipeline.link.properties import SECRETS

FOLLOWED = ("links", "mirrors", "tasks", "synced_offsets", "positions")
"""Tables of the partner whose rows of this link are known here."""
FOLLOWED_TO_CARRY = (*FOLLOWED, "requests", "owned_acls", "carriers")
"""The same where this side carries the link for the other, which cannot dial (MODE-43)."""
UNKNOWN_TOPIC = 3


class Partner:
    """The other side of one link. `open` before anything else; `close` at the end."""

    def __init__(
        self, link: str, security: ClientSecurity, admin: Admin, app_id: str, *, is_carried: bool = False
    ) -> None:
        """`is_carried`: this side means to act on the link object there, if it waits for somebody to dial."""
        self._link = link
        self._is_carried = is_carried
        self._admin = admin
        self._client = security.aiokafka() | {"client_id": f"clusterlink-{link}-partner"}
        self._limit_s = security.api_timeout_ms / 1000
        self.topics = ControlTopics(app_id, 0, 0)
        self.model = ReadModel(self.topics)
        self.cluster_id = ""
        self._sender: Sender | None = None
        self._sending = asyncio.Lock()
        self._tails: list[Tail] = []
        self._waiting: dict[str, asyncio.Future[Result]] = {}

    async def open(self) -> None:
        """Follow the partner's rows; returns when all that is there has been read.

        Raises ClusterError: RemoteLinkNotFound where the cluster has no control topics of this name, NotAuthorized
        naming topic and operation. Whether the link object itself is there is for `link` to say.
        """
        topics = self.topics
        changelogs = [topics.changelog(table) for table in (FOLLOWED_TO_CARRY if self._is_carried else FOLLOWED)]
        needed = dict.fromkeys([*changelogs, topics.results], "READ") | {topics.commands: "WRITE"}
        if self._is_carried:
            needed |= dict.fromkeys([topics.outcomes, topics.progress, topics.claims, topics.producers], "WRITE")
        found = await self._admin.describe_topics(needed, operations=True)
        check_topics(found, needed, topics.app_id)
        count = len(found[topics.commands].partitions)
        self.topics = self.model.topics = replace(topics, partitions=count)
        self.cluster_id = await self._admin.cluster_id()
        home = link_partition(self._link, count)
        followed: dict[str, int | range] = dict.fromkeys(changelogs, range(home, home + 1))
        followed[topics.changelog("positions")] = count
        rows = Tail(self._client, followed, self._apply)
        results = Tail(self._client, {topics.results: range(home, home + 1)}, self._apply_result, from_end=True)
        self._tails = [results, rows]
        try:
            async with asyncio.timeout(self._limit_s):
                for tail in self._tails:
                    await tail.start()
        except (KafkaError, OSError, TimeoutError) as error:
            raise translate(error, f"the control topics {topics.app_id}.* of the remote cluster") from error

    async def close(self) -> None:
        """End what was begun; whoever waits for a result is told."""
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(TimedOut("the connection to the remote cluster was closed"))
        await asyncio.gather(*(tail.stop() for tail in self._tails), return_exceptions=True)
        if self._sender is not None:
            await self._sender.stop()

    async def catch_up(self) -> None:
        """Return once every row that was there when this was called is known. Raises ClusterError as `open` does."""
        rows = self._tails[1]
        home = link_partition(self._link, self.topics.partitions)
        places = [(self.topics.changelog(table), home) for table in FOLLOWED if table != "positions"]
        try:
            ends = await self._admin.end_offsets(places)
        except KafkaFailure as error:
            if error.code == UNKNOWN_TOPIC:
                raise no_control_topics(self.topics.app_id) from error
            raise
        try:
            async with asyncio.timeout(self._limit_s):
                for (topic, partition), end in ends.items():
                    await rows.wait_for(topic, partition, end - 1)
        except (RuntimeError, TimeoutError) as error:
            raise TimedOut(f"the rows of link {self._link} on the remote cluster cannot be followed") from error

    def changed(self) -> asyncio.Event:
        """Set with the next row of the link there, its mirrors and tasks; positions do not count."""
        return self.model.changed(self._link)

    # what is known of the other side

    def link(self) -> Link | None:
        """The link object of the same name there, without its secrets."""
        return self.model.links.get(self._link)

    def other_side(self, own: Link, own_cluster_id: str) -> Link:
        """The link object there, if it is the other side of `own`. Raises RemoteLinkNotFound (STATE-31)."""
        theirs = self.link()
        why = why_no_partner(own, theirs, own_cluster_id)
        if why is not None or theirs is None:
            raise RemoteLinkNotFound(why or "")
        return theirs

    def mirrors(self) -> list[Mirror]:
        """Mirrors that live there, stopped ones too."""
        return self.model.mirrors_of(self._link)

    def mirror(self, mirror_topic: str) -> Mirror | None:
        return self.model.mirrors.get(mirror_key(self._link, mirror_topic))

    def positions(self, mirror_topic: str) -> list[Position]:
        return self.model.positions_of(self._link, mirror_topic)

    def tasks(self) -> list[TaskStatus]:
        return sorted(self.model.tasks.values(), key=lambda task: task.task)

    def synced_offsets(self, group: str) -> Mapping[str, Any] | None:
        """What the offset sync there remembers of a group (`pipeline/sync/marks.py`)."""
        return self.model.synced_offsets.get(f"{self._link}/{group}")

    # what is asked of it

    async def submit(self, command: Command, timeout_s: float = 60) -> Result:
        """Have the other side's workers carry out a command, and wait for its result, refusals included.

        A command that was sent and not answered may still be carried out: give it again under the same id, and its
        result comes, or the same refusal. Raises ClusterError: TimedOut where no answer came, or the topic's error.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting[command.id] = future
        partition = link_partition(self._link, self.topics.partitions)
        try:
            async with asyncio.timeout(timeout_s):
                sender = await self._ready_sender()
                await sender.send(self.topics.commands, self._link, command.to_json(), partition=partition)
                return await future
        except TimeoutError as error:
            raise TimedOut(
                f"no worker of the remote cluster has answered {command.kind} within {timeout_s:.0f} s"
            ) from error
        except (KafkaError, OSError) as error:
            raise translate(error, f"WRITE on topic {self.topics.commands}") from error
        finally:
            self._waiting.pop(command.id, None)

    async def _ready_sender(self) -> Sender:
        async with self._sending:
            if self._sender is None:
                sender = Sender(self._client)
                await sender.start()
                self._sender = sender
            return self._sender

    def _apply(self, entry: Entry) -> None:
        """Take over a row of this link, and of no other."""
        if entry.key is None or not self._is_ours(entry):
            return
        if entry.topic == self.topics.changelog("links") and entry.value is not None:
            entry = replace(entry, value=_without_secrets(entry.value))
        self.model.apply(entry)

    def _is_ours(self, entry: Entry) -> bool:
        """Requests are kept by their ids; of those that go, it does not matter whose they were."""
        if entry.topic != self.topics.changelog("requests"):
            return str(json.loads(entry.key or b'""')).partition("/")[0] == self._link
        return entry.value is None or json.loads(entry.value)["row"]["link"] == self._link

    def _apply_result(self, entry: Entry) -> None:
        if entry.value is None:
            return
        raw = json.loads(entry.value)
        future = self._waiting.get(str(raw.get("id")))
        if future is not None and not future.done():
            future.set_result(Result.from_json(raw))


def check_topics(found: Mapping[str, TopicInfo], needed: Mapping[str, str], app_id: str) -> None:
    """Raise what stands against using the partner's control topics; `needed` says which operation on which of them.

    A cluster hides topics that may not be described: those count as forbidden where any other can be seen.
    """
    missing = [topic for topic in needed if found[topic].error == UNKNOWN_TOPIC]
    if len(missing) == len(needed):
        raise no_control_topics(app_id)
    for topic, operation in needed.items():
        info = found[topic]
        if info.error == UNKNOWN_TOPIC or (info.operations and operation not in info.operations):
            raise failure(29, None, operation, f"topic {topic}")
        if info.error:
            raise failure(info.error, None, operation, f"topic {topic}")


def no_control_topics(app_id: str) -> ClusterError:
    return RemoteLinkNotFound(
        f"the remote cluster has no topics {app_id}.* of a clusterlink worker, or the link may not describe them; if "
        "its workers have another CLUSTERLINK_APP_ID, say which with partner.app.id"
    )


def _without_secrets(value: bytes) -> bytes:
    stored = json.loads(value)
    configs = stored["row"].get("configs", {})
    stored["row"]["configs"] = {name: text for name, text in configs.items() if name not in SECRETS}
    return json.dumps(stored).encode()
