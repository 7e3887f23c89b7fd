"""Users of a secure cluster: what they may do, which password they have, and the link properties that say so."""

from __future__ import annotations

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from pipeline.local.cluster import LocalCluster
from tests.support.clients import TIMEOUT_S, admin

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
    """Allow operations, separated by spaces, on a topic (or another kind), or on the cluster where none is named."""
    entries = [_binding(user, operation, resource, prefixed, kind) for operation in operations.split()]
    client = admin(cluster)
    for future in client.create_acls(entries).values():
        future.result(TIMEOUT_S)


def disallow(cluster: LocalCluster, user: str, operation: str, resource: str = "") -> None:
    """Take one permission back."""
    which = _binding(user, operation, resource)
    filters = [
        AclBindingFilter(
            which.restype,
            which.name,
            which.resource_pattern_type,
            which.principal,
            which.host,
            which.operation,
            which.permission_type,
        )
    ]
    client = admin(cluster)
    for future in client.delete_acls(filters).values():
        future.result(TIMEOUT_S)


def set_scram_password(cluster: LocalCluster, user: str, password: str) -> None:
    """Give a user another SCRAM-SHA-256 password; the one for PLAIN stays."""
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096)
    change = UserScramCredentialUpsertion(user, info, password.encode())
    client = admin(cluster)
    for future in client.alter_user_scram_credentials([change]).values():
        future.result(TIMEOUT_S)


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
