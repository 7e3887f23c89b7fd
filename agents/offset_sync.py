"""Carry committed offsets of consumer groups over (ConsumerOffsetSync, TASK-1..20).

source  a channel        a tick a link that this worker leads and `consumer.offset.sync.ms`
table   synced_offsets   what was written last, through the outcomes topic
sink    the destination's group coordinators; the task's report goes to the outcomes topic
"""

from __future__ import annotations

from typing import Any

from agents.ticks import ticks_of
from pipeline.app import app
from pipeline.lifecycle.offset_task import OffsetSync


@app.agent(ticks_of(OffsetSync.name, OffsetSync), name="offset_sync")
async def offset_sync(ticks: Any) -> None:
    async for tick in ticks:
        tick.begin()
