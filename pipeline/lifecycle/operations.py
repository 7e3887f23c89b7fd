"""Carry out what is asked of many mirrors at once: pause, resume, promote, failover (MIRROR-50..68).

The answer means accepted (MIRROR-51): the row changes now, and the watch over the link does the rest (`watching.py`).
"""

from __future__ import annotations

from pipeline.control.read_model import Request
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.link_commands import existing
from pipeline.lifecycle.times import now_ms
from pipeline.link.errors import Invalid
from pipeline.link.mirror_rules import TWO_WAY, answer, decide
from pipeline.link.models import Command
from pipeline.link.transitions import advance


async def operate(context: Context, command: Command, request: Request, decision: Decision) -> None:
    """Change the state of each mirror named; one refusal does not stop the others (MIRROR-52)."""
    link = existing(context, command.link)
    rows = []
    for one in decide(command, link, context.model.mirrors_of(link.name)):
        positions = context.model.positions_of(link.name, one.mirror_topic)
        refused = one.refused
        if refused is None and one.event in TWO_WAY:
            # accepted, nobody would carry it out, and the mirror would be pending for ever
            refused = Invalid(f"{command.kind.partition('.')[2]} is not offered by this version of clusterlink.")
        if refused is None and one.mirror is not None and not one.is_repeated:
            reason = f"{command.kind.partition('.')[2]} by {command.principal or 'an operator'}"
            after, change = advance(one.mirror, one.event, reason, now_ms())
            decision.put_mirror(after)
            decision.note(change)
        rows.append(answer(one.mirror_topic, positions, refused))
    decision.data = {"mirrors": rows}
