"""Lead links: the worker that owns a link's partition carries out its commands in turn, and watches over it.

A command stays in the requests table until its result is there, so another worker finishes what this one began; every
handler can therefore be run again from any point. Two workers that lead the same link for a moment (one was thought
dead) do no harm: only one outcome is applied (`outcomes.decide`), and appends are compare-and-append (I3).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from pipeline.control.keys import link_partition
from pipeline.control.read_model import Request
from pipeline.lifecycle.context import Context, note_changes
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.duties import Duty, wait
from pipeline.lifecycle.times import now_ms
from pipeline.link.errors import InternalError, KafkaRetriable, LinkError, Unavailable
from pipeline.link.models import Command, Result
from pipeline.link.states import LinkState
from pipeline.metrics.meter import METER

log = logging.getLogger(__name__)
Handler = Callable[[Context, Command, Request, Decision], Awaitable[None]]
IDLE_S = 5.0
TAKEN_UP_WITHIN_S = 30.0
"""How long a command may wait for the side that dials to begin with it."""
TAKES_UP = frozenset({LinkState.ACTIVE, LinkState.PAUSED})
"""States of a link in which its dialling side may be expected to carry commands out."""
NO_ANSWER = "a step was not done in time; workers or brokers are overloaded, or just moving. Try again."
DUTIES_WAIT_S = 0.5
"""How long a queue of commands may keep the duties waiting."""


class LinkLeader:
    """Leads one link while its partition is ours."""

    def __init__(
        self, context: Context, link: str, handlers: Mapping[str, Handler], duties: Sequence[type[Duty]]
    ) -> None:
        self._context = context
        self._link = link
        self._handlers = handlers
        self._wake = asyncio.Event()
        self._collected_at = 0.0
        self._seen_at: dict[str, float] = {}
        self._duties = [duty(context, link, self._wake.set) for duty in duties]

    def saw(self, table: str, key: str) -> None:
        """A row of the link has changed in the read model."""
        for duty in self._duties:
            duty.saw(table, key)
        if table != "positions":
            self._wake.set()

    async def run(self) -> None:
        """Carry out commands and collect what the duties have found, until cancelled."""
        tasks = [asyncio.create_task(self._keep_up(duty), name=f"{duty.name} {self._link}") for duty in self._duties]
        try:
            while True:
                self._wake.clear()
                try:
                    if await self._round():
                        continue
                except Exception:
                    log.exception("Leading link %s: this round failed, the next follows", self._link)
                    await asyncio.sleep(1)
                await wait(self._wake, IDLE_S)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._context.hang_up(self._link)

    async def _round(self) -> bool:
        """Do the next thing; whether there was one. However many commands wait, duties get their turn (STATE-62)."""
        request = self._next()
        if request is not None and time.monotonic() - self._collected_at < DUTIES_WAIT_S:
            await self._carry_out(request)
            return True
        has_found = await self._collect()
        self._collected_at = time.monotonic()
        return has_found or request is not None

    def _next(self) -> Request | None:
        """The first command that is to be answered from here; the side that dials sees to the others (MODE-44)."""
        model, reach = self._context.model, self._context.reach
        link, now = model.links.get(self._link), time.monotonic()
        pending = model.pending(self._link)
        self._seen_at = {request.id: self._seen_at.get(request.id, now) for request in pending}
        for request in pending:
            if reach.does(link, request.command["kind"]):
                return request
            waits = link is not None and link.state in TAKES_UP and now - self._seen_at[request.id] < TAKEN_UP_WITHIN_S
            if reach.is_home and not waits and not request.stage:
                return request
        return None

    async def _collect(self) -> bool:
        """Settle what a duty has found; whether one had found something."""
        model = self._context.model
        if self._link not in model.links:
            return False
        for duty in self._duties:
            # one duty, one outcome: two could decide on the same row, the second without knowing of the first
            decision = Decision(model, self._link)
            duty.decide(decision)
            if not decision.is_empty:
                await self._context.settle(decision)
                return True
        return False

    async def _keep_up(self, duty: Duty) -> None:
        """A duty's task. A defect in it is logged, and it begins again."""
        while True:
            try:
                await duty.run()
                return
            except Exception:
                log.exception("%s of link %s failed, it begins again", duty.name, self._link)
                await asyncio.sleep(1)

    def _refuse_for_others(self, command: Command) -> None:
        """Answer for the side that dials, which has not taken a command up (MODE-44). Raises Unavailable."""
        link = self._context.model.links.get(self._link)
        if link is not None and not self._context.reach.does(link, command.kind):
            why = link.error_message or "its workers have not taken the command up"
            raise Unavailable(
                f"{command.kind} needs both clusters, and the side that dials for cluster link '{link.name}' "
                f"(cluster {link.remote_cluster_id}) does not carry it out: {why}. Nothing was done."
            )

    async def _carry_out(self, request: Request) -> None:
        context = self._context
        decision = Decision(context.model, self._link)
        command = Command.from_json(request.command)
        began = time.monotonic()
        try:
            self._refuse_for_others(command)
            await self._handlers[command.kind](context, command, request, decision)
            result = Result(command.id, command.link, command.kind, data=decision.data)
            if command.validate_only:
                decision = Decision(context.model, self._link)
        except LinkError as error:
            decision, result = Decision(context.model, self._link), refused(command, error)
        except (OSError, TimeoutError) as error:
            decision, result = (
                Decision(context.model, self._link),
                refused(command, KafkaRetriable(f"{command.kind}: {str(error) or NO_ANSWER}")),
            )
        except Exception:
            log.exception("Command %s %s of link %s failed", command.kind, command.id, command.link)
            decision = Decision(context.model, self._link)
            result = refused(
                command, InternalError(f"{command.kind} failed by a defect; the worker {context.worker} has logged it")
            )
        stamped = replace(result, time_ms=now_ms(), worker=context.worker)
        outcome = decision.outcome(context.worker, command.id, stamped)
        log.debug(  # the audit log has a line of it
            "Command %s %s for link %s by %s: %s %s",
            command.kind,
            command.id,
            command.link,
            command.principal or "(unnamed)",
            stamped.status,
            stamped.message or "",
        )
        note_changes(decision)
        outcome_word = "ok" if stamped.error_code is None else str(stamped.error_code)
        METER.add("clusterlink_commands_total", command.kind, outcome_word)
        METER.observe("clusterlink_command_seconds", time.monotonic() - began, command.kind, outcome_word)
        await context.send_outcome(outcome.to_json())
        await context.seen(decision, command.id)


