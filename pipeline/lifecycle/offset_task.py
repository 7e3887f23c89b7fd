"""ConsumerOffsetSync of one link (STATE-20, TASK-1..20), and what promotions and failovers need of it.

What it is about to commit is remembered first (`pipeline/sync/marks.py`), so that whoever leads the link next knows the
commits of the one that died from those of the groups (TASK-10).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from pipeline.cluster.admin import Admin
from pipeline.cluster.errors import ClusterError
from pipeline.control.keys import mirror_key
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.link_task import LinkTask, Report, not_set
from pipeline.lifecycle.staying import stays
from pipeline.link.models import MOST_TASK_ERRORS, Link, Mirror, TaskError
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import LinkMode, MirrorStatus, TaskErrorCode, TaskName
from pipeline.metrics.meter import METER
from pipeline.sync.final_clamp import clamp_groups
from pipeline.sync.marks import Marks, Place, read_row, write_row
from pipeline.sync.offsets import OffsetJob, OffsetReport, sync_offsets
from pipeline.sync.problems import Side, problem
from pipeline.sync.two_sided import MarksOf, counterparts

TABLE = "synced_offsets"
FILTERS = "consumer.offset.group.filters"
MOST_TRIES = 4
CHANGED = TaskError(TaskErrorCode.UNKNOWN, f"{FILTERS} has changed during the last sync of offsets; it is made again")


class OffsetSync(LinkTask):
    """Cycles of one link. Marks are read from their rows once, and again only where a row has changed."""

    name = TaskName.CONSUMER_OFFSET_SYNC
    interval_property = "consumer_offset_sync_ms"
    properties = ("consumer.offset.sync.enable", "consumer.offset.sync.ms", FILTERS, "consumer.group.prefix.enable")

    def __init__(self, context: Context, link: str) -> None:
        super().__init__(context, link)
        self._memory = Memory(context, link)
        self._turned: list[Mirror] = []

    def is_on(self, settings: LinkSettings) -> bool:
        return settings.consumer_offset_sync_enable

    def misconfigured(self, settings: LinkSettings) -> TaskError | None:
        return None if settings.group_filters().filters else not_set(FILTERS)

    async def cycle(self, link: Link, settings: LinkSettings) -> Report:
        active = [mirror for mirror in self.mirrors() if mirror.status is MirrorStatus.ACTIVE]
        self._turned = await self._counterparts(link)
        job = self._memory.job(link, settings, [*active, *self._turned], partial(self._may_write, link))
        report = await run_job(self.context, link, job)
        count_offsets(self.link, report)
        return Report(
            report.errors,
            {"groups": report.groups, "clamped": report.clamped, "kept_destination_offsets": report.kept},
            {"offsets_written": report.written},
        )

    async def _counterparts(self, link: Link) -> list[Mirror]:
        """The other side's mirrors of topics here; a side that is not there is what `run_job` reports."""
        if link.mode is not LinkMode.BIDIRECTIONAL:
            return []
        try:
            return counterparts((await self.context.paired_partner(link)).mirrors())
        except ClusterError:
            return []

    def _may_write(self, link: Link, topic: str) -> bool:
        if not selects_the_same(link, self.row()):
            return False  # a group that was just taken out may be in use here; what is selected still comes at once
        mirror = self.context.model.mirrors.get(mirror_key(self.link, topic))
        if any(each.mirror_topic == topic for each in self._turned):
            return mirror is None or mirror.status is MirrorStatus.STOPPED
        return mirror is not None and mirror.status is MirrorStatus.ACTIVE


def selects_the_same(link: Link, now: Link | None) -> bool:
    """Whether the link still is this one, and syncs the same groups."""
    if now is None or now.created_ms != link.created_ms:
        return False
    return all(now.configs.get(name) == link.configs.get(name) for name in ("consumer.offset.sync.enable", FILTERS))


