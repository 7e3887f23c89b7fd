"""Carry ACLs over, and take away again only what was carried over (AclSync, TASK-30..42).

source  a channel    a tick a link that this worker leads and `acl.sync.ms`
table   owned_acls   which ACLs each link created, through the outcomes topic
sink    the own cluster's ACLs; the task's report goes to the outcomes topic
"""

from __future__ import annotations

from typing import Any

from agents.ticks import ticks_of
from pipeline.app import app
from pipeline.lifecycle.acl_task import AclSync


@app.agent(ticks_of(AclSync.name, AclSync), name="acl_sync")
async def acl_sync(ticks: Any) -> None:
    async for tick in ticks:
        tick.begin()
