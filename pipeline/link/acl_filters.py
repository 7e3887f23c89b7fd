"""The grammar of `acl.filters` (spec 2.4), and which ACLs it selects (FILT-1..7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.link.filters import EVERY_NAME, FilterError, Reading

WRAPPER = "aclFilters"
RESOURCE_TYPES = ("ANY", "TOPIC", "CLUSTER", "GROUP", "TRANSACTIONAL_ID", "DELEGATION_TOKEN", "USER")
PATTERN_TYPES = ("ANY", "LITERAL", "PREFIXED", "MATCH")
PERMISSION_TYPES = ("ANY", "ALLOW", "DENY")
OPERATIONS = (
    "ANY",
    "ALL",
    "READ",
    "WRITE",
    "CREATE",
    "DELETE",
    "ALTER",
    "DESCRIBE",
    "CLUSTER_ACTION",
    "DESCRIBE_CONFIGS",
    "ALTER_CONFIGS",
    "IDEMPOTENT_WRITE",
)
_RESOURCE_FIELDS = ("resourceType", "patternType", "name")
_ACCESS_FIELDS = ("principal", "operation", "permissionType", "clusterLinkIds")
_OLD_SPELLING = "TRANSACTIONALID"


@dataclass(frozen=True)
class Acl:
    """One ACL as Kafka keeps it; words in upper case, as in Kafka's own enumerations."""

    resource_type: str
    pattern_type: str
    name: str
    principal: str
    host: str
    operation: str
    permission_type: str


@dataclass(frozen=True)
class AclFilter:
    """One filter; None stands for every name or principal. `cluster_link_ids`: what these links created (FILT-7)."""

    resource_type: str
    pattern_type: str
    name: str | None
    principal: str | None
    operation: str
    permission_type: str
    cluster_link_ids: tuple[str, ...] = ()

    def matches(self, acl: Acl, created_by: str | None) -> bool:
        """Whether it selects the ACL, which the link of id `created_by` created, or none (FILT-6, FILT-7)."""
        return (
            (created_by in self.cluster_link_ids if self.cluster_link_ids else created_by is None)
            and self.resource_type in ("ANY", acl.resource_type)
            and self.operation in ("ANY", acl.operation)
            and self.permission_type in ("ANY", acl.permission_type)
            and self.principal in (None, acl.principal)
            and self._matches_pattern(acl)
        )

    def _matches_pattern(self, acl: Acl) -> bool:
        """FILT-3. MATCH takes what would apply to the name: literally, by the wildcard or by a prefix."""
        if self.pattern_type == "MATCH":
            if self.name is None:
                return True
            if acl.pattern_type == "PREFIXED":
                return self.name.startswith(acl.name)
            return acl.name in (EVERY_NAME, self.name)
        return self.pattern_type in ("ANY", acl.pattern_type) and self.name in (None, acl.name)

    def to_json(self) -> dict[str, Any]:
        resource = {"resourceType": self.resource_type, "patternType": self.pattern_type}
        access: dict[str, Any] = {"operation": self.operation, "permissionType": self.permission_type}
        if self.name is not None:
            resource["name"] = self.name
        if self.principal is not None:
            access = {"principal": self.principal, **access}
        if self.cluster_link_ids:
            access["clusterLinkIds"] = list(self.cluster_link_ids)
        return {"resourceFilter": resource, "accessFilter": access}


@dataclass(frozen=True)
class AclFilters:
    """A set of filters: an ACL is selected if one of them matches; there is no exclude (FILT-5)."""

    filters: tuple[AclFilter, ...] = ()

    def selects(self, acl: Acl, created_by: str | None = None) -> bool:
        return any(one.matches(acl, created_by) for one in self.filters)

    @property
    def names_cluster(self) -> bool:
        """Whether a filter names the resource type CLUSTER, which TASK-35 asks for before rights on it are copied."""
        return any(one.resource_type == "CLUSTER" for one in self.filters)

    def to_json(self) -> dict[str, Any]:
        return {WRAPPER: [one.to_json() for one in self.filters]}


def parse_acl_filters(text: str) -> AclFilters:
    """Read `acl.filters`; empty text selects nothing. A bare list is understood (FILT-1). Raises FilterError."""
    if not text.strip():
        return AclFilters()
    reading = Reading()
    rows = reading.wrapped(text, WRAPPER, may_be_bare=True)
    if not rows:
        raise FilterError([f'the list under the expected key "{WRAPPER}" is empty'])
    filters = tuple(_acl_filter(reading, row, f"{WRAPPER}[{index}]") for index, row in enumerate(rows))
    reading.finish()
    return AclFilters(filters)


def _acl_filter(reading: Reading, row: Any, where: str) -> AclFilter:
    both = ("resourceFilter", "accessFilter")
    parts = reading.fields(row, where, both, required=both)
    resource_at, access_at = f"{where}.resourceFilter", f"{where}.accessFilter"
    resource = access = {}
    if "resourceFilter" in parts:
        resource = dict(reading.fields(parts["resourceFilter"], resource_at, _RESOURCE_FIELDS, _RESOURCE_FIELDS[:2]))
    if "accessFilter" in parts:
        access = dict(reading.fields(parts["accessFilter"], access_at, _ACCESS_FIELDS, _ACCESS_FIELDS[1:3]))
    if str(resource.get("resourceType", "")).upper() == _OLD_SPELLING:
        resource["resourceType"] = "TRANSACTIONAL_ID"
    return AclFilter(
        reading.word(resource, "resourceType", resource_at, RESOURCE_TYPES),
        reading.word(resource, "patternType", resource_at, PATTERN_TYPES),
        _name(reading, resource.get("name"), f"{resource_at}: name"),
        _name(reading, access.get("principal"), f"{access_at}: principal"),
        reading.word(access, "operation", access_at, OPERATIONS),
        reading.word(access, "permissionType", access_at, PERMISSION_TYPES),
        _link_ids(reading, access.get("clusterLinkIds"), access_at),
    )


def _name(reading: Reading, value: Any, where: str) -> str | None:
    """Absent, empty and '*' all mean every name."""
    if value is not None and not isinstance(value, str):
        reading.problem(f"{where} must be a string")
        return None
    return None if value in (None, "", EVERY_NAME) else str(value)


def _link_ids(reading: Reading, value: Any, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
        reading.problem(f"{where}: clusterLinkIds must be a list of at least one link id")
        return ()
    return tuple(value)
