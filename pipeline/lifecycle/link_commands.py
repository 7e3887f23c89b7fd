"""Carry out link.create, link.update and link.delete (LINK-1..19, LINK-100..105)."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from pipeline.cluster.errors import ClusterError, FileMissing, SecretUnreadable, SecurityError
from pipeline.cluster.probe import ProbeResult, probe
from pipeline.cluster.security import client_arguments
from pipeline.control.read_model import Request
from pipeline.lifecycle.acl_preview import preview
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.guarding import lift
from pipeline.lifecycle.guards import owned_guards
from pipeline.lifecycle.pairing_up import pair_up
from pipeline.lifecycle.stopping import finish
from pipeline.lifecycle.times import now_ms
from pipeline.link.errors import (
    Invalid,
    InvalidProperties,
    KafkaRetriable,
    LinkNotFound,
    RemoteTimedOut,
    UnsupportedVersion,
)
from pipeline.link.link_rules import changed_link, check_remote_id, mirrors_to_fail_over, new_link, warnings_of_deletion
from pipeline.link.link_transitions import LinkEvent, advance_link
from pipeline.link.models import Command, Link, Mirror
from pipeline.link.states import ConnectionMode, LinkErrorCode, LinkState
from pipeline.link.transitions import Event, advance, is_legal

FORCED_WITHIN_S = 45.0
"""How long a deletion with force waits for failovers: less than REST waits for a result."""


async def create_link(context: Context, command: Command, request: Request, decision: Decision) -> None:
    """Create a link; unless told otherwise the remote cluster is reached first, and nothing is created if it is not."""
    command = await asyncio.to_thread(context.sealing.open_command, command)
    new = new_link(
        command, context.model.links, context.cluster_id, os.urandom(16), now_ms(), can_encrypt=context.can_encrypt
    )
    link = new.link
    problem = unusable(link.configs)
    if problem is not None:
        raise InvalidProperties([str(problem)])
    if new.validate:
        found = await probe(link.configs)
        refuse_failed_probe(found)
        wrong = check_remote_id(link, found.cluster_id, context.cluster_id)
        if wrong:
            raise Invalid(f"Cluster link '{link.name}': {wrong}.")
        link = replace(link, remote_cluster_id=found.cluster_id)
        if link.state is not LinkState.PAUSED:
            link, _ = advance_link(link, LinkEvent.REACHED, "reached when it was created", now_ms())
    clear = link.configs
    told = await preview(context, None, link, lambda: clear) if new.validate else ()
    sealed = await asyncio.to_thread(context.sealing.seal, link.name, link.configs, new.secrets)
    link = replace(link, configs=sealed)
    if new.validate:
        try:
            link = await pair_up(context, link, id_given=new.id_given)
        finally:
            await context.hang_up(link.name)
    decision.put_link(link)
    decision.data = {"warnings": [*new.warnings, *told]}


async def update_link(context: Context, command: Command, request: Request, decision: Decision) -> None:
    """Change properties, all or none; pausing and resuming the link is one of them (LINK-35)."""
    link = existing(context, command.link)
    command = await asyncio.to_thread(context.sealing.open_command, command)
    changed = changed_link(command, link, now_ms(), can_encrypt=context.can_encrypt)
    sealed = await asyncio.to_thread(context.sealing.seal, link.name, changed.link.configs, changed.secrets)
    after = replace(changed.link, configs=sealed)
    _refuse_breaking(context, link, after, changed.changed)
    paused = after.configs.get("cluster.link.paused") == "true"
    if paused and after.state is not LinkState.PAUSED:
        after, _ = advance_link(after, LinkEvent.PAUSE, f"paused by {command.principal or 'an operator'}", now_ms())
    elif not paused and after.state is LinkState.PAUSED:
        after, _ = advance_link(after, LinkEvent.RESUME, f"resumed by {command.principal or 'an operator'}", now_ms())
    told: tuple[str, ...] = ()
    if link.state is LinkState.ACTIVE:
        told = await preview(context, link, after, lambda: context.properties_of(after))
    decision.put_link(after)
    decision.data = {"changed": sorted(changed.changed), "warnings": [*changed.warnings, *told]}


async def delete_link(context: Context, command: Command, request: Request, decision: Decision) -> None:
    """Delete a link and the history of its stopped mirrors; topics, data and group offsets stay (LINK-104).

    With force the mirrors that are left are failed over first, and the command waits for that (LINK-103). If not all of
    them are STOPPED within `FORCED_WITHIN_S` the answer is a retriable error: they go on failing over, the link stays,
    and the same command may be given again.
    """
    link = existing(context, command.link)
    live = mirrors_to_fail_over(command, link, context.model.mirrors_of(link.name))
    decision.data = {"warnings": list(warnings_of_deletion(link))}
    if command.validate_only:
        return
    if live:
        await _fail_over(context, link, live, f"link deleted by {command.principal or 'an operator'}")
    await _lift_what_is_left(context, link)
    mirrors = context.model.mirrors_of(link.name)
    for mirror in mirrors:
        decision.drop_mirror(mirror)
    decision.drop_tasks()
    decision.drop_link(link.name)
    for mirror in mirrors:
        for partition in range(mirror.partitions):
            await context.forget_position(link.name, mirror.mirror_topic, partition)
    await context.hang_up(link.name)


async def _lift_what_is_left(context: Context, link: Link) -> None:
    """Guards that a failover could not lift go before the link, with which goes the memory of them (MIRROR-4 c)."""
    try:
        async with context.guards.lock(link.name):
            await lift(context, link, owned_guards(context.model, link.name))
    except ClusterError as error:
        raise KafkaRetriable(f"Cluster link '{link.name}' was not deleted: a read-only guard stays: {error}") from error


async def _fail_over(context: Context, link: Link, live: Sequence[Mirror], reason: str) -> None:
    """Have mirrors stopped, whatever state they are in; their rows go with the link's and are not written again."""
    starting = Decision(context.model, link.name)
    for mirror in live:
        if is_legal(mirror, Event.FAILOVER):
            after, change = advance(mirror, Event.FAILOVER, reason, now_ms())
            if change.is_change or after != mirror:
                starting.put_mirror(after)
                starting.note(change)
    if not starting.is_empty:
        await context.settle(starting)
    deadline = time.monotonic() + FORCED_WITHIN_S
    names = [mirror.mirror_topic for mirror in live]
    done = await finish(context, link, names, deadline - time.monotonic())
    failed = [each for each in done if each.errors]
    if failed:
        raise KafkaRetriable(
            f"Cluster link '{link.name}' was not deleted: {len(failed)} of its mirrors are still failing over, "
            f"{failed[0].mirror.mirror_topic} for: {failed[0].errors[0].error_message}"
        )