class Leaders:
    """The links this worker leads: one task each, begun and ended as partitions and links come and go."""

    def __init__(
        self, context: Context, partitions: int, handlers: Mapping[str, Handler], duties: Sequence[type[Duty]]
    ) -> None:
        self._context = context
        self._partitions = partitions
        self._handlers = handlers
        self._duties = duties
        self._owned: frozenset[int] = frozenset()
        self._leaders: dict[str, LinkLeader] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        context.model.watch(self._saw)

    def own(self, partitions: set[int]) -> None:
        """Lead the links of these partitions, and no others."""
        self._owned = frozenset(partitions)
        self.look()

    def look(self) -> None:
        """Begin with links that have come, end with those that have gone."""
        model, reach = self._context.model, self._context.reach
        wanted = {
            link
            for link in {*model.links, *(r.link for r in model.pending())}
            if link_partition(link, self._partitions) in self._owned and reach.leads(model.links.get(link))
        }
        for link in set(self._tasks) - wanted:
            del self._leaders[link]
            self._tasks.pop(link).cancel()
        for link in wanted - set(self._tasks):
            leader = self._leaders[link] = LinkLeader(self._context, link, self._handlers, self._duties)
            self._tasks[link] = asyncio.create_task(leader.run(), name=f"lead {link}")

    async def stop(self) -> None:
        """End all tasks."""
        tasks, self._tasks, self._leaders = list(self._tasks.values()), {}, {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _saw(self, table: str, key: str) -> None:
        if table == "requests":
            request = self._context.model.requests.get(key)
            link = request.link if request is not None else ""
        else:
            link = key.partition("/")[0]
        if (leader := self._leaders.get(link)) is not None:
            leader.saw(table, key)


def refused(command: Command, error: LinkError) -> Result:
    """The result of a command that was not carried out."""
    return Result(
        command.id, command.link, command.kind, status=error.status, error_code=error.error_code, message=error.message
    )
