"""Finish the setting up of mirrors of compacted topics that do not begin at offset 0.

Moving the start of a log needs `delete` in its cleanup policy. As soon as every partition has its start the source's
own policy is set: with `delete` left in it, the retention time would take records away that compaction keeps.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.cluster.errors import ClusterError
from pipeline.control.keys import mirror_key
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.duties import IDLE_S, Duty
from pipeline.lifecycle.remote_errors import task_error
from pipeline.lifecycle.times import now_ms
from pipeline.lifecycle.watching import has_every_start, needs_policy
from pipeline.link.models import Mirror, TaskError
from pipeline.link.states import MirrorStatus
from pipeline.link.transitions import Event, advance

LOOK_S = 0.5


class SettingUp(Duty):
    """Sets the policy, then the mirror is ACTIVE; what stands against it is listed with the mirror (MIRROR-55)."""

    def __init__(self, context: Context, link: str, wake: Callable[[], None]) -> None:
        super().__init__(context, link, wake)
        self._found: dict[str, tuple[Mirror, TaskError | None]] = {}

    async def run(self) -> None:
        while True:
            waiting = [m for m in self.mirrors() if m.status is MirrorStatus.PENDING_MIRROR and needs_policy(m)]
            for mirror in waiting:
                await self._finish(mirror)
            await self.rows_change(LOOK_S if waiting else IDLE_S)

    def decide(self, decision: Decision) -> None:
        for topic, (asked, error) in list(self._found.items()):
            mirror = self.context.model.mirrors.get(mirror_key(self.link, topic))
            if mirror is None or mirror.status is not MirrorStatus.PENDING_MIRROR or mirror != asked:
                del self._found[topic]
            elif error is None:
                after, change = advance(mirror, Event.SET_UP, "every partition has its start", now_ms())
                decision.put_mirror(after)
                decision.note(change)
            else:
                decision.list_errors(mirror, (error,))

    async def _finish(self, mirror: Mirror) -> None:
        if not self.context.guards.is_up(mirror):
            return
        if not has_every_start(mirror, self.context.model.positions_of(self.link, mirror.mirror_topic)):
            return
        try:
            await self.context.own.alter_topic_configs(mirror.mirror_topic, {"cleanup.policy": mirror.cleanup_policy})
        except ClusterError as error:
            self._found[mirror.mirror_topic] = mirror, task_error(error, "destination")
        else:
            self._found[mirror.mirror_topic] = mirror, None
        self.wake()