class Memory:
    """The marks of one link's groups."""

    def __init__(self, context: Context, link: str) -> None:
        self._context = context
        self._link = link
        self._read: dict[str, tuple[Mapping[str, Any], Marks]] = {}

    def marks(self, link: Link, group: str) -> Marks:
        """What is remembered of a group."""
        row = self._context.model.synced_offsets.get(f"{self._link}/{group}")
        if row is None:
            return {}
        known = self._read.get(group)
        if known is None or known[0] is not row:
            known = self._read[group] = row, read_row(row, link.cluster_link_id)
        return known[1]

    def job(
        self, link: Link, settings: LinkSettings, mirrors: Sequence[Mirror], may_write: Callable[[str], bool]
    ) -> OffsetJob:
        """A cycle over some mirrors that goes by what is remembered here."""
        return OffsetJob(
            settings, mirrors, lambda group: self.marks(link, group), lambda news: self.keep(link, news), may_write
        )

    async def keep(self, link: Link, news: Mapping[str, Marks]) -> bool:
        """Add to what is remembered of some groups; whether the rows show it.

        A cycle and the last sync of a promotion may write the same rows: what came too late is tried again on the new
        ones. It goes on failing only where another worker leads the link.
        """
        model = self._context.model
        for _ in range(MOST_TRIES):
            wanted = {group: self.marks(link, group) | marks for group, marks in news.items()}
            left = [group for group, marks in wanted.items() if marks != self.marks(link, group)]
            if not left:
                return True
            if model.links.get(self._link) is None:
                return False
            decision = Decision(model, self._link)
            for group in left:
                decision.put_kept(TABLE, group, write_row(link.cluster_link_id, wanted[group]))
            await self._context.settle(decision)
        return all(self.marks(link, group) == self.marks(link, group) | marks for group, marks in news.items())


def count_offsets(link: str, report: OffsetReport) -> None:
    """A cycle in metrics (MET-20, MET-45, MET-46)."""
    METER.add("clusterlink_consumer_offset_commits_total", link, "success", by=report.written)
    METER.add("clusterlink_consumer_offset_commits_total", link, "failure", by=report.refused)
    METER.replace("clusterlink_consumer_offset_lag_records", link, report.lags)
    in_use, failed = len(report.in_use), len(report.failed - report.in_use)
    states = {"synced": report.groups - in_use - failed, "in_use": in_use, "error": failed}
    METER.replace("clusterlink_consumer_groups", link, states)


async def run_job(context: Context, link: Link, job: OffsetJob) -> OffsetReport:
    """One cycle; a source that cannot even be connected to is an error of the report, and so is a missing other side.

    Without the other side's marks nobody could tell its groups' commits from those of the link (TASK-16).
    """
    try:
        remote = await context.remote(link)
        if link.mode is LinkMode.BIDIRECTIONAL:
            theirs = (await context.paired_partner(link)).other_side(link, context.cluster_id)
            job = replace(job, theirs=partial(_their_marks, context, link, theirs.cluster_link_id))
        return await sync_offsets(remote, context.own, job)
    except ClusterError as error:
        return OffsetReport(general=[problem(error, Side.SOURCE)])


async def _their_marks(context: Context, link: Link, cluster_link_id: str) -> MarksOf:
    """What the other side remembers of groups, as of now."""
    partner = await context.paired_partner(link)
    return lambda group: read_row(partner.synced_offsets(group), cluster_link_id)


async def sync_offsets_finally(context: Context, link: Link, mirror: Mirror) -> tuple[Mirror, tuple[TaskError, ...]]:
    """The last cycle for a promoted mirror that has all of its source's records (TASK-13, MIRROR-67).

    A selected group with members here keeps the promotion pending (CONSUMER_GROUP_IN_USE_ERROR), and so does whatever
    else this meets.
    """
    settings = LinkSettings.of(link.configs)
    if not settings.consumer_offset_sync_enable or not settings.group_filters().filters:
        return mirror, ()
    joined = _FINAL.setdefault(context.own, {}).setdefault(link.name, FinalSyncs(context))
    return mirror, tuple((await joined.sync(link, mirror))[:MOST_TASK_ERRORS])


