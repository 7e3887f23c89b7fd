"""What the four tasks of a link have in common: when they run, and how they report (STATE-20..29, TASK-54).

A task follows its link: it works only while the link is ACTIVE. What it meets is listed until the first clean cycle. A
report is written when the state or an error has changed, and while the task works every half minute, so that an idle
link stays quiet and hundreds of links that are not configured to sync say nothing.
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.cluster.errors import ClusterError
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.times import now_ms
from pipeline.link.models import Link, Mirror, TaskError, TaskStatus, at_most_ten
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import LinkErrorCode, LinkState, TaskErrorCode, TaskName, TaskState
from pipeline.metrics.meter import METER
from pipeline.sync.problems import Side, problem

log = logging.getLogger(__name__)
REPORT_EVERY_MS = 30_000
WORKS = frozenset({TaskState.ACTIVE, TaskState.IN_ERROR})
_AFTER_LINK = {
    LinkState.PAUSED: TaskState.LINK_PAUSED,
    LinkState.UNAVAILABLE: TaskState.LINK_UNAVAILABLE,
    LinkState.FAILED: TaskState.LINK_FAILED,
    LinkState.UNKNOWN: TaskState.UNKNOWN,
}


@dataclass
class Report:
    """What one cycle met and did. `now` are numbers of this cycle, `done` are added up over all cycles."""

    errors: Sequence[TaskError] = ()
    now: Mapping[str, int] = field(default_factory=dict)
    done: Mapping[str, int] = field(default_factory=dict)


class LinkTask(ABC):
    """One task of one link, on the worker that leads it; made anew by whoever leads the link next."""

    name: TaskName
    interval_property: str
    """Attribute of LinkSettings with the milliseconds between two cycles."""
    properties: tuple[str, ...] = ()
    """Configs of the link whose change makes a cycle due at once."""

    def __init__(self, context: Context, link: str) -> None:
        self.context = context
        self.link = link
        self._done: Counter[str] | None = None
        self.is_void = False
        """Whether the last cycle met errors while the link's properties changed: they may be of the old ones, whose
        connections were closed under it. It is not reported, and another is due at once (LINK-10)."""

    @abstractmethod
    def is_on(self, settings: LinkSettings) -> bool:
        """Whether the task is configured to run (STATE-26)."""

    @abstractmethod
    async def cycle(self, link: Link, settings: LinkSettings) -> Report:
        """Do the task's work once. May raise ClusterError for the destination's; the source's it reports itself."""

    def misconfigured(self, settings: LinkSettings) -> TaskError | None:
        """Why a task that is on has nothing to go by (STATE-30)."""
        return None

    def row(self) -> Link | None:
        """The link as it is now."""
        return self.context.model.links.get(self.link)

    def mirrors(self) -> list[Mirror]:
        """The link's mirrors as they are now."""
        return self.context.model.mirrors_of(self.link)

    def watched(self) -> tuple[object, ...] | None:
        """What makes a cycle due at once when it changes; None while there is no link."""
        link = self.row()
        if link is None:
            return None
        return (link.created_ms, link.state, *(link.configs.get(name) for name in self.properties))

    def interval_s(self) -> float:
        """Seconds from the beginning of one cycle to that of the next, as the link says now."""
        link = self.row()
        return 1.0 if link is None else float(getattr(LinkSettings.of(link.configs), self.interval_property)) / 1000

    def is_ours(self, link: Link) -> bool:
        """Whether the task runs here: while nobody reaches both clusters, whoever has the link's row says so."""
        return self.context.reach.can(link) or link.state in _AFTER_LINK

    async def run(self) -> None:
        """Do what is due and report it. A defect shows as INTERNAL_ERROR and in the log, and ends nothing else."""
        link, began = self.row(), time.monotonic()
        self.is_void = False
        if link is None or not self.is_ours(link):
            return
        report = Report()
        try:
            state, report = await self._work(link)
        except ClusterError as error:
            state, report.errors = TaskState.IN_ERROR, (problem(error, Side.DESTINATION),)
        except Exception as error:
            log.exception("%s of link %s: this cycle failed, the next follows", self.name, self.link)
            state = TaskState.IN_ERROR
            report.errors = (TaskError(TaskErrorCode.INTERNAL_ERROR, f"{type(error).__name__}: {error}"),)
        now = self.row()
        self.is_void = bool(report.errors) and now is not None and now.configs != link.configs
        if self.is_void:
            return
        took_s = time.monotonic() - began
        self._measure(state, took_s)
        await self._report(state, report, int(took_s * 1000))

    async def _work(self, link: Link) -> tuple[TaskState, Report]:
        settings = LinkSettings.of(link.configs)
        if not link.can_mirror or not self.is_on(settings):
            return TaskState.NOT_CONFIGURED, Report()
        if link.state is LinkState.UNAVAILABLE and link.error is LinkErrorCode.REMOTE_LINK_NOT_FOUND_ERROR:
            alone = TaskError(TaskErrorCode.REMOTE_LINK_NOT_FOUND_ERROR, link.error_message)
            return TaskState.IN_ERROR, Report((alone,))  # MODE-24
        if link.state in _AFTER_LINK:
            return _AFTER_LINK[link.state], Report()
        if missing := self.misconfigured(settings):
            return TaskState.IN_ERROR, Report((missing,))
        report = await self.cycle(link, settings)
        return (TaskState.IN_ERROR if report.errors else TaskState.ACTIVE), report

    def _measure(self, state: TaskState, took_s: float) -> None:
        """What the cycle says in metrics, at once and not just when it is news (MET-44, TASK-19)."""
        if state not in WORKS:
            return
        METER.set("clusterlink_task_duration_seconds", took_s, self.link, self.name)
        if state is TaskState.ACTIVE:
            METER.set("clusterlink_task_last_success_timestamp_seconds", time.time(), self.link, self.name)
        if took_s > self.interval_s():
            METER.add("clusterlink_task_overruns_total", self.link, self.name)

    async def _report(self, state: TaskState, report: Report, duration_ms: int) -> None:
        key = f"{self.link}/{self.name}"
        before = self.context.model.tasks.get(key)
        if self._done is None:
            self._done = Counter(dict(before.counts) if before is not None else {})
        self._done.update(report.done)
        counts = {**{name: self._done[name] for name in report.done}, **report.now}
        errors = at_most_ten(report.errors)
        now = now_ms()
        is_news = before is None or (before.state, before.errors) != (state, errors)
        is_due = state in WORKS and abs(now - (before.last_run_ms if before else 0)) >= REPORT_EVERY_MS
        if self.row() is None or not (is_news or is_due):
            return
        if is_news:
            level = logging.WARNING if errors else logging.INFO
            log.log(
                level,
                "Link %s: %s is %s%s",
                self.link,
                self.name,
                state,
                "".join(f"; {e.error_message}" for e in errors),
            )
        decision = Decision(self.context.model, self.link)
        decision.put_task(TaskStatus(self.link, self.name, state, errors, now, duration_ms, counts))
        await self.context.settle(decision)


def not_set(property_name: str) -> TaskError:
    """A feature is on and its filters select nothing, because there are none (FILT-12, FILT-48, STATE-30)."""
    return TaskError(
        TaskErrorCode.MISCONFIGURATION_ERROR,
        f"The feature is enabled but {property_name} is not set. Please set {property_name}.",
    )
