"""Apply what the leader of a link decided: the only writer of links, mirrors and what tasks keep, and of results.

source  outcomes   decisions keyed by link, each with the row versions it was made on
tables  links, mirrors, tasks, requests, synced_offsets, owned_acls, carriers, saved_offsets
sink    results    the result of each command, after its rows are written; the same again where a worker died over it
sink    audit      a line for each command answered (SEC-36)
"""

from __future__ import annotations

import json
import logging
from typing import Any

from pipeline.app import app, control_topic, topics
from pipeline.control.auditing import audit_line
from pipeline.control.outcomes import ROWS_HEADER, Outcome, decide, rows_changed
from pipeline.link.models import Command, Result
from tables.carriers import carriers
from tables.links import links
from tables.mirrors import mirrors
from tables.owned_acls import owned_acls
from tables.requests import requests
from tables.saved_offsets import saved_offsets
from tables.synced_offsets import synced_offsets
from tables.tasks import tasks

log = logging.getLogger(__name__)
outcomes_topic = control_topic(topics.outcomes)
results_topic = control_topic(topics.results)
audit_topic = control_topic(topics.audit)
TABLES = {
    "links": links,
    "mirrors": mirrors,
    "requests": requests,
    "tasks": tasks,
    "synced_offsets": synced_offsets,
    "owned_acls": owned_acls,
    "carriers": carriers,
    "saved_offsets": saved_offsets,
}


@app.agent(outcomes_topic, name="outcomes")
async def outcomes(stream: Any) -> None:
    async for event in stream.events():
        try:
            outcome = Outcome.from_json(json.loads(event.message.value))
            writes = decide(outcome, lambda table, key: TABLES[table].get(key), event.message.offset + 1)
        except (ValueError, KeyError, TypeError) as error:
            log.error("Left out outcome at %s-%d: %r", event.message.partition, event.message.offset, error)
            continue
        if writes is None:
            log.info("Outcome for %s from %s came too late; nothing changed", outcome.link, outcome.worker)
            continue
        for table, key, row in writes:
            if row is None:
                TABLES[table].pop(key, None)
            else:
                TABLES[table][key] = row
        if outcome.result is not None and outcome.request is not None:
            command = Command.from_json(requests[outcome.request]["row"]["command"])
            line = audit_line(Result.from_json(outcome.result), command)
            await audit_topic.send(key=outcome.link.encode(), value=line)
            await results_topic.send(
                key=outcome.link.encode(),
                value=json.dumps(dict(outcome.result)).encode(),
                headers={ROWS_HEADER: rows_changed(writes)},
            )
