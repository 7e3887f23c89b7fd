"""Who may command: whoever may write to the commands topic. Where that is everybody, it is said (SEC-1, SEC-3)."""

from __future__ import annotations

import logging

from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.acls import AclFilter
from pipeline.cluster.errors import SECURITY_DISABLED, ClusterError, NotAuthorized

log = logging.getLogger(__name__)
EVERYBODY = "User:*"
WRITING = frozenset({"WRITE", "ALL"})


async def warn_if_open(own: Admin, topic: str) -> str:
    """Warn where everybody may write commands, and return the warning; empty where they may not, or nobody tells us."""
    try:
        entries = await own.describe_acls(AclFilter("TOPIC", topic, "MATCH"))
    except NotAuthorized:
        log.info("Who may write to %s cannot be told: DESCRIBE on the cluster is not allowed", topic)
        return ""
    except ClusterError as error:
        if error.code != SECURITY_DISABLED:
            log.info("Who may write to %s cannot be told: %s", topic, error)
            return ""
        why = "the cluster has no authorizer"
    else:
        allowed = [a for a in entries if a.permission == "ALLOW" and a.operation in WRITING]
        if not any(a.principal == EVERYBODY for a in allowed):
            return ""
        why = f"an ACL allows it to {EVERYBODY}"
    warning = (
        f"Everybody who reaches the cluster may write to {topic} ({why}), and so create, change and delete links and "
        "mirrors. Allow WRITE on it to operators and workers only (docs/security.md)."
    )
    log.warning("%s", warning)
    return warning
