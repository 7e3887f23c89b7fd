"""One cycle of ConsumerOffsetSync: carry the committed offsets of selected groups to the destination (TASK-1..20).

Everything is asked for in batches, at most `consumer.offset.sync.max.in.flight` requests at a time (TASK-19). The
source's offsets are read before the mirrors' log ends, so that a clamp is never to an end older than the offset. A
group with members on the destination is not written to; should one join in between, the broker refuses (tested).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.group_offsets import CommittedOffset, Offsets
from pipeline.cluster.administration.offsets import EARLIEST, LATEST, FoundOffset
from pipeline.cluster.errors import ClusterError
from pipeline.link.filters import EVERY_NAME, NameFilters
from pipeline.link.models import Mirror, TaskError
from pipeline.link.settings_of_link import LinkSettings
from pipeline.sync.batches import at_most, parts
from pipeline.sync.marks import Marks, Place
from pipeline.sync.offset_plan import Bounds, GroupPlan, plan_group
from pipeline.sync.problems import IN_USE, Side, commit_problem, in_use, problem
from pipeline.sync.two_sided import MarksOf, Theirs, judged

T = TypeVar("T")
GROUPS_AT_ONCE = 50
"""Groups in one OffsetFetch: with 100 partitions each an answer of some 200 KB."""
SHARE = "share"
IDLE_STATES = frozenset({"Empty", "Dead"})


@dataclass(frozen=True)
class OffsetJob:
    """What a cycle works on. `mirrors`: those whose offsets may be written now (TASK-2, TASK-13, TASK-14).

    `marks` gives what is remembered of a group, by its name here; `keep` remembers more of some groups, and tells
    whether that has come about. `may_write` is asked again right before a commit, and before it is tried again: the
    mirror may have stopped by then, and a promotion's last cycle, or the group itself, have committed something later.
    """

    settings: LinkSettings
    mirrors: Sequence[Mirror]
    marks: Callable[[str], Marks]
    keep: Callable[[Mapping[str, Marks]], Awaitable[bool]]
    may_write: Callable[[str], bool] = lambda topic: True
    theirs: Callable[[], Awaitable[MarksOf]] | None = None
    """What the other side of a two-sided link remembers of groups now: asked before and after its offsets are read."""


@dataclass
class OffsetReport:
    """What came of a cycle. `of_topic`: the errors that concern a mirror, by its name; `general`: those of all."""

    general: list[TaskError] = field(default_factory=list)
    of_topic: dict[str, list[TaskError]] = field(default_factory=dict)
    groups: int = 0
    written: int = 0
    clamped: int = 0
    kept: int = 0
    """Offsets that the group itself committed on the destination and that stay (TASK-10)."""
    refused: int = 0
    """Offsets that the destination did not take."""
    in_use: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    """Groups of which something could not be written; those with members here too."""
    lags: dict[str, int] = field(default_factory=dict)
    """By group: what it has committed at the source beyond what is committed here, after this cycle (MET-45)."""

    @property
    def errors(self) -> list[TaskError]:
        """All of them, each once."""
        return list(dict.fromkeys([*self.general, *(error for each in self.of_topic.values() for error in each)]))

    def met(self, error: TaskError, topics: Iterable[str]) -> None:
        """Something that concerns these mirrors only."""
        for topic in sorted(set(topics)):
            self.of_topic.setdefault(topic, []).append(error)


async def sync_offsets(source: Admin, own: Admin, job: OffsetJob) -> OffsetReport:
    """Do one cycle. Refusals are in the report; nothing is raised for them."""
    report = OffsetReport()
    limit = job.settings.consumer_offset_sync_max_in_flight
    if not job.mirrors:
        return report
    try:
        found = await _at_source(source, job, limit, report)
    except ClusterError as error:
        report.general.append(problem(error, Side.SOURCE))
        return report
    theirs = {group: each.offsets for group, each in found.items()}
    report.groups = len(theirs)
    if not theirs:
        return report
    try:
        bounds = await log_bounds(own, {place for offsets in theirs.values() for place in offsets}, report)
        live = await live_groups(own, set(theirs))
        batches = parts(theirs, GROUPS_AT_ONCE)
        here = {g: o for part in await at_most(limit, batches, own.groups_offsets) for g, o in part.items()}
    except ClusterError as error:
        report.general.append(problem(error, Side.DESTINATION))
        return report

    for part in parts(theirs, GROUPS_AT_ONCE):
        writes: dict[str, Offsets] = {}
        news: dict[str, Marks] = {}
        for group in part:
            answer = here[group]
            topics = {topic for topic, _ in theirs[group]}
            if isinstance(answer, ClusterError):
                report.met(problem(answer, Side.DESTINATION), topics)
                report.failed.add(group)
                continue
            marks = job.marks(group)
            of_link = found[group].of_link
            plan = plan_group(theirs[group], answer, marks, bounds, of_link=of_link, seen=found[group].seen)
            report.clamped += plan.clamped
            report.kept += _kept(marks | plan.known, theirs[group], plan)
            if group in live and theirs[group].keys() - set(of_link):
                report.in_use.add(group)
                report.met(in_use(group), topics)
            elif plan.writes:
                writes[group] = plan.writes
                news[group] = plan.after
            report.lags[group] = _behind(theirs[group], answer, writes.get(group, {}))
            if plan.known:
                news[group] = news.get(group, {}) | plan.known
        if not news or await job.keep(news):
            await at_most(limit, list(writes.items()), lambda due: _commit(own, job, report, *due))
        await asyncio.sleep(0)
    return report


def _kept(marks: Marks, theirs: Mapping[Place, CommittedOffset], plan: GroupPlan) -> int:
    """How many offsets stay because the group committed them here itself (TASK-10)."""
    return sum(place in marks and not marks[place].is_ours for place in theirs if place not in plan.writes)


def _behind(theirs: Offsets, here: Offsets, writes: Offsets) -> int:
    """Records between what a group has committed there and here, once `writes` are made; never below 0."""
    total = 0
    for place, committed in theirs.items():
        ours = writes.get(place) or here.get(place)
        total += max(0, committed.offset - (ours.offset if ours is not None else 0))
    return total


async def _at_source(source: Admin, job: OffsetJob, limit: int, report: OffsetReport) -> dict[str, Theirs]:
    """Committed offsets by the group's and the topic's names on the destination; groups without any are left out."""
    mirror_of = {mirror.source_topic: mirror for mirror in job.mirrors}
    selected = await select_groups(source, job.settings.group_filters())
    found: dict[str, Theirs] = {}

    async def fetch(part: list[str]) -> None:
        before = await _their_marks(job, part)
        answers = await source.groups_offsets(part)
        after = await _their_marks(job, part)
        for group, stands in answers.items():
            if isinstance(stands, ClusterError):
                report.general.append(problem(stands, Side.SOURCE))
                continue
            theirs = Theirs(stands)
            if before is not None and after is not None:
                theirs = judged(stands, before[group], after[group])
            if ours := translate(theirs.offsets, mirror_of):
                of_link = translate(dict.fromkeys(theirs.of_link), mirror_of)
                found[job.settings.group_name(group)] = Theirs(ours, of_link, translate(theirs.seen, mirror_of))
        await asyncio.sleep(0)

    await at_most(limit, parts(selected, GROUPS_AT_ONCE), fetch)
    return dict(sorted(found.items()))


async def _their_marks(job: OffsetJob, groups: Iterable[str]) -> dict[str, Marks] | None:
    """The other side's marks now; None where a link has one side only."""
    if job.theirs is None:
        return None
    marks_of = await job.theirs()
    return {group: marks_of(group) for group in groups}


