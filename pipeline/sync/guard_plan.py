"""Decide which DENY WRITE entries keep everybody but the link from writing to a mirror (MIRROR-3, MIRROR-4 a). Pure.

In Kafka a DENY beats every ALLOW, and no entry says "everybody but one". So there are two forms:

- ``DENY User:* WRITE``, where the worker itself is a super user, whom no entry binds: nobody else can write.
- else ``DENY User:x WRITE`` for each principal that some entry lets write to the topic, but not for those whose DENY
  would hit the worker. On a cluster that denies by default nobody else can write either. An entry that lets everybody
  write (``ALLOW User:* WRITE``) cannot be stopped so: then foreign writes are only detected (MIRROR-4 b).

As with synced ACLs, an entry is ours if it was not there when we created it; another's is never deleted (TASK-31).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.cluster.administration.acls import Acl
from pipeline.sync.acl_plan import AclPlan, plan_acls

EVERYBODY = "User:*"
_HEAD = "guard/"
_WRITES = ("WRITE", "ALL")


@dataclass(frozen=True)
class Guard:
    """What to do for one topic; `is_closed`: whether every other principal that we know of is refused then."""

    plan: AclPlan
    is_closed: bool


def deny(topic: str, principal: str) -> Acl:
    """The entry that keeps a principal from writing to a topic."""
    return Acl("TOPIC", topic, "LITERAL", principal, "*", "WRITE", "DENY")


def writers(topic: str, here: Iterable[Acl]) -> set[str]:
    """The principals that some entry lets write to a topic."""
    return {acl.principal for acl in here if is_grant(acl) and applies(acl, topic)}


def is_grant(acl: Acl) -> bool:
    """Whether it lets somebody write to topics."""
    return acl.resource_type == "TOPIC" and acl.permission == "ALLOW" and acl.operation in _WRITES


def applies(acl: Acl, topic: str) -> bool:
    """Whether a topic's entry is meant for this topic."""
    if acl.pattern_type == "PREFIXED":
        return topic.startswith(acl.resource_name)
    return acl.resource_name in (topic, "*")


def plan_guard(
    topic: str, here: Collection[Acl], owned: Collection[Acl], harmless: Collection[str], denies_by_default: bool
) -> Guard:
    """What a topic's guard lacks. `harmless`: principals whose DENY does not keep the worker itself from writing.

    `denies_by_default`: the cluster is known to refuse what no entry allows, so that a first entry on the topic takes
    nothing from its readers.
    """
    granted = writers(topic, here)
    is_safe = EVERYBODY in harmless and (denies_by_default or granted)
    wanted = {EVERYBODY} if is_safe else granted & set(harmless)
    plan = plan_acls({deny(topic, principal) for principal in wanted}, here, owned)
    return Guard(plan, is_closed=EVERYBODY not in granted or EVERYBODY in wanted)


def row_name(topic: str) -> str:
    """The name of a guard's row among what a link owns (table `owned_acls`)."""
    return _HEAD + topic


def guarded_topic(row: str) -> str | None:
    """The topic whose guard a row of that name holds, None for another kind of row."""
    return row.removeprefix(_HEAD) if row.startswith(_HEAD) else None


def write_guard(cluster_link_id: str, topic: str, owned: Collection[Acl]) -> dict[str, Any] | None:
    """The row that remembers which entries are ours; None where there are none."""
    principals = sorted(acl.principal for acl in owned)
    return {"link_id": cluster_link_id, "topic": topic, "denied": principals} if principals else None


def read_guard(row: Mapping[str, Any] | None) -> set[Acl]:
    """The entries that such a row says are ours."""
    return {deny(row["topic"], principal) for principal in (row or {}).get("denied", ())} if row else set()
