"""What the first cycle of AclSync would add, told when it is turned on (TASK-36): also by a dry run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.acls import Acl
from pipeline.cluster.errors import ClusterError, SecurityError
from pipeline.cluster.security import client_arguments
from pipeline.lifecycle.acl_task import principals_of
from pipeline.lifecycle.context import Context
from pipeline.link.models import Link
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import ConnectionMode
from pipeline.sync.acl_plan import NeverCopied, plan_acls, select_acls

MOST_NAMED = 10
WITHIN_S = 10.0
"""Commands of the link wait meanwhile."""
SWITCH = "acl.sync.enable"


async def preview(
    context: Context, before: Link | None, after: Link, properties: Callable[[], Mapping[str, str]]
) -> tuple[str, ...]:
    """Sentences for the answer's warnings; none unless this turns the sync on.

    `properties` gives the link's, secrets in the clear; where it cannot (SecurityError) the warning says so instead.

    ACLs that other links created at the source are among those told; the cycle itself leaves them out (FILT-6).
    """
    settings = LinkSettings.of(after.configs)
    was_on = before is not None and LinkSettings.of(before.configs).acl_sync_enable
    is_inbound = after.connection_mode is ConnectionMode.INBOUND
    if not settings.acl_sync_enable or was_on or is_inbound or not settings.acl_filter_set().filters:
        return ()
    app_id = context.model.topics.app_id
    try:
        security = client_arguments(properties())
        principals = principals_of(security) | principals_of(context.own.client.security)
        async with asyncio.timeout(WITHIN_S), Admin(security, client_id=f"clusterlink-{after.name}") as source:
            theirs = await source.describe_acls()
            here = await context.own.describe_acls()
    except (ClusterError, SecurityError, TimeoutError) as error:
        return (f"{SWITCH}: what the first cycle would add cannot be told: {str(error) or 'no answer in time'}",)
    never = NeverCopied(principals, (f"{app_id}.", f"{app_id}-"))
    add = sorted(plan_acls(select_acls(theirs, settings.acl_filter_set(), never), here, ()).add)
    named = "; ".join(spoken(acl) for acl in add[:MOST_NAMED])
    more = f"; and {len(add) - MOST_NAMED} more" if len(add) > MOST_NAMED else ""
    return (f"{SWITCH}: the first cycle adds {len(add)} ACLs{': ' if add else ''}{named}{more}",)


def spoken(acl: Acl) -> str:
    """An entry in words: `ALLOW User:alice READ on PREFIXED TOPIC orders`."""
    host = "" if acl.host == "*" else f" from {acl.host}"
    pattern = "" if acl.pattern_type == "LITERAL" else f"{acl.pattern_type} "
    where = f"{pattern}{acl.resource_type} {acl.resource_name}"
    return f"{acl.permission} {acl.principal} {acl.operation} on {where}{host}"
