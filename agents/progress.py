"""Keep how far each mirror partition has come.

source  progress   `Position` records keyed link/topic/partition, at most about one a second from each moving partition
table   positions  the last one; a tombstone removes the row
"""

from __future__ import annotations

import json
import logging
from typing import Any

from pipeline.app import app, control_topic, topics
from pipeline.control.losses import with_losses
from tables.positions import positions

log = logging.getLogger(__name__)
progress_topic = control_topic(topics.progress)


@app.agent(progress_topic, name="progress")
async def progress(stream: Any) -> None:
    async for event in stream.events():
        try:
            key = event.message.key.decode()
            row = json.loads(event.message.value) if event.message.value else None
        except (ValueError, AttributeError) as error:
            log.error("Left out progress at %s-%d: %r", event.message.partition, event.message.offset, error)
            continue
        if row is None:
            positions.pop(key, None)
        else:
            before = positions.get(key)
            positions[key] = {"row": with_losses(row, before and before["row"])}
