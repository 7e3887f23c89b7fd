"""What the side whose mirror is reversed asks of the other: its topic waits, then it is the mirror (MIRROR-71).

Both are one command, `mirror.become-mirror`, which the other side carries out from its rows and logs as they are then
(`becoming.py`). So it may be given again at any time, by whoever leads the link, under an id of its own each time.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from pipeline.cluster.errors import ClusterError
from pipeline.control.partner import Partner
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.fence_asking import Place, leaders, replicated_ends
from pipeline.lifecycle.remote_errors import task_error
from pipeline.lifecycle.times import now_ms
from pipeline.link.commands import build
from pipeline.link.models import Link, Mirror, Result, TaskError
from pipeline.link.states import MirrorStatus, TaskErrorCode

BECOME_MIRROR = "mirror.become-mirror"
ANSWERS_WITHIN_S = 20.0
WITHDRAWN = (MirrorStatus.STOPPED, MirrorStatus.PENDING_SYNCHRONIZE)


async def have_partner_wait(context: Context, link: Link, mirror: Mirror) -> tuple[Mirror, tuple[TaskError, ...]]:
    """Have the counterpart of a reversed mirror become PENDING_SYNCHRONIZE, if it is not; a step of its drain."""
    try:
        partner = await context.paired_partner(link)
        if waits(partner, mirror):
            return mirror, ()
        return mirror, refusal(await ask(context, partner, link, mirror))
    except ClusterError as error:
        return mirror, (task_error(error, "source"),)


async def hand_over(context: Context, link: Link, mirror: Mirror) -> tuple[TaskError, ...]:
    """Have the counterpart be a mirror of this drained one, from where both logs end; nothing if it is so.

    It is refused where the counterpart has come further: then there is more to copy before.
    """
    try:
        partner = await context.paired_partner(link)
        if has_taken_over(partner, mirror):
            return ()
        ends = await log_ends(context, mirror)
        if isinstance(ends, TaskError):
            return (ends,)
        return refusal(await ask(context, partner, link, mirror, ends))
    except ClusterError as error:
        return (task_error(error, "source"),)


async def log_ends(context: Context, mirror: Mirror) -> list[int] | TaskError:
    """Where the partitions of a mirror topic end here, all of it replicated. Raises ClusterError."""
    places = [Place(mirror.mirror_topic, mirror.mirror_topic_id, number) for number in range(mirror.partitions)]
    client = context.own.client.fork("clusterlink-ends")
    try:
        by_leader, without = await leaders(client, places)
        if without:
            return next(iter(without.values()))
        if by_leader.keys() - client.brokers.keys():
            await client.refresh()
        found: dict[Place, int | TaskError] = {}
        for node, led in by_leader.items():
            found |= await replicated_ends(client, node, led)
    finally:
        await client.close()
    ends: list[int] = []
    for place in places:
        end = found[place]
        if isinstance(end, TaskError):
            return end
        ends.append(end)
    return ends


async def ask(
    context: Context, partner: Partner, link: Link, mirror: Mirror, ends: Sequence[int] | None = None
) -> Result:
    """Give the command. Raises ClusterError where no answer comes."""
    arguments = {"mirror_topic_name": mirror.source_topic, "source_topic_name": mirror.mirror_topic}
    given = arguments if ends is None else {**arguments, "log_end_offsets": list(ends)}
    principal = f"cluster link {link.name} of cluster {context.cluster_id}"
    command_id = f"reverse.{link.cluster_link_id}.{secrets.token_hex(8)}"
    command = build(BECOME_MIRROR, link.name, given, command_id, principal=principal, time_ms=now_ms())
    return await partner.submit(command, ANSWERS_WITHIN_S)


def refusal(result: Result) -> tuple[TaskError, ...]:
    """What the other side has against it, in its own words; it may name the code (spec 4.2)."""
    if result.error_code is None:
        return ()
    word, _, rest = (result.message or "").partition(": ")
    if word in TaskErrorCode.__members__:
        return (TaskError(TaskErrorCode(word), f"remote: {rest}"),)
    return (TaskError(TaskErrorCode.UNKNOWN, f"remote: {result.message}"),)


def waits(partner: Partner, mirror: Mirror) -> bool:
    """Whether the counterpart is PENDING_SYNCHRONIZE for this reverse, or has taken over already."""
    theirs = partner.mirror(mirror.source_topic)
    is_waiting = theirs is not None and theirs.status is MirrorStatus.PENDING_SYNCHRONIZE
    is_same = theirs is not None and (theirs.partitions, theirs.pending) == (mirror.partitions, mirror.pending)
    return (is_waiting and is_same and _is_of(theirs, mirror)) or has_taken_over(partner, mirror)


def has_taken_over(partner: Partner, mirror: Mirror) -> bool:
    """Whether the counterpart is a mirror of this topic."""
    theirs = partner.mirror(mirror.source_topic)
    return theirs is not None and theirs.status not in WITHDRAWN and _is_of(theirs, mirror)


def _is_of(theirs: Mirror | None, mirror: Mirror) -> bool:
    return (
        theirs is not None
        and theirs.source_topic == mirror.mirror_topic
        and theirs.source_topic_id == mirror.mirror_topic_id
    )
