"""Carry out truncate-and-restore, topic by topic and stage by stage (MIRROR-73, MIRROR-85).

The Kafka protocol cannot cut the end of a log, so the topic is made anew: what it has and the remote has not is saved,
with what groups have committed; then it is deleted, made again, and copied from the remote's beginning like any mirror.
The stage is in the mirror's row (`RestoreStage`), and each can be repeated from its beginning: a worker that dies
leaves a PENDING topic that the next one completes. What stands in the way is listed with the mirror (MIRROR-55).

Nothing is deleted before everything is saved: a topic that is still written to, or read by a group, waits.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from pipeline.cluster.errors import ClusterError
from pipeline.control.keys import mirror_key
from pipeline.lifecycle.bounded import bounded
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.diverged import save_diverged
from pipeline.lifecycle.duties import IDLE_S, Duty
from pipeline.lifecycle.remaking import is_filled, remake
from pipeline.lifecycle.remote_errors import task_error
from pipeline.lifecycle.restore_groups import forget_offsets, in_use, restore_offsets, save_offsets
from pipeline.lifecycle.restore_looking import Sight, counterparts, look
from pipeline.lifecycle.times import now_ms
from pipeline.link.errors import LinkError
from pipeline.link.models import Link, Mirror, TaskError
from pipeline.link.restore import Restore, RestoreStage
from pipeline.link.states import LinkState, TaskErrorCode
from pipeline.link.transitions import Event, advance

log = logging.getLogger(__name__)
LOOK_S = 1.0
TOGETHER = 4


@dataclass(frozen=True)
class Step:
    """What one look at a restore came to: the row as it was, and the row after, or what stands in the way."""

    before: Mirror
    after: Mirror | None = None
    event: Event | None = None
    errors: tuple[TaskError, ...] = ()


class Restoring(Duty):
    """The restores of one link."""

    def __init__(self, context: Context, link: str, wake: Callable[[], None]) -> None:
        super().__init__(context, link, wake)
        self._found: dict[str, Step] = {}
        self._quiet: dict[str, tuple[tuple[int, ...], float]] = {}
        """Where a topic's logs ended when last seen, and since when (monotonic seconds)."""
        self._stages: Mapping[RestoreStage, Callable[[Link, Mirror, Restore], Awaitable[Step]]] = {
            RestoreStage.COMPARING: self._compare,
            RestoreStage.SAVING: self._save,
            RestoreStage.REMAKING: self._remake,
            RestoreStage.COPYING: self._complete,
        }

    async def run(self) -> None:
        while True:
            link = self.reachable()
            waiting = [m for m in self.mirrors() if m.is_restoring] if link is not None else []
            if link is None or not waiting:
                self._quiet.clear()
                await self.rows_change(IDLE_S)
                continue
            began = time.monotonic()
            await bounded(TOGETHER, (self._look(link, mirror) for mirror in waiting))
            self.wake()
            await self.rows_change(max(0.1, began + LOOK_S - time.monotonic()))

    def decide(self, decision: Decision) -> None:
        for topic, step in list(self._found.items()):
            mirror = self.context.model.mirrors.get(mirror_key(self.link, topic))
            if mirror is None or replace(mirror, transition_errors=()) != replace(step.before, transition_errors=()):
                del self._found[topic]
            elif step.after is None:
                decision.list_errors(mirror, step.errors)
            elif step.event is None:
                decision.put_mirror(step.after)
            else:
                after, change = advance(step.after, step.event, reason_of(step), now_ms())
                decision.note(change)
                if step.event is Event.RESTORED:
                    after = replace(after, restore=None)
                    forget_offsets(self.context, decision, mirror)
                decision.put_mirror(after)

    async def _look(self, link: Link, mirror: Mirror) -> None:
        assert mirror.restore is not None
        try:
            step = await self._step(link, mirror, mirror.restore)
        except ClusterError as error:
            step = Step(mirror, errors=(task_error(error, "destination"),))
        except LinkError as error:
            step = Step(mirror, errors=(transition_error(error),))
        except TimeoutError:
            step = Step(mirror, errors=(waits(f"{mirror.mirror_topic}: the own cluster did not answer in time"),))
        except Exception:  # it is told, and holds up no other
            log.exception("Link %s: restoring %s failed, it is tried again", self.link, mirror.mirror_topic)
            text = f"a defect; worker {self.context.worker} has logged it"
            step = Step(mirror, errors=(TaskError(TaskErrorCode.INTERNAL_ERROR, text),))
        self._found[mirror.mirror_topic] = step

    async def _step(self, link: Link, mirror: Mirror, restore: Restore) -> Step:
        if link.state is not LinkState.ACTIVE:
            return Step(mirror, errors=(waits(f"the link is {link.state}: {link.error_message}".rstrip(": ")),))
        return await self._stages[restore.stage](link, mirror, restore)

    async def _compare(self, link: Link, mirror: Mirror, restore: Restore) -> Step:
        """Both logs and all groups once more; done when the topic has been at rest for a second."""
        sight = await self._sight(link, mirror)
        if errors := obstacles(sight):
            return Step(mirror, errors=errors)
        if not self._is_quiet(mirror.mirror_topic, sight.ends):
            return Step(mirror)
        compared = replace(restore, cuts=sight.cuts, ends=sight.ends, starts=sight.starts, stage=RestoreStage.SAVING)
        return Step(mirror, replace(mirror, restore=compared), Event.ENDS_COMPARED)

    async def _save(self, link: Link, mirror: Mirror, restore: Restore) -> Step:
        """Everything that goes with the topic; what came in the meantime is saved by another round."""
        if restore.side_topic and restore.has_diverged:
            await save_diverged(self.context, mirror.mirror_topic, restore)
        await save_offsets(self.context, mirror)
        sight = await self._sight(link, mirror)
        if errors := obstacles(sight):
            return Step(mirror, errors=errors)
        if sight.ends != restore.ends:
            return Step(mirror, replace(mirror, restore=restore.with_ends(sight.ends)))
        return Step(mirror, replace(mirror, restore=replace(restore, stage=RestoreStage.REMAKING)))

    async def _remake(self, link: Link, mirror: Mirror, restore: Restore) -> Step:
        made = await remake(self.context, link, mirror, restore)
        if isinstance(made, TaskError):
            return Step(mirror, errors=(made,))
        return Step(mirror, made)

    async def _complete(self, link: Link, mirror: Mirror, restore: Restore) -> Step:
        """Once the copy has come as far as offsets may point, groups get theirs back."""
        filled = await is_filled(self.context, mirror, restore)
        if filled is not True:
            return Step(mirror, errors=() if filled is False else (filled,))
        if errors := await restore_offsets(self.context, mirror, restore):
            return Step(mirror, errors=errors[:10])
        return Step(mirror, mirror, Event.RESTORED)

    async def _sight(self, link: Link, mirror: Mirror) -> Sight:
        topic = mirror.mirror_topic
        sight = (await look(self.context, link, [topic], await counterparts(self.context, link)))[topic]
        if isinstance(sight, LinkError):
            raise sight
        return sight

    def _is_quiet(self, topic: str, ends: tuple[int, ...]) -> bool:
        seen, since = self._quiet.get(topic, ((), 0.0))
        if seen != ends:
            self._quiet[topic] = ends, time.monotonic()
            return False
        return time.monotonic() - since >= LOOK_S


