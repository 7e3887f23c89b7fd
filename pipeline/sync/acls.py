"""One cycle of AclSync: the destination has the selected ACLs of the source (TASK-30..42).

That an ACL is ours is remembered before it is created, and forgotten after it is deleted. So a worker that dies in
between leaves at most a claim on an ACL that is not there, which the next cycle uses or drops; never a copied right
that nobody would take away when the source does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.acls import Acl
from pipeline.cluster.errors import ClusterError
from pipeline.link.acl_filters import AclFilters
from pipeline.link.models import TaskError
from pipeline.sync.acl_plan import CreatedBy, NeverCopied, plan_acls, select_acls
from pipeline.sync.problems import Side, acl_problem, problem

Keep = Callable[[set[Acl], Collection[Acl]], Awaitable[bool]]
"""Remember which ACLs are ours, of which the second have changed; False if that did not come about."""


@dataclass
class AclReport:
    """What came of a cycle. `selected`: ACLs of the source that the destination shall have."""

    errors: list[TaskError] = field(default_factory=list)
    selected: int = 0
    added: int = 0
    deleted: int = 0
    not_added: int = 0
    not_deleted: int = 0


@dataclass(frozen=True)
class AclJob:
    """What a cycle goes by. `created_by` tells which ACLs of the source a link created there (FILT-6)."""

    filters: AclFilters
    never: NeverCopied
    owned: set[Acl]
    keep: Keep
    created_by: CreatedBy = lambda acl: None


async def sync_acls(source: Admin, own: Admin, job: AclJob) -> AclReport:
    """Do one cycle. Refusals are in the report; nothing is raised for them."""
    report = AclReport()
    try:
        theirs = await source.describe_acls()
    except ClusterError as error:
        report.errors.append(problem(error, Side.SOURCE))
        return report
    try:
        here = await own.describe_acls()
    except ClusterError as error:
        report.errors.append(problem(error, Side.DESTINATION))
        return report
    wanted = select_acls(theirs, job.filters, job.never, job.created_by)
    plan = plan_acls(wanted, here, job.owned)
    report.selected = len(wanted)
    owned = job.owned | plan.claim
    if plan.claim and not await job.keep(owned, plan.claim):
        return report  # somebody else leads this link now
    not_added = await _ask(own.create_acls, plan.add, report)
    not_deleted = await _ask(own.delete_acls, plan.delete, report)
    gone = set(plan.forget)
    if not_added is not None:
        report.added, report.not_added = len(plan.add) - len(not_added), len(not_added)
        gone |= plan.claim & not_added
    if not_deleted is not None:
        report.deleted, report.not_deleted = len(plan.delete) - len(not_deleted), len(not_deleted)
        gone |= plan.delete - not_deleted
    if gone:
        await job.keep(owned - gone, gone)
    return report


async def _ask(
    ask: Callable[[Collection[Acl]], Awaitable[dict[Acl, ClusterError]]], acls: Collection[Acl], report: AclReport
) -> set[Acl] | None:
    """Create or delete; those that were refused. None where no answer came: each may have been carried out or not, and
    what is remembered of them stays as it is.
    """
    if not acls:
        return set()
    try:
        refused = await ask(acls)
    except ClusterError as error:
        report.errors.append(acl_problem(error))
        return None
    report.errors += [acl_problem(error) for error in refused.values()]
    return set(refused)
