"""Keep topic configs of mirrors as their sources have them (TopicConfigsSync, MIRROR-80..93).

source  a channel   a tick a link that this worker leads and `topic.config.sync.ms`
sink    the own cluster's topic configs; mirrors' rows and the task's report go to the outcomes topic
"""

from __future__ import annotations

from typing import Any

from agents.ticks import ticks_of
from pipeline.app import app
from pipeline.lifecycle.config_task import ConfigSync


@app.agent(ticks_of(ConfigSync.name, ConfigSync), name="config_sync")
async def config_sync(ticks: Any) -> None:
    async for tick in ticks:
        tick.begin()