def obstacles(sight: Sight) -> tuple[TaskError, ...]:
    """What a topic waits for before it may be deleted: its readers, and transactions that are open on it."""
    topic = sight.own.name
    used = in_use(topic, sight.groups)
    ends = enumerate(zip(sight.ends, sight.stable, strict=True))
    open_at = [f"{topic}-{partition}" for partition, (end, stable) in ends if stable < end]
    unsettled = waits(f"destination: transactions are open on {', '.join(open_at[:10])}") if open_at else None
    return tuple(error for error in (used, unsettled) if error is not None)


def reason_of(step: Step) -> str:
    """For the log: what is, or was, cut off."""
    restore = step.before.restore
    assert restore is not None and step.after is not None
    now = step.after.restore or restore
    kept = f", saved to {now.side_topic}" if now.side_topic and now.has_diverged else ""
    return f"{sum(now.removed)} messages cut off at {list(now.cuts)}{kept}"


def transition_error(error: LinkError) -> TaskError:
    """A refusal as a state transition lists it: its message begins with the code where it has one."""
    code, _, rest = error.message.partition(": ")
    if code in TaskErrorCode.__members__:
        return TaskError(TaskErrorCode(code), rest)
    return waits(error.message)


def waits(what: str) -> TaskError:
    """A reason without a code of its own."""
    return TaskError(TaskErrorCode.UNKNOWN, what)
