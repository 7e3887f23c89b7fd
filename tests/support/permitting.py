"""Users of a secure cluster: what they may do, which password they have, and the link properties that say so."""

from __future__ import annotations

from collections.abc import Sequence

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from pipeline.local.cluster import LocalCluster
from tests.support.clients import TIMEOUT_S, admin, answered, configuration
from tests.support.workers import wait_until

CLUSTER = "kafka-cluster"
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"


def jaas(user: str, password: str, module: str = PLAIN) -> str:
    return f'{module} required username="{user}" password="{password}";'


def login(cluster: LocalCluster, user: str, password: str | None = None, mechanism: str = "PLAIN") -> dict[str, str]:
    """Link properties, with underscores for dots, for a user of a cluster; the right password unless told."""
    given = cluster.options.users.get(user, "") if password is None else password
    return {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": mechanism,
        "sasl_jaas_config": jaas(user, given, PLAIN if mechanism == "PLAIN" else SCRAM),
    }


def allow(
    cluster: LocalCluster,
    user: str,
    operations: str,
    resource: str = "",
    *,
    prefixed: bool = False,
    kind: ResourceType = ResourceType.TOPIC,
) -> None:
    """Allow operations, separated by spaces, on a topic (or another kind), or on the cluster where none is named.

    Returns when the broker goes by it, which the controller tells it a moment later.
    """
    add_acls(cluster, [_binding(user, operation, resource, prefixed, kind) for operation in operations.split()])


def add_acls(cluster: LocalCluster, entries: Sequence[AclBinding]) -> None:
    """Create ACLs, and wait until the broker has them."""
    client = admin(cluster)
    answered(lambda: [future.result(TIMEOUT_S) for future in client.create_acls(list(entries)).values()])
    wait_until(lambda: all(_found(client, each) for each in entries), f"the broker has {entries}", TIMEOUT_S, 0.02)


def disallow(cluster: LocalCluster, user: str, operation: str, resource: str = "") -> None:
    """Take one permission back; the broker goes by it then."""
    which = _binding(user, operation, resource)
    client = admin(cluster)
    answered(lambda: [future.result(TIMEOUT_S) for future in client.delete_acls([_exactly(which)]).values()])
    wait_until(lambda: not _found(client, which), f"the broker has no more {which}", TIMEOUT_S, 0.02)


def _found(client: AdminClient, which: AclBinding) -> bool:
    return bool(answered(lambda: client.describe_acls(_exactly(which)).result(TIMEOUT_S)))


def _exactly(which: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        which.restype,
        which.name,
        which.resource_pattern_type,
        which.principal,
        which.host,
        which.operation,
        which.permission_type,
    )


def set_scram_password(cluster: LocalCluster, user: str, password: str) -> None:
    """Give a user another SCRAM-SHA-256 password, which the broker knows then; the one for PLAIN stays."""
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096)
    change = UserScramCredentialUpsertion(user, info, password.encode())
    client = admin(cluster)
    answered(lambda: [future.result(TIMEOUT_S) for future in client.alter_user_scram_credentials([change]).values()])
    wait_until(lambda: _may_log_in(cluster, user, password), f"{user} may log in", TIMEOUT_S)


def _may_log_in(cluster: LocalCluster, user: str, password: str) -> bool:
    given = {"sasl.mechanism": "SCRAM-SHA-256", "sasl.password": password, "log_level": 0}
    try:
        AdminClient(configuration(cluster, user, **given)).list_topics(timeout=5)
    except KafkaException:
        return False
    return True


def _binding(
    user: str, operation: str, resource: str, prefixed: bool = False, kind: ResourceType = ResourceType.TOPIC
) -> AclBinding:
    return AclBinding(
        kind if resource else ResourceType.BROKER,
        resource or CLUSTER,
        ResourcePatternType.PREFIXED if prefixed else ResourcePatternType.LITERAL,
        f"User:{user}",
        "*",
        AclOperation[operation],
        AclPermissionType.ALLOW,
    )
