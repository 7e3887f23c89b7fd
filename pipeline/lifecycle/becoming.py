"""Carry out mirror.become-mirror: a regular topic that the other side's mirror is a copy of becomes its mirror.

The topic holds records written by others. It is adopted as it is (`Mirror.is_adopted`): its start offsets are its log
ends, which have to be those of the other side, and whatever somebody appends behind them from then on is found as a
foreign write (MIRROR-4 b). The command is believed only if the other side's row says that the reverse is under way.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from pipeline.cluster.errors import ClusterError, failure
from pipeline.control.keys import mirror_key
from pipeline.control.partner import Partner
from pipeline.control.read_model import Request
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.handing_over import WITHDRAWN, log_ends
from pipeline.lifecycle.link_commands import existing
from pipeline.lifecycle.offset_task import sync_offsets_finally
from pipeline.lifecycle.remote_errors import refused_by
from pipeline.lifecycle.times import now_ms
from pipeline.link.errors import Invalid, KafkaRetriable
from pipeline.link.models import Command, Link, Mirror, TaskError
from pipeline.link.states import ConnectionMode, LinkMode, MirrorStatus, TaskErrorCode
from pipeline.link.topic_configs import exact, held_back
from pipeline.link.transitions import Event, advance

GUARDED_WITHIN_S = 5.0


async def become_mirror(context: Context, command: Command, request: Request, decision: Decision) -> None:
    """Wait for a reverse, or take it over where log ends are given; repeated, it answers as before."""
    link = existing(context, command.link)
    if link.mode is not LinkMode.BIDIRECTIONAL:
        raise Invalid(f"become-mirror is only possible on a BIDIRECTIONAL link; '{link.name}' is {link.mode}.")
    ends: list[int] | None = command.arguments.get("log_end_offsets")
    try:
        partner = await context.paired_partner(link)
        theirs = their_mirror(partner, link, command)
        row = context.model.mirrors.get(mirror_key(link.name, theirs.source_topic))
        if row is None or row.status in WITHDRAWN:
            row = await _waiting(context, link, theirs, row)
            decision.put_mirror(row)
        elif not is_counterpart(row, theirs):
            raise Invalid(f"Topic '{row.mirror_topic}' is itself a mirror of cluster link '{link.name}'.")
        if ends is not None and row.status is MirrorStatus.PENDING_SYNCHRONIZE and not command.validate_only:
            row = await _take_over(context, link, row, ends)
            after, change = advance(row, Event.SYNCHRONIZED, "both logs end at the same offsets", now_ms())
            decision.put_mirror(after)
            decision.note(change)
    except ClusterError as error:
        raise refused_by(error, "source") from error
    decision.data = {"mirror_topic_name": theirs.source_topic}


def their_mirror(partner: Partner, link: Link, command: Command) -> Mirror:
    """The mirror there whose reverse the command serves. Raises Invalid where none is under way."""
    topic, source = command.arguments["mirror_topic_name"], command.arguments["source_topic_name"]
    theirs = partner.mirror(source)
    if theirs is None or not theirs.is_reversing or theirs.source_topic != topic:
        raise Invalid(f"No mirror '{source}' of topic '{topic}' is being reversed on the other side of '{link.name}'.")
    return theirs


def is_counterpart(row: Mirror, theirs: Mirror) -> bool:
    """Whether a row of ours is what the reverse of `theirs` has made of its source topic."""
    return row.source_topic == theirs.mirror_topic and row.source_topic_id == theirs.mirror_topic_id


async def _waiting(context: Context, link: Link, theirs: Mirror, before: Mirror | None) -> Mirror:
    """The row of the topic while it waits; what it knows of its own configs, and what an earlier mirror had, stays."""
    name = theirs.source_topic
    for other in context.model.mirrors.values():
        if other.mirror_topic == name and other.link != link.name and other.status is not MirrorStatus.STOPPED:
            raise Invalid(f"Topic '{name}' is a mirror of cluster link '{other.link}'.")
    found = (await context.own.describe_topics([name]))[name]
    if found.error or found.topic_id != theirs.source_topic_id or len(found.partitions) != theirs.partitions:
        raise Invalid(
            f"{TaskErrorCode.UNKNOWN_TOPIC_OR_PARTITION_ERROR}: topic '{name}' is not there, or is not the one with "
            f"{theirs.partitions} partitions that '{theirs.mirror_topic}' is the mirror of."
        )
    source = (await (await context.remote(link)).describe_topics([theirs.mirror_topic], operations=True))[
        theirs.mirror_topic
    ]
    if source.error or (source.operations and "READ" not in source.operations):
        raise failure(source.error or 29, None, "READ", f"topic {theirs.mirror_topic}")
    if before is not None and before.status is MirrorStatus.PENDING_SYNCHRONIZE:
        own_configs = before.source_configs  # the topic's may be a mirror's already, if a worker died over it
    else:
        own_configs = held_back({n: c.value or "" for n, c in (await context.own.topic_configs(name)).items()})
    return Mirror(
        link.name,
        name,
        theirs.mirror_topic,
        theirs.partitions,
        MirrorStatus.PENDING_SYNCHRONIZE,
        status_time_ms=now_ms(),
        source_topic_id=source.topic_id,
        mirror_topic_id=found.topic_id,
        pending=theirs.pending,
        replication_factor=before.replication_factor if before else None,
        configs=before.configs if before else {},
        cleanup_policy=own_configs.get("cleanup.policy", ""),
        source_configs=own_configs,
        created_ms=now_ms(),
    )


async def _take_over(context: Context, link: Link, row: Mirror, ends: list[int]) -> Mirror:
    """Compare the ends, bring the last offsets, set what mirroring needs; the row as it is from then on.

    Whoever repeats it after a crash begins anew. Where it is refused, the topic's configs are put back.
    """
    await _guarded(context, link, row)
    await _check_ends(context, row, ends)
    _, errors = await sync_offsets_finally(context, link, row)
    if errors:
        raise Invalid(f"{errors[0].error_code}: {errors[0].error_message}")
    await context.own.alter_topic_configs(row.mirror_topic, await _altered(context, row, exact(row.source_configs)))
    try:
        await _check_ends(context, row, ends)
    except Invalid:
        await restore_configs(context, row)
        raise
    for partition in range(row.partitions):
        await context.registry.reopen(row.mirror_topic_id, partition, partial(_allocate, context, row, partition))
    return replace(row, start_offsets=tuple(ends), is_adopted=True)


async def _guarded(context: Context, link: Link, row: Mirror) -> None:
    """Wait until nobody else may write to the topic any more, where its cluster has an authorizer (MIRROR-4 a).

    The guards of a side that cannot dial are put up by its own workers, which say nothing of it here.
    """
    if link.connection_mode is ConnectionMode.INBOUND:
        return
    deadline = time.monotonic() + GUARDED_WITHIN_S
    while not context.guards.is_up(row):
        if time.monotonic() > deadline:
            raise KafkaRetriable(f"{row.mirror_topic}: its read-only guard is not up yet.")
        await asyncio.sleep(0.05)


async def restore_configs(context: Context, row: Mirror) -> None:
    """Give a topic that does not become a mirror after all the configs that it had. Raises ClusterError."""
    await context.own.alter_topic_configs(row.mirror_topic, await _altered(context, row, row.source_configs))


async def _altered(context: Context, row: Mirror, values: Mapping[str, str]) -> dict[str, str]:
    """Of `values` those that differ between the topic as a regular one and as a mirror, and that the cluster knows."""
    known, held = await context.known_configs(), exact(row.source_configs)
    own = row.source_configs
    return {name: values[name] for name in held if name in known and name in own and own[name] != held[name]}


async def _allocate(context: Context, row: Mirror, partition: int) -> tuple[int, bool]:
    """A producer id for a partition that was a mirror's once; as copiers do (`mirror/partition_producer.py`)."""
    if await context.destination.may_mark():
        return await context.destination.new_producer_id(), False
    return await context.destination.marker(row.mirror_topic_id, partition).take_over(), True


async def _check_ends(context: Context, row: Mirror, ends: Sequence[int]) -> None:
    """Refuse where the topic ends elsewhere than the other side's: somebody still produces to it, or to the mirror."""
    found = await log_ends(context, row)
    if isinstance(found, TaskError):
        raise Invalid(f"{found.error_code}: {found.error_message}")
    if len(found) != len(ends):
        raise Invalid(
            f"{TaskErrorCode.INVALID_REQUEST_ERROR}: {row.mirror_topic} has {len(found)} partitions, its mirror "
            f"{len(ends)}."
        )
    for partition, (here, there) in enumerate(zip(found, ends, strict=True)):
        if here != there:
            raise Invalid(
                f"{TaskErrorCode.INVALID_REQUEST_ERROR}: {row.mirror_topic}-{partition} ends at {here}, its mirror at "
                f"{there}: it is still written to. Stop its producers."
            )