class FinalSyncs:
    """Joins the last syncs of mirrors that are promoted together: the groups are asked once for all of them.

    What comes while a cycle runs is taken by the next one: a last sync begins after its mirror has everything.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._waiting: dict[str, tuple[Mirror, asyncio.Future[list[TaskError]]]] = {}
        self._running = asyncio.Lock()

    async def sync(self, link: Link, mirror: Mirror) -> list[TaskError]:
        """Sync one mirror's offsets, with those of others; what stands against it."""
        kept = self._waiting.get(mirror.mirror_topic)  # maybe of somebody who was cancelled, and of a former row
        future = asyncio.get_running_loop().create_future() if kept is None else kept[1]
        self._waiting[mirror.mirror_topic] = mirror, future
        async with self._running:
            await asyncio.sleep(0)  # whoever comes at the same moment comes along
            taken, self._waiting = self._waiting, {}
            if taken:
                await self._cycle(link, taken)
        return await future

    async def _cycle(self, link: Link, taken: dict[str, tuple[Mirror, asyncio.Future[list[TaskError]]]]) -> None:
        settings = LinkSettings.of(link.configs)
        mirrors = [mirror for mirror, _ in taken.values()]
        try:
            job = Memory(self._context, link.name).job(link, settings, mirrors, partial(self._may_write, link, taken))
            report = await run_job(self._context, link, job)
            if not selects_the_same(link, self._context.model.links.get(link.name)):
                report.general.append(CHANGED)
        except BaseException as error:
            for _, future in taken.values():
                future.set_exception(RuntimeError(f"the last offset sync was interrupted: {error!r}"))
            raise
        for topic, (_, future) in taken.items():
            future.set_result(report.general + report.of_topic.get(topic, []))

    def _may_write(self, link: Link, taken: Mapping[str, tuple[Mirror, object]], topic: str) -> bool:
        """Not for a promotion that was turned into a failover: its groups may be in use here by now."""
        mirror, _ = taken[topic]
        if not selects_the_same(link, self._context.model.links.get(link.name)):
            return False
        return mirror.status is not MirrorStatus.PENDING_STOPPED or stays(self._context, mirror)


_FINAL: WeakKeyDictionary[Admin, dict[str, FinalSyncs]] = WeakKeyDictionary()
"""By the worker's client of its own cluster, and by link."""


async def clamp_synced_offsets(context: Context, link: Link, mirrors: Sequence[Mirror]) -> dict[str, TaskError | None]:
    """Lower what was synced above the ends of mirrors that stop, known by their `final` positions (MIRROR-70).

    Which groups these are is known from their marks, so that a failover asks for as good as none of them.
    """
    ends = {(m.mirror_topic, at.partition): at.log_end_offset for m in mirrors for at in m.final}
    topics = {mirror.mirror_topic for mirror in mirrors}
    groups = above_ends(context.model.synced_offsets, link, topics, ends)
    in_flight = LinkSettings.of(link.configs).consumer_offset_sync_max_in_flight
    met = await clamp_groups(context.own, groups, ends, in_flight)
    return {topic: met.get(topic) for topic in topics}


def above_ends(
    rows: Mapping[str, Mapping[str, Any]], link: Link, topics: set[str], ends: Mapping[Place, int]
) -> list[str]:
    """Groups for which the link has committed more than `ends` on one of these mirrors, by the rows of all links."""
    head, found = f"{link.name}/", []
    for key, row in rows.items():
        if not key.startswith(head) or topics.isdisjoint(row["marks"]):
            continue
        marks = read_row(row, link.cluster_link_id)
        if any(place in ends and mark.is_ours and mark.here > ends[place] for place, mark in marks.items()):
            found.append(key[len(head) :])
    return sorted(found)