def existing(context: Context, name: str) -> Link:
    """The link, or LinkNotFound (404)."""
    link = context.model.links.get(name)
    if link is None:
        raise LinkNotFound(name)
    return link


def unusable(configs: Mapping[str, str]) -> SecurityError | None:
    """Why no client can be made of properties, secrets in the clear, though each by itself is right; None if one can.

    A file that is not there is left to the probe (LINK-95), and an INBOUND link has nobody to connect to.
    """
    if configs.get("connection.mode") == ConnectionMode.INBOUND:
        return None
    try:
        client_arguments(configs)
    except FileMissing:
        return None
    except SecurityError as error:
        return error
    return None


def _refuse_breaking(context: Context, before: Link, after: Link, changed: Collection[str]) -> None:
    """An update may not make a link unusable; one that is so already may be mended step by step."""
    try:
        problem = unusable(context.properties_of(after))
        if problem is None or (unusable(context.properties_of(before)) and problem.property_name not in changed):
            return
    except SecretUnreadable:
        return  # the link is FAILED for it, and other secrets have to be given anew
    raise InvalidProperties([str(problem)])


def refuse_failed_probe(found: ProbeResult) -> None:
    """Answer a probe that failed: 504 where the remote is silent, 40035 for a version, else 40002 naming the cause."""
    if found.ok:
        return
    text = f"{found.link_error}: {found.message}"
    if found.link_error == LinkErrorCode.TIMEOUT_ERROR:
        raise RemoteTimedOut(text)
    if found.link_error == LinkErrorCode.UNSUPPORTED_VERSION_ERROR:
        raise UnsupportedVersion(text)
    raise Invalid(f"The remote cluster cannot be used: {text}")
