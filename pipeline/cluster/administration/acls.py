"""Access control lists: list, create, delete, and whether the cluster keeps any.

A cluster without an authorizer answers every request here with SECURITY_DISABLED (54), which comes out as KafkaFailure
with that code (STATE-37, TASK-41).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest

from pipeline.cluster.administration.asker import Asker
from pipeline.cluster.errors import SECURITY_DISABLED, ClusterError, NotAuthorized, check, failure
from pipeline.cluster.metadata import OPERATIONS

_ANY = {1: "ANY"}
RESOURCE_TYPES = _ANY | {
    2: "TOPIC",
    3: "GROUP",
    4: "CLUSTER",
    5: "TRANSACTIONAL_ID",
    6: "DELEGATION_TOKEN",
    7: "USER",
}
PATTERN_TYPES = _ANY | {2: "MATCH", 3: "LITERAL", 4: "PREFIXED"}
ACL_OPERATIONS = _ANY | {2: "ALL"} | OPERATIONS
PERMISSIONS = _ANY | {2: "DENY", 3: "ALLOW"}
_UNKNOWN = "UNKNOWN"
_FULL_SIZE = 500
"""Most ACLs in one request; the brokers refuse requests that make too many records at once."""


@dataclass(frozen=True, slots=True, order=True)
class Acl:
    """One access control entry, in Kafka's own words: ``Acl("TOPIC", "orders", "LITERAL", "User:a", "*", "READ",
    "ALLOW")``. The cluster is the resource ``CLUSTER`` of the name ``kafka-cluster``."""

    resource_type: str
    resource_name: str
    pattern_type: str
    principal: str
    host: str
    operation: str
    permission: str


@dataclass(frozen=True, slots=True)
class AclFilter:
    """Which entries to list or delete; None and ``ANY`` match everything.

    ``pattern_type`` ``MATCH`` finds every pattern that applies to ``resource_name``, prefixes and ``*`` among them.
    """

    resource_type: str = "ANY"
    resource_name: str | None = None
    pattern_type: str = "ANY"
    principal: str | None = None
    host: str | None = None
    operation: str = "ANY"
    permission: str = "ANY"


def exactly(acl: Acl) -> AclFilter:
    """Return the filter that matches this entry and no other."""
    return AclFilter(
        acl.resource_type,
        acl.resource_name,
        acl.pattern_type,
        acl.principal,
        acl.host,
        acl.operation,
        acl.permission,
    )


class AclsAdmin(Asker):
    """ACLs of one cluster."""

    async def describe_acls(self, which: AclFilter | None = None, node: int | None = None) -> list[Acl]:
        """List the entries that match, as one broker (any where None) sees them: a change reaches each in its time.

        Needs DESCRIBE on the cluster. Raises NotAuthorized, KafkaFailure (54).
        """
        wanted = which or AclFilter()
        message = DescribeAclsRequest(
            resource_type_filter=_number(RESOURCE_TYPES, wanted.resource_type),
            resource_name_filter=wanted.resource_name,
            pattern_type_filter=_number(PATTERN_TYPES, wanted.pattern_type),
            principal_filter=wanted.principal,
            host_filter=wanted.host,
            operation=_number(ACL_OPERATIONS, wanted.operation),
            permission_type=_number(PERMISSIONS, wanted.permission),
        )

        async def attempt() -> list[Acl]:
            response = await (self._any(message, 1) if node is None else self._node(node, message, 1))
            check(response.error_code, response.error_message, "DESCRIBE", "cluster")
            return sorted(
                _acl(resource.resource_type, resource.resource_name, resource.pattern_type, entry)
                for resource in response.resources
                for entry in resource.acls
            )

        return await self._repeat(attempt)

    async def create_acls(self, acls: Iterable[Acl]) -> dict[Acl, ClusterError]:
        """Create entries; those that exist stay. Return the error of each that was refused, nothing for the rest.

        Needs ALTER on the cluster.
        """
        refused: dict[Acl, ClusterError] = {}
        for part in _parts(sorted(set(acls))):
            refused |= await self._create(part)
        return refused

    async def delete_acls(self, acls: Iterable[Acl]) -> dict[Acl, ClusterError]:
        """Delete exactly these entries; one that is not there counts as deleted. Return the error of each refused."""
        refused: dict[Acl, ClusterError] = {}
        for part in _parts(sorted(set(acls))):
            refused |= await self._delete(part)
        return refused

    async def has_authorizer(self) -> bool:
        """Say whether the cluster keeps ACLs at all; True also when we may not see them."""
        try:
            await self.describe_acls(AclFilter(resource_type="CLUSTER", operation="ALTER"))
        except NotAuthorized:
            return True
        except ClusterError as error:
            if error.code != SECURITY_DISABLED:
                raise
            return False
        return True

    async def _create(self, acls: list[Acl]) -> dict[Acl, ClusterError]:
        message = CreateAclsRequest(
            creations=[
                CreateAclsRequest.AclCreation(
                    resource_type=_number(RESOURCE_TYPES, acl.resource_type),
                    resource_name=acl.resource_name,
                    resource_pattern_type=_number(PATTERN_TYPES, acl.pattern_type),
                    principal=acl.principal,
                    host=acl.host,
                    operation=_number(ACL_OPERATIONS, acl.operation),
                    permission_type=_number(PERMISSIONS, acl.permission),
                )
                for acl in acls
            ]
        )

        async def attempt() -> dict[Acl, ClusterError]:
            response = await self._controller(message, min_version=1)
            return {
                acl: failure(result.error_code, result.error_message, "ALTER", "cluster")
                for acl, result in zip(acls, response.results, strict=True)
                if result.error_code
            }

        return await self._repeat(attempt)

    async def _delete(self, acls: list[Acl]) -> dict[Acl, ClusterError]:
        message = DeleteAclsRequest(
            filters=[
                DeleteAclsRequest.DeleteAclsFilter(
                    resource_type_filter=_number(RESOURCE_TYPES, acl.resource_type),
                    resource_name_filter=acl.resource_name,
                    pattern_type_filter=_number(PATTERN_TYPES, acl.pattern_type),
                    principal_filter=acl.principal,
                    host_filter=acl.host,
                    operation=_number(ACL_OPERATIONS, acl.operation),
                    permission_type=_number(PERMISSIONS, acl.permission),
                )
                for acl in acls
            ]
        )

        async def attempt() -> dict[Acl, ClusterError]:
            response = await self._controller(message, min_version=1)
            refused: dict[Acl, ClusterError] = {}
            for acl, result in zip(acls, response.filter_results, strict=True):
                for each in (result, *result.matching_acls):
                    if each.error_code:
                        refused[acl] = failure(each.error_code, each.error_message, "ALTER", "cluster")
            return refused

        return await self._repeat(attempt)


def _acl(resource_type: int, resource_name: str, pattern_type: int, entry: Any) -> Acl:
    return Acl(
        RESOURCE_TYPES.get(resource_type, _UNKNOWN),
        resource_name,
        PATTERN_TYPES.get(pattern_type, _UNKNOWN),
        entry.principal,
        entry.host,
        ACL_OPERATIONS.get(entry.operation, _UNKNOWN),
        PERMISSIONS.get(entry.permission_type, _UNKNOWN),
    )


def _number(names: dict[int, str], name: str) -> int:
    """Return the protocol's number for a name. Raises ValueError for one that it does not have."""
    for number, known in names.items():
        if known == name:
            return number
    raise ValueError(f"{name!r} is not one of {', '.join(names.values())}")


def _parts(acls: list[Acl]) -> list[list[Acl]]:
    return [acls[at : at + _FULL_SIZE] for at in range(0, len(acls), _FULL_SIZE)]
