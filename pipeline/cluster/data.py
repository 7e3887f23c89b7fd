"""The client of the data path: sends requests to brokers by node id and knows which one leads a partition.

It keeps no task of its own and retries nothing: what to do about a refusal is the caller's decision (``retriable``),
and no answer is ever repeated blindly. Metadata is read when somebody asks for it; callers that ask at the same time
share one request.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pipeline.cluster.bootstrap import bootstrap_addresses
from pipeline.cluster.connections import Address, Connections, wait_for_shared
from pipeline.cluster.errors import ClusterError, NotAuthenticated, Unreachable, failure
from pipeline.cluster.metadata import Broker, ClusterInfo, TopicInfo, cluster_info, metadata_request
from pipeline.cluster.security import ClientSecurity
from pipeline.metrics.traffic import Traffic
from pipeline.wire.requests.base import Request

T = TypeVar("T")

UNKNOWN_TOPIC_OR_PARTITION = 3


class DataClient:
    """One cluster, reached with one set of credentials.

    ``start`` before anything else; ``close`` at the end, as often as you like. A fork shares what is known about the
    cluster and has connections of its own: a long-polling Fetch holds up what follows it on its connection.
    """

    def __init__(
        self, security: ClientSecurity, client_id: str = "clusterlink", traffic: Traffic | None = None
    ) -> None:
        """`traffic` is where its requests and connections are counted, those of its forks too."""
        self.security = security
        self.client_id = client_id
        self.traffic = traffic
        self._connections = Connections(security, client_id, traffic)
        self._known = _Known()
        self._parent: DataClient | None = None

    async def start(self) -> None:
        """Reach the cluster and learn its brokers. Raises ClusterError, the most telling one of all addresses."""
        if not self._known.info.brokers:
            await self.refresh()

    async def close(self) -> None:
        """End every connection of this client; those of its forks stay."""
        if self._parent is None:
            await self._known.stop()
        await self._connections.close()

    def fork(self, client_id: str | None = None) -> DataClient:
        """Return a client for the same cluster with connections of its own. Close it separately."""
        child = DataClient(self.security, client_id or self.client_id, self.traffic)
        child._known = self._known
        child._connections.share_silences(self._connections)
        child._parent = self._parent or self
        return child

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called: asking again is of no use."""
        return self._connections.is_closed

    @property
    def cluster_id(self) -> str:
        return self._known.info.cluster_id

    @property
    def brokers(self) -> Mapping[int, Broker]:
        return self._known.info.brokers

    @property
    def controller_id(self) -> int:
        """The node that takes administrative requests; under KRaft any broker, since each passes them on."""
        return self._known.info.controller_id

    async def send(self, node_id: int, request: Any, timeout_ms: int | None = None) -> Any:
        """Send ``request`` to a broker and return the response object. Raises ClusterError.

        A response that carries error codes is returned as it is. ``timeout_ms`` bounds the wait for the answer (None:
        ``request.timeout.ms``); a connection that has to be made first has its own limits. After a retriable error
        ``refresh`` before asking again: the broker may have another address by now.
        """
        return await self._connections.send(self._address(node_id), request, timeout_ms)

    async def begin(self, node_id: int, request: Request[T], timeout_ms: int) -> asyncio.Future[T]:
        """Write ``request`` to a broker and return its response's future, see ``Connections.begin``."""
        return await self._connections.begin(self._address(node_id), request, timeout_ms)

    async def connected_at(self, node_id: int) -> float:
        """When the connection to a broker was made, in seconds of CLOCK_BOOTTIME: now, where there is none."""
        return await self._connections.made_at(self._address(node_id))

    async def send_any(self, request: Any, timeout_ms: int | None = None) -> Any:
        """Send ``request`` to whichever broker answers, those with a connection first. Raises ClusterError."""
        nodes = [Address(b.host, b.port) for b in self.brokers.values()]
        return await self._first_answer(self._in_order(nodes), request, timeout_ms)

    async def api_versions(self, node_id: int) -> dict[int, tuple[int, int]]:
        """Return the lowest and highest version of every API that a broker speaks. Asked once per connection."""
        return await self._connections.api_versions(self._address(node_id))

    def leader(self, topic: str, partition: int) -> int:
        """Return the node id of the leader as last read, without asking.

        Raises Unreachable when none is known (then ``refresh``) and KafkaFailure when the broker refused the topic.
        """
        info = self._known.topics.get(topic)
        if info is not None and info.error:
            raise failure(info.error, operation="DESCRIBE", resource=f"topic {topic}")
        found = info.partitions.get(partition) if info is not None else None
        if found is None or found.leader < 0:
            raise Unreachable(f"{topic}-{partition}: no leader known")
        return found.leader

    def topic(self, topic: str) -> TopicInfo | None:
        """Return what was last read about a tracked topic, without asking."""
        return self._known.topics.get(topic)

    async def find_leader(self, topic: str, partition: int) -> int:
        """As ``leader``, but reads the topic's metadata first when no leader is known; the topic is tracked then.

        Only the topics that are asked for at the same time are read, however many are tracked.
        """
        try:
            return self.leader(topic, partition)
        except ClusterError:
            known, owner = self._known, self._parent or self
            known.tracked.add(topic)
            known.wanted.add(topic)
            await known.read_wanted.again(owner._read_wanted, owner.security.retry_backoff_ms / 1000)
            return self.leader(topic, partition)

    async def refresh(self, topics: Iterable[str] = ()) -> None:
        """Track ``topics`` too and read the metadata of all tracked ones from the cluster, later than this call.

        Calls made at the same time share one request, and two requests keep ``retry.backoff.ms`` apart.
        """
        self._known.tracked.update(topics)
        owner = self._parent or self
        await self._known.read_all.again(owner._read, owner.security.retry_backoff_ms / 1000)

    def forget(self, topics: Iterable[str]) -> None:
        """Stop tracking ``topics``."""
        for name in topics:
            self._known.tracked.discard(name)
            self._known.topics.pop(name, None)

    async def topics(self, names: Iterable[str]) -> dict[str, TopicInfo]:
        """Ask the cluster about these topics now; one that is missing comes back with error 3. Tracks nothing."""
        wanted = set(names)
        info = cluster_info(await self.send_any(metadata_request(wanted)))
        return {name: info.topics.get(name) or _missing(name) for name in sorted(wanted)}

    def _address(self, node_id: int) -> Address:
        broker = self.brokers.get(node_id)
        if broker is None:
            raise Unreachable(f"broker {node_id} is not in the cluster's metadata")
        return Address(broker.host, broker.port)

    def _in_order(self, addresses: list[Address]) -> list[Address]:
        """Any order will do, but a connection that stands is better than one to be made."""
        random.shuffle(addresses)
        return sorted(addresses, key=lambda address: not self._connections.is_open(address))

    async def _read(self) -> None:
        """Read the metadata of every tracked topic, from a known broker or else from a bootstrap server."""
        self._known.learn(await self._metadata(self._known.tracked))

    async def _read_wanted(self) -> None:
        """Read the metadata of the topics that somebody waits for."""
        wanted, self._known.wanted = self._known.wanted, set()
        self._known.learn_some(await self._metadata(wanted))

    async def _metadata(self, topics: set[str]) -> ClusterInfo:
        request = metadata_request(topics)
        known = self._in_order([Address(b.host, b.port) for b in self.brokers.values()])
        try:
            response = await self._first_answer(known, request)
        except ClusterError as error:
            if isinstance(error, NotAuthenticated):
                raise
            bootstrap = await bootstrap_addresses(self.security)
            response = await self._first_answer(self._in_order(bootstrap), request)
        info = cluster_info(response)
        if not info.brokers:  # of a broker that is just starting; whoever took that over would have nobody left to ask
            raise Unreachable(f"{info.cluster_id or 'the cluster'}: no broker serves yet")
        return info

    async def _first_answer(self, addresses: list[Address], request: Any, timeout_ms: int | None = None) -> Any:
        """Return the first answer; when all fail raise the most telling error: a refusal before a silence."""
        worst: ClusterError = Unreachable("no broker is known")
        for address in addresses:
            try:
                return await self._connections.send(address, request, timeout_ms)
            except ClusterError as error:
                if not error.retriable or worst.retriable:
                    worst = error
        raise worst


