"""Take commands in: check their form, remember them, and leave the work to the worker that leads the link.

source  commands   JSON commands keyed by link name, from REST, CLI or any producer (CLI-65)
table   requests   a row for each new command id; this agent writes new rows, and forgets answered ones (`pruning`)
sink    results    refusals of what cannot be read; answers to repeated ids
sink    audit      a line for each refusal (SEC-36)

A command with a known id has no second effect: a finished one gets its stored result again, a pending one nothing.
An id that a command for another link has used is refused.
A record that some other partitioner put on a partition that is not its link's is sent on to the right one, since
order per link and the tables depend on it.

REST seals the secrets of a command before it writes the record. A record with a secret in the clear, which somebody has
produced by hand, is refused unless `allow_clear_secrets` is set; then it is sealed before anything is stored (SEC-34).
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from pipeline.app import app, control_topic, settings, topics, worker
from pipeline.control.auditing import audit_line
from pipeline.control.keys import link_partition
from pipeline.control.pruning import prunable
from pipeline.control.sealing import refuse_clear_secrets
from pipeline.link.commands import KINDS, dump, identify, parse
from pipeline.link.errors import Invalid, LinkError
from pipeline.link.models import Command, Result
from pipeline.metrics.meter import METER
from tables.requests import requests

commands_topic = control_topic(topics.commands)
results_topic = control_topic(topics.results)
PRUNE_EVERY_S = 60.0
_prune_at: dict[int, float] = {}
audit_topic = control_topic(topics.audit)


@app.agent(commands_topic, name="commands")
async def commands(stream: Any) -> None:
    async for event in stream.events():
        raw: bytes = event.message.value or b""
        partition, offset = event.message.partition, event.message.offset
        command: Command | None = None
        try:
            command = parse(raw)
            if not settings.allow_clear_secrets:
                refuse_clear_secrets(command)
            # in a thread: the first key that is derived takes its time
            command = await asyncio.to_thread(worker.sealing.seal_command, command)
            refuse_used_id(command)
        except LinkError as error:
            result = refusal(raw, f"{partition}-{offset}", error)
            kind = result.kind if result.kind in KINDS else "(unknown)"
            METER.add("clusterlink_commands_total", kind, str(result.error_code))
            await audit_topic.send(key=result.link.encode(), value=audit_line(result, command))
            await _answer(result)
            continue
        home = link_partition(command.link, settings.partitions)
        if home != partition:
            await commands_topic.send(key=command.link.encode(), value=dump(command), partition=home)
            continue
        prune(partition)
        known = requests.get(command.id)
        if known is None:
            requests[command.id] = {"version": offset + 1, "row": new_request(command, partition, offset)}
        elif known["row"]["result"] is not None and (known["row"]["partition"], known["row"]["offset"]) != (
            partition,
            offset,
        ):  # the same record again, after a crash, is no question: agents/outcomes.py sees to its answer
            await _answer(Result.from_json(known["row"]["result"]))


def refuse_used_id(command: Command) -> None:
    """One id, one command: rows are kept by id alone, whatever the link."""
    known = worker.model.requests.get(command.id)
    if known is not None and known.link != command.link:
        raise Invalid(f"Command id '{command.id}' has been used for cluster link '{known.link}'; choose another.")


def prune(partition: int) -> None:
    """Forget what has long been answered, at most once a minute for each partition."""
    if time.monotonic() < _prune_at.get(partition, 0.0):
        return
    _prune_at[partition] = time.monotonic() + PRUNE_EVERY_S
    for command_id in prunable(worker.model.requests.values(), partition, int(time.time() * 1000)):
        requests.pop(command_id, None)


async def _answer(result: Result) -> None:
    await results_topic.send(key=result.link.encode(), value=json.dumps(result.to_json()).encode())


def new_request(command: Command, partition: int, offset: int) -> dict[str, Any]:
    """The row of a command that has just come in; its place in the topic is its place in the link's queue."""
    return {
        "id": command.id,
        "link": command.link,
        "command": command.to_json(),
        "partition": partition,
        "offset": offset,
        "stage": "",
        "result": None,
    }


def refusal(raw: bytes, fallback_id: str, error: LinkError) -> Result:
    """Answer a record that is no command under its own id if one can be read, else under its partition and offset."""
    command_id, link, kind = identify(raw)
    return Result(
        id=command_id or fallback_id,
        link=link,
        kind=kind,
        status=error.status,
        error_code=error.error_code,
        message=error.message,
        time_ms=int(time.time() * 1000),
        worker=worker.name,
    )
