"""Carry out what is asked of many mirrors at once: pause, resume, promote, failover, reverse (MIRROR-50..72).

The answer means accepted (MIRROR-51): the row changes now, and the watch over the link does the rest (`watching.py`).
"""

from __future__ import annotations

from pipeline.cluster.errors import ClusterError
from pipeline.control.read_model import Request
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.handing_over import WITHDRAWN
from pipeline.lifecycle.link_commands import existing
from pipeline.lifecycle.remote_errors import refused_by
from pipeline.lifecycle.restore_groups import forget_offsets
from pipeline.lifecycle.times import now_ms
from pipeline.link.errors import Invalid, LinkError
from pipeline.link.mirror_rules import TWO_WAY, answer, decide
from pipeline.link.models import Command, Link, Mirror
from pipeline.link.transitions import advance


async def operate(context: Context, command: Command, request: Request, decision: Decision) -> None:
    """Change the state of each mirror named; one refusal does not stop the others (MIRROR-52)."""
    link = existing(context, command.link)
    rows = []
    for one in decide(command, link, context.model.mirrors_of(link.name)):
        positions = context.model.positions_of(link.name, one.mirror_topic)
        refused = one.refused
        if refused is None and one.mirror is not None and one.event in TWO_WAY and not one.is_repeated:
            refused = await why_not_reversed(context, link, one.mirror)
        if refused is None and one.mirror is not None and not one.is_repeated:
            reason = f"{command.kind.partition('.')[2]} by {command.principal or 'an operator'}"
            after, change = advance(one.mirror, one.event, reason, now_ms())
            if after.restore is None:  # a restore is given up: what was written down for it is not needed
                forget_offsets(context, decision, one.mirror)
            decision.put_mirror(after)
            decision.note(change)
        rows.append(answer(one.mirror_topic, positions, refused))
    decision.data = {"mirrors": rows}


async def why_not_reversed(context: Context, link: Link, mirror: Mirror) -> LinkError | None:
    """What stands against a reverse before it is begun: no other side, or a counterpart that is no regular topic."""
    try:
        partner = await context.paired_partner(link)
    except ClusterError as error:
        return refused_by(error, "source")
    theirs = partner.mirror(mirror.source_topic)
    if theirs is not None and theirs.status not in WITHDRAWN:
        return Invalid(f"Topic '{mirror.source_topic}' on the remote cluster is itself a mirror of '{link.name}'.")
    return None
