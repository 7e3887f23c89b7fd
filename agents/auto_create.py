"""Create mirrors of source topics that match the link's filters (AutoCreateMirror, MIRROR-110..116).

source  a channel   a tick a link that this worker leads and `metadata.max.age.ms`
sink    commands    a mirror.create for each topic; the task's report goes to the outcomes topic
"""

from __future__ import annotations

from typing import Any

from agents.ticks import ticks_of
from pipeline.app import app
from pipeline.lifecycle.auto_create_task import AutoCreate


@app.agent(ticks_of(AutoCreate.name, AutoCreate), name="auto_create")
async def auto_create(ticks: Any) -> None:
    async for tick in ticks:
        tick.begin()
