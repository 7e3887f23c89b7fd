"""Find out which principals' DENY would hit the worker itself, and which not.

Nobody is told in Kafka by what name a cluster knows him: a certificate's name goes through the broker's mapping rules,
a token's through its claims, and super users are in the broker's file. So it is tried, on groups that nobody uses: a
DENY READ for the principal, then the question whether we may still READ the group. What a DENY of ``User:*`` does not
keep from reading is a super user. Who dials for a partner that waits finds out in the same way by which name that
cluster knows him.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Collection

from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.acls import Acl, AclFilter
from pipeline.cluster.errors import KafkaFailure, NotAuthorized, TimedOut
from pipeline.sync.guard_plan import EVERYBODY

SHOWN_WITHIN_S = 15.0
STALE_S = 300.0
"""Entries of a try that is older were left by a worker that died."""
NAMING_RULES = "ssl.principal.mapping.rules"
DEFAULT_ALLOWS = "allow.everyone.if.no.acl.found"


async def harmless(own: Admin, app_id: str, principals: Collection[str]) -> frozenset[str]:
    """Those of `principals` that may be denied without hitting us. Raises ClusterError, NotAuthorized among them."""
    head = f"{app_id}-guard-"
    await _clear(own, head)
    names = {f"{head}{int(time.time())}-{uuid.uuid4().hex[:12]}": principal for principal in sorted(principals)}
    answers = await own.group_operations(names)
    if any("READ" not in operations for _, operations in answers.values()):
        raise NotAuthorized(30, "", "READ", f"groups with the prefix {app_id}")
    entries = [Acl("GROUP", name, "LITERAL", principal, "*", "READ", "DENY") for name, principal in names.items()]
    try:
        for error in (await own.create_acls(entries)).values():
            raise error
        for node in {node for node, _ in answers.values()}:
            await wait_until_shown(own, [e for e in entries if answers[e.resource_name][0] == node], node)
        answers = await own.group_operations(names)
    finally:
        await own.delete_acls(entries)
    return frozenset(names[name] for name, (_, operations) in answers.items() if "READ" in operations)


async def known_by(own: Admin, app_id: str, names: Collection[str]) -> frozenset[str]:
    """Those of `names` by which a cluster knows us; all of them for a super user, whom no DENY hits whatever it names.

    Raises ClusterError, as `harmless`.
    """
    fine = await harmless(own, app_id, {EVERYBODY, *names})
    return frozenset(names) if EVERYBODY in fine else frozenset(names) - fine


async def denies_by_default(own: Admin) -> bool:
    """Whether the cluster is known to refuse what no entry allows. Where the broker names the setting it does not tell
    its value (an unknown config counts as sensitive), so False.
    """
    try:
        return DEFAULT_ALLOWS not in await own.broker_configs()
    except KafkaFailure:
        return False


async def may_have_renamed(own: Admin, principals: Collection[str]) -> bool:
    """Whether a cluster may make other names of the subjects of certificates; True where it does not tell.

    Rules of one listener (``listener.name.x.ssl.principal.mapping.rules``) may be those of the one that is dialled; of
    these a broker tells the names only, as of every setting that its table does not have.
    """
    if not any("=" in principal for principal in principals):
        return False
    try:
        configs = await own.broker_configs()
    except KafkaFailure:
        return True
    rules = configs.get(NAMING_RULES)
    is_general = rules is not None and rules.value not in (None, "", "DEFAULT")
    return is_general or any(name.endswith(f".{NAMING_RULES}") for name in configs)


async def wait_until_shown(own: Admin, entries: Collection[Acl], node: int) -> None:
    """Wait until a broker goes by these entries, which the controller has accepted. Raises TimedOut."""
    kinds = {entry.resource_type for entry in entries}
    deadline = time.monotonic() + SHOWN_WITHIN_S
    while True:
        shown = {acl for kind in kinds for acl in await own.describe_acls(AclFilter(kind, permission="DENY"), node)}
        if shown.issuperset(entries):
            return
        if time.monotonic() > deadline:
            raise TimedOut(f"broker {node} does not show new ACLs within {SHOWN_WITHIN_S:.0f} s")
        await asyncio.sleep(0.02)


async def _clear(own: Admin, head: str) -> None:
    """Delete what tries of workers that died have left."""
    left = [
        acl
        for acl in await own.describe_acls(AclFilter("GROUP", permission="DENY"))
        if acl.resource_name.startswith(head) and _is_stale(acl.resource_name.removeprefix(head))
    ]
    if left:
        await own.delete_acls(left)


def _is_stale(rest: str) -> bool:
    stamp = rest.partition("-")[0]
    return stamp.isdecimal() and time.time() - int(stamp) > STALE_S
