"""Copy the slices of one link: one agent a link and worker, made when the worker gets the first piece of the link.

source  a channel  one event = slices have been fetched since the last one (raw batches and the source's offsets)
sink    the mirror partitions' copiers, which plan their slices and append them through the destination lane

Faust takes one event in each turn of the event loop, and a turn takes milliseconds while another link has a backlog:
with a slice an event, those of a calm link waited for sixty turns (I6).

The channel has a queue of its own that Faust's flow control neither suspends nor empties: a mirror partition that
stays with its worker keeps copying through a rebalance, which the append protocol makes safe (I3).
"""

from __future__ import annotations

import asyncio
from typing import Any

import faust
from mode.utils.queues import FlowControlEvent, ThrowableQueue

from pipeline.app import app, worker
from pipeline.mirror.slices import Slice, WaitingSlices


class SliceChannel(faust.Channel[Any]):
    """A channel of slices whose queues take no part in flow control."""

    @property
    def queue(self) -> Any:
        if self._queue is None:
            free = FlowControlEvent(initially_suspended=False)
            self._queue = ThrowableQueue(flow_control=free)
        return self._queue


class LinkAgent:
    """The running agent of one link: the engine puts slices in and closes it with the link."""

    def __init__(self, link: str) -> None:
        self._link = link
        self._channel = SliceChannel(app)
        self._agent: Any = None
        self._waiting = WaitingSlices()

    async def start(self) -> None:
        self._agent = app.agent(self._channel, name=f"mirror.{self._link}")(self._copy)
        await app.add_runtime_dependency(self._agent)
        while not self._channel.subscriber_count:
            await asyncio.sleep(0)

    async def put(self, fetched: Slice) -> None:
        """Hand over a slice, together with those that wait already."""
        if self._waiting.add(fetched):
            await self._channel.put(self._link)  # type: ignore[arg-type]  # a bare value is its own event

    async def stop(self) -> None:
        if self._agent is not None:
            app.agents.pop(self._agent.name, None)
            await app.remove_dependency(self._agent)

    async def _copy(self, stream: Any) -> None:
        self._waiting.deliver()  # Faust may have started it anew, after it had taken an event
        async for _ in stream:
            self._waiting.deliver()


worker.open_link_agent = LinkAgent
