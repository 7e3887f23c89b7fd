"""Decide which ACLs to add to the destination and which to take away (TASK-30..38, FILT-5..7). Pure.

    selected at the source   on the destination   created by this link   then
    yes                      no                   -                      add; it is this link's
    yes                      yes                  -                      nothing
    no                       yes                  yes                    delete
    no                       yes                  no                     nothing: it is not ours (TASK-31)
    no                       no                   yes                    forget that it was ours

So an ACL that was there before the link, or that somebody added there, is never deleted; one of ours that was deleted
by hand while the source still has it comes back (TASK-33); one that the filters no longer select goes (TASK-38).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from pipeline.cluster.administration.acls import Acl
from pipeline.link import acl_filters
from pipeline.link.acl_filters import AclFilters

CreatedBy = Callable[[Acl], str | None]
"""The id of the link that created an ACL of the source cluster, None for nobody's (FILT-6, FILT-7)."""


@dataclass(frozen=True)
class AclPlan:
    """What to do, each a set without the others'. `claim`: those to add that are not yet remembered as ours."""

    add: frozenset[Acl]
    claim: frozenset[Acl]
    delete: frozenset[Acl]
    forget: frozenset[Acl]


def plan_acls(wanted: Collection[Acl], here: Collection[Acl], owned: Collection[Acl]) -> AclPlan:
    """Compare what the source has selected with what is here and what this link created."""
    wants, has, ours = frozenset(wanted), frozenset(here), frozenset(owned)
    add = wants - has
    return AclPlan(add, add - ours, (ours & has) - wants, ours - wants - has)


@dataclass(frozen=True)
class NeverCopied:
    """What is left out whatever the filters say (TASK-35).

    `principals`: of the link at the source and of the workers here. `internal`: heads of the names of clusterlink's own
    topics and groups. `guards`: entries that keep mirrors read-only at the source (MIRROR-4).
    """

    principals: frozenset[str] = frozenset()
    internal: tuple[str, ...] = ()
    guards: frozenset[Acl] = frozenset()

    def holds(self, acl: Acl, names_cluster: bool) -> bool:
        """Whether this ACL is one of them."""
        if acl.principal in self.principals or acl in self.guards:
            return True
        if acl.resource_type in ("TOPIC", "GROUP", "TRANSACTIONAL_ID") and acl.resource_name.startswith(self.internal):
            return True
        raises = acl.resource_type == "CLUSTER" and acl.permission == "ALLOW" and acl.operation in ("ALTER", "ALL")
        return raises and not names_cluster


def select_acls(
    source: Collection[Acl], filters: AclFilters, never: NeverCopied, created_by: CreatedBy = lambda acl: None
) -> set[Acl]:
    """The source's ACLs that the destination shall have."""
    return {
        acl
        for acl in source
        if filters.selects(_as_filtered(acl), created_by(acl)) and not never.holds(acl, filters.names_cluster)
    }


def _as_filtered(acl: Acl) -> acl_filters.Acl:
    return acl_filters.Acl(
        acl.resource_type,
        acl.pattern_type,
        acl.resource_name,
        acl.principal,
        acl.host,
        acl.operation,
        acl.permission,
    )
