"""What every administrative request has in common: whom to ask, and when to ask again.

A request is repeated while its error is retriable and ``default.api.timeout.ms`` lasts. One that changes something is
repeated only when the broker said it did nothing (an error code), never after a lost connection or a silence: the
caller gets that error and looks first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

from kafka.protocol.metadata import FindCoordinatorRequest

from pipeline.cluster.asking import Asked
from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import ClusterError, KafkaFailure, failure

T = TypeVar("T")

_LONGEST_BACKOFF_SECONDS = 1.0
_NOT_REPEATED = frozenset({3})
"""A topic that is not there may appear, but whoever administers it wants to hear of it now."""
_MOST_KEYS = 1000
"""Most groups in one request for coordinators."""
_NOT_CONTROLLER = 41
COORDINATOR_MOVED = frozenset({14, 15, 16})


class Asker:
    """Sends requests of kafka-python's protocol through a DataClient."""

    def __init__(self, client: DataClient) -> None:
        self.client = client
        self._coordinators: dict[str, int] = {}

    async def _any(self, message: Any, min_version: int = 0, max_version: int | None = None) -> Any:
        """Ask whichever broker answers."""
        return await self.client.send_any(Asked(message, min_version, max_version))

    async def _node(self, node_id: int, message: Any, min_version: int = 0, max_version: int | None = None) -> Any:
        """Ask one broker."""
        return await self.client.send(node_id, Asked(message, min_version, max_version))

    async def _controller(self, message: Any, min_version: int = 0, timeout_ms: int | None = None) -> Any:
        """Ask the controller; under KRaft every broker passes the question on."""
        node_id = self.client.controller_id
        if node_id not in self.client.brokers:
            await self.client.refresh()
            node_id = self.client.controller_id
        return await self.client.send(node_id, Asked(message, min_version), timeout_ms)

    async def _coordinator(self, group: str) -> int:
        """Return the node that coordinates a group. Raises ClusterError."""
        found = (await self._find_coordinators([group]))[group]
        if isinstance(found, ClusterError):
            raise found
        return found

    async def _find_coordinators(self, groups: Iterable[str]) -> dict[str, int | ClusterError]:
        """Return the coordinator of each group, or why it is not told, asking only for those not known yet.

        Raises ClusterError when it is worth asking again for one of them.
        """
        wanted = list(groups)
        unknown = [group for group in wanted if self._coordinators.get(group) not in self.client.brokers]
        refused = await self._look_up(unknown) if unknown else {}
        return {group: refused.get(group) or self._coordinators[group] for group in wanted}

    async def _look_up(self, groups: list[str]) -> dict[str, ClusterError]:
        """Ask for coordinators and note them; return the errors of those refused."""
        refused: dict[str, ClusterError] = {}

        def note(group: str, answer: Any) -> None:
            if not answer.error_code:
                self._coordinators[group] = answer.node_id
                return
            error = failure(answer.error_code, answer.error_message, "DESCRIBE", f"group {group}")
            if error.retriable:
                raise error
            refused[group] = error

        node = next(iter(self.client.brokers))
        offered = (await self.client.api_versions(node)).get(FindCoordinatorRequest.API_KEY, (0, 0))
        if offered[1] >= 4:  # KIP-699
            for at in range(0, len(groups), _MOST_KEYS):
                message = FindCoordinatorRequest(key_type=0, coordinator_keys=groups[at : at + _MOST_KEYS])
                for each in (await self._any(message, min_version=4)).coordinators:
                    note(each.key, each)
        else:
            for group in groups:
                note(group, await self._any(FindCoordinatorRequest(key_type=0, key=group), max_version=3))
        return refused

    async def _repeat(self, attempt: Callable[[], Awaitable[T]], changes: bool = False) -> T:
        """Return what ``attempt`` returns, trying again as said above. ``changes``: it alters something."""
        deadline = time.monotonic() + self.client.security.api_timeout_ms / 1000
        backoff = self.client.security.retry_backoff_ms / 1000
        longest = max(backoff, _LONGEST_BACKOFF_SECONDS)
        await self.client.start()
        while True:
            try:
                return await attempt()
            except ClusterError as error:
                is_over = self.client.is_closed or time.monotonic() + backoff > deadline
                if is_over or not self._may_repeat(error, changes):
                    raise
                if error.code == _NOT_CONTROLLER:
                    await self.client.refresh()
                if error.code in COORDINATOR_MOVED or error.code is None:
                    self._coordinators.clear()
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, longest)

    @staticmethod
    def _may_repeat(error: ClusterError, changes: bool) -> bool:
        if not error.retriable or error.code in _NOT_REPEATED:
            return False
        return isinstance(error, KafkaFailure) or not changes


def raise_if_moved(answers: Iterable[object]) -> None:
    """The coordinator has moved or is not ready: that is no answer, so ask again, another one if need be."""
    for answer in answers:
        if isinstance(answer, ClusterError) and answer.code in COORDINATOR_MOVED:
            raise answer


def by_node(coordinators: Mapping[str, int | ClusterError]) -> tuple[dict[int, list[str]], dict[str, ClusterError]]:
    nodes: dict[int, list[str]] = {}
    refused: dict[str, ClusterError] = {}
    for group, found in coordinators.items():
        if isinstance(found, ClusterError):
            refused[group] = found
        else:
            nodes.setdefault(found, []).append(group)
    return nodes, refused
