"""The property table for people: what forms and lists of properties are drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.link.behaviour_properties import BEHAVIOUR
from pipeline.link.client_properties import CONNECTION, LOCAL_SECURITY, SECURITY
from pipeline.link.property_rows import Property

GROUPS: Mapping[str, Iterable[Property]] = {
    "behaviour": BEHAVIOUR,
    "connection": CONNECTION,
    "security": SECURITY,
    "own cluster": LOCAL_SECURITY,
}

COMMON = (
    "link.mode",
    "connection.mode",
    "bootstrap.servers",
    "security.protocol",
    "sasl.mechanism",
    "sasl.jaas.config",
    "ssl.truststore.certificates",
    "cluster.link.prefix",
    "consumer.offset.sync.enable",
    "consumer.offset.group.filters",
    "acl.sync.enable",
    "acl.filters",
    "auto.create.mirror.topics.enable",
    "auto.create.mirror.topics.filters",
)
"""What most links set, in the order in which a form asks for it."""


def properties() -> list[dict[str, Any]]:
    """A row for each property that can be set or is shown, common ones first."""
    rows = [_row(row, group) for group, table in GROUPS.items() for row in table if not row.refused]
    return sorted(rows, key=lambda row: COMMON.index(row["name"]) if row["is_common"] else len(COMMON))


def _row(row: Property, group: str) -> dict[str, Any]:
    return {
        "name": row.name,
        "group": group,
        "is_common": row.name in COMMON,
        "type": row.type.value,
        "default": row.default,
        "valid": row.valid,
        "choices": [choice for choice in row.choices if choice],
        "sentence": row.sentence,
        "modes": sorted(str(mode) for mode in row.modes),
        "is_mutable": row.mutable,
        "is_read_only": row.read_only,
        "is_sensitive": row.secret,
        "note": row.ignored,
    }
