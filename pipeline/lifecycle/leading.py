"""Lead links: the worker that owns a link's partition carries out its commands, one after the other, and watches over it.

A command stays in the requests table until its result is there, so another worker finishes what this one began; every
handler can therefore be run again from any point. Two workers that lead the same link for a moment (one was thought
dead) do no harm: only one outcome is applied (`outcomes.decide`), and appends are compare-and-append (I3).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from pipeline.control.keys import link_partition
from pipeline.control.read_model import Request
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.times import now_ms
from pipeline.link.errors import InternalError, KafkaRetriable, LinkError
from pipeline.link.models import Command, Result

log = logging.getLogger(__name__)
Handler = Callable[[Context, Command, Request, Decision], Awaitable[None]]
Watch = Callable[[Context, str, Decision], Awaitable[None]]
SEEN_WITHIN_S = 10.0
WATCH_EVERY_S = 0.5


class LinkLeader:
    """Leads one link while its partition is ours."""

    def __init__(self, context: Context, link: str, handlers: Mapping[str, Handler], watch: Watch) -> None:
        self._context = context
        self._link = link
        self._handlers = handlers
        self._watch = watch

    async def run(self) -> None:
        """Carry out commands and watch, until cancelled. A defect in one round is logged and the next round begins."""
        model = self._context.model
        while True:
            changed = model.changed(self._link)
            try:
                pending = model.pending(self._link)
                if pending:
                    await self._carry_out(pending[0])
                    continue
                if self._link in model.links:
                    decision = Decision(model, self._link)
                    await self._watch(self._context, self._link, decision)
                    if not decision.is_empty:
                        await self._settle(decision, decision.outcome(self._context.worker).to_json())
                        continue
            except Exception:
                log.exception("Leading link %s: this round failed, the next follows", self._link)
                await asyncio.sleep(1)
            await _wait(changed, WATCH_EVERY_S if self._link in model.links else 5)

    async def _carry_out(self, request: Request) -> None:
        context = self._context
        decision = Decision(context.model, self._link)
        command = Command.from_json(request.command)
        try:
            await self._handlers[command.kind](context, command, request, decision)
            result = Result(command.id, command.link, command.kind, data=decision.data)
            if command.validate_only:
                decision = Decision(context.model, self._link)
        except LinkError as error:
            decision, result = Decision(context.model, self._link), refused(command, error)
        except (OSError, TimeoutError) as error:
            decision, result = (
                Decision(context.model, self._link),
                refused(command, KafkaRetriable(f"{command.kind}: {error}")),
            )
        except Exception:
            log.exception("Command %s %s of link %s failed", command.kind, command.id, command.link)
            decision = Decision(context.model, self._link)
            result = refused(
                command, InternalError(f"{command.kind} failed by a defect; the worker {context.worker} has logged it")
            )
        stamped = replace(result, time_ms=now_ms(), worker=context.worker)
        outcome = decision.outcome(context.worker, command.id, stamped)
        log.info(
            "Command %s %s for link %s by %s: %s %s",
            command.kind,
            command.id,
            command.link,
            command.principal or "(unnamed)",
            stamped.status,
            stamped.message or "",
        )
        _log(decision)
        await context.send_outcome(outcome.to_json())
        await self._seen(lambda: _is_answered(context, command.id))

    async def _settle(self, decision: Decision, outcome: dict[str, object]) -> None:
        _log(decision)
        await self._context.send_outcome(outcome)
        touched, model = decision.touched(), self._context.model
        await self._seen(lambda: any(model.version(table, key) != version for table, key, version in touched))

    async def _seen(self, is_seen: Callable[[], bool]) -> None:
        """Wait until the read model shows what was decided, so that the next decision is made on it."""
        deadline = time.monotonic() + SEEN_WITHIN_S
        while not is_seen() and time.monotonic() < deadline:
            await _wait(self._context.model.changed(self._link), 0.5)


class Leaders:
    """The links this worker leads: one task each, begun and ended as partitions and links come and go."""

    def __init__(self, context: Context, partitions: int, handlers: Mapping[str, Handler], watch: Watch) -> None:
        self._context = context
        self._partitions = partitions
        self._handlers = handlers
        self._watch = watch
        self._owned: frozenset[int] = frozenset()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def own(self, partitions: set[int]) -> None:
        """Lead the links of these partitions, and no others."""
        self._owned = frozenset(partitions)
        self.look()

    def look(self) -> None:
        """Begin with links that have come, end with those that have gone."""
        model = self._context.model
        wanted = {
            link
            for link in {*model.links, *(r.link for r in model.pending())}
            if link_partition(link, self._partitions) in self._owned
        }
        for link in set(self._tasks) - wanted:
            self._tasks.pop(link).cancel()
        for link in wanted - set(self._tasks):
            leader = LinkLeader(self._context, link, self._handlers, self._watch)
            self._tasks[link] = asyncio.create_task(leader.run(), name=f"lead {link}")

    async def stop(self) -> None:
        """End all tasks."""
        tasks, self._tasks = list(self._tasks.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def refused(command: Command, error: LinkError) -> Result:
    """The result of a command that was not carried out."""
    return Result(
        command.id, command.link, command.kind, status=error.status, error_code=error.error_code, message=error.message
    )


def _log(decision: Decision) -> None:
    for change in decision.happened:
        log.info("%s", change)


def _is_answered(context: Context, request: str) -> bool:
    stored = context.model.requests.get(request)
    return stored is None or stored.is_done


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