class _Known:
    """What a client and its forks know about their cluster, and the readings of it that are under way."""

    def __init__(self) -> None:
        self.info = ClusterInfo("", -1, {})
        self.topics: dict[str, TopicInfo] = {}
        self.tracked: set[str] = set()
        self.wanted: set[str] = set()
        """Topics to read with the next reading of some."""
        self.read_all, self.read_wanted = _Reading(), _Reading()

    def learn(self, info: ClusterInfo) -> None:
        """Take over an answer about every topic that was tracked when it was asked for; later ones stay."""
        self.info = info
        both = self.topics | dict(info.topics)
        self.topics = {name: found for name, found in both.items() if name in self.tracked}

    def learn_some(self, info: ClusterInfo) -> None:
        """Take over an answer about some topics."""
        self.info = info
        self.topics |= {name: found for name, found in info.topics.items() if name in self.tracked}

    async def stop(self) -> None:
        await asyncio.gather(self.read_all.stop(), self.read_wanted.stop())


class _Reading:
    """One reading under way at most, shared by all who wait for it."""

    def __init__(self) -> None:
        self._running: asyncio.Task[None] | None = None
        self._waiting: asyncio.Task[None] | None = None
        self._not_before = 0.0

    async def again(self, read: Any, apart_seconds: float) -> None:
        """Run ``read`` once, beginning after this call, together with everybody else who waits for the same."""
        if self._waiting is None:
            self._waiting = asyncio.create_task(self._next(read, apart_seconds), name="metadata")
            self._waiting.add_done_callback(lambda task: task.cancelled() or task.exception())
        await wait_for_shared(self._waiting, "metadata: this client is closed")

    async def _next(self, read: Any, apart_seconds: float) -> None:
        if self._running is not None:
            await asyncio.wait([self._running])
        await asyncio.sleep(max(0.0, self._not_before - time.monotonic()))
        self._running, self._waiting = self._waiting, None
        self._not_before = time.monotonic() + apart_seconds
        try:
            await read()
        finally:
            self._running = None

    async def stop(self) -> None:
        tasks = [task for task in (self._running, self._waiting) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _missing(name: str) -> TopicInfo:
    return TopicInfo(name, "", {}, error=UNKNOWN_TOPIC_OR_PARTITION)