async def select_groups(source: Admin, filters: NameFilters) -> list[str]:
    """Groups that are synced, by their names at the source (FILT-10..13). Share groups have no offsets to carry.

    Groups that a filter names outright are asked for even where the source does not list them: if that is for want of
    a permission, their offsets say so. Raises ClusterError.
    """
    listed = {group.group_id for group in await source.list_groups() if group.type != SHARE}
    named = {one.name for one in filters.filters if one.pattern_type == "LITERAL" and one.name != EVERY_NAME}
    return sorted(group for group in listed | named if filters.selects_group(group))


def translate(offsets: Mapping[Place, T], mirror_of: Mapping[str, Mirror]) -> dict[Place, T]:
    """A group's offsets on the source topics of mirrors, by the mirrors' partitions (TASK-2)."""
    found = {}
    for (topic, partition), committed in offsets.items():
        mirror = mirror_of.get(topic)
        if mirror is not None and partition < mirror.partitions:
            found[mirror.mirror_topic, partition] = committed
    return found


async def log_bounds(own: Admin, places: Iterable[Place], report: OffsetReport) -> dict[Place, Bounds]:
    """Where mirror partitions start and end now; one that cannot be asked is left out, and `report` says why."""
    asked = set(places)
    starts = await own.offsets_for_times(dict.fromkeys(asked, EARLIEST))
    ends = await own.offsets_for_times(dict.fromkeys(asked, LATEST))
    bounds = {}
    for place in sorted(asked):
        start, end = starts[place], ends[place]
        if isinstance(start, FoundOffset) and isinstance(end, FoundOffset):
            bounds[place] = Bounds(start.offset, end.offset)
        elif isinstance(refusal := start if isinstance(start, ClusterError) else end, ClusterError):
            report.met(problem(refusal, Side.DESTINATION), [place[0]])
    return bounds


async def live_groups(own: Admin, groups: set[str]) -> set[str]:
    """Those of `groups` that have members on the own cluster (TASK-9). Raises ClusterError."""
    listed = [each for each in await own.list_groups() if each.group_id in groups]
    live = {each.group_id for each in listed if each.state and each.state not in IDLE_STATES}
    if unsaid := [each.group_id for each in listed if not each.state]:  # brokers before 2.6
        described = await own.describe_groups(unsaid)
        live |= {group for group, info in described.items() if not isinstance(info, ClusterError) and info.is_live}
    return live


async def _commit(own: Admin, job: OffsetJob, report: OffsetReport, group: str, writes: Offsets) -> None:
    """Commit for one group what its marks say is about to be committed."""
    writes = {place: offset for place, offset in writes.items() if job.may_write(place[0])}
    try:
        refused = await own.alter_group_offsets(group, writes, job.may_write)
    except ClusterError as error:
        refused = dict.fromkeys(writes, error)
    for place, refusal in refused.items():
        report.met(commit_problem(refusal, group), [place[0]])
    report.written += len(writes) - len(refused)
    report.refused += len(refused)
    if refused:
        members = any(each.code in IN_USE for each in refused.values())
        (report.in_use if members else report.failed).add(group)
