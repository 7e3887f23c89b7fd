"""A link's properties as listings show them (LINK-12, CLI-4, REST-58): secrets null (LINK-11, LINK-43)."""

from __future__ import annotations

from typing import Any

from pipeline.link.errors import Malformed
from pipeline.link.models import Link
from pipeline.link.names import nearest, shorten
from pipeline.link.properties import PROPERTIES
from pipeline.link.property_rows import Property

DEFAULT = "DEFAULT_CONFIG"
DYNAMIC = "DYNAMIC_CLUSTER_LINK_CONFIG"


def listing(link: Link, own_cluster_id: str) -> list[dict[str, Any]]:
    """One row per property that a link of this mode has, sorted by name: name, value, is_default, is_read_only,
    is_sensitive, source, synonyms."""
    rows = (row for row in PROPERTIES.values() if link.mode in row.modes and not row.refused)
    return [_row(row, link, own_cluster_id) for row in sorted(rows, key=lambda row: row.name)]


def describe(link: Link, own_cluster_id: str, name: str) -> dict[str, Any]:
    """The row of one property; Malformed with the text of REST-70 for a name that a link of this mode has not."""
    row = PROPERTIES.get(name)
    if row is None or row.refused or link.mode not in row.modes:
        close = None if row else nearest(name, PROPERTIES)
        hint = f"; did you mean {close}?" if close else ""
        raise Malformed(f"Invalid Config Name. A {link.mode} link has no property '{shorten(name)}'{hint}")
    return _row(row, link, own_cluster_id)


def printable(link: Link) -> dict[str, str]:
    """What was set and is no secret, sorted by name: what a command may print back (CLI-1, CLI-63)."""
    return {
        name: value
        for name, value in sorted(link.configs.items())
        if name in PROPERTIES and not PROPERTIES[name].secret
    }


def _row(row: Property, link: Link, own_cluster_id: str) -> dict[str, Any]:
    derived = {
        "link.mode": link.mode.value,
        "connection.mode": link.connection_mode.value,
        "cluster.link.id": link.cluster_link_id or None,
        "dest.cluster.id": own_cluster_id,
        "link.prefix": link.prefix or None,
    }
    is_set = row.name in link.configs or (row.name == "link.prefix" and bool(link.prefix))
    value = derived[row.name] if row.name in derived else link.configs.get(row.name, row.default)
    return {
        "name": row.name,
        "value": None if row.secret else value,
        "is_default": not is_set,
        "is_read_only": not row.mutable,
        "is_sensitive": row.secret,
        "source": DYNAMIC if is_set else DEFAULT,
        "synonyms": [],
    }
