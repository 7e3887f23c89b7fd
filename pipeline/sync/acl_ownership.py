"""Which ACLs a link created on the own cluster (TASK-32): rows of a few fixed shards, each a list.

An ACL belongs to the shard that its words hash to, so that a change rewrites one small row, and whoever reads the rows
in any order finds the same. A row names the link's id: a later link of the same name owns nothing of it (LINK-104).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from zlib import crc32

from pipeline.cluster.administration.acls import Acl

SHARDS = 32
Row = dict[str, Any]


def shard_of(acl: Acl) -> str:
    """The name of the row that an ACL belongs to."""
    return str(crc32(json.dumps(_words(acl)).encode()) % SHARDS)


def write_rows(cluster_link_id: str, owned: Collection[Acl], changed: Iterable[Acl]) -> dict[str, Row | None]:
    """The rows that have to be written because `changed` have come or gone; None for one that is empty now."""
    rows: dict[str, Row | None] = {}
    for shard in {shard_of(acl) for acl in changed}:
        inside = sorted(acl for acl in owned if shard_of(acl) == shard)
        rows[shard] = {"link_id": cluster_link_id, "acls": [_words(acl) for acl in inside]} if inside else None
    return rows


def read_rows(rows: Iterable[Mapping[str, Any]], cluster_link_id: str) -> set[Acl]:
    """The ACLs that the link of this id created."""
    return {Acl(*words) for row in rows if row["link_id"] == cluster_link_id for words in row.get("acls", ())}


def _words(acl: Acl) -> list[str]:
    return [
        acl.resource_type,
        acl.resource_name,
        acl.pattern_type,
        acl.principal,
        acl.host,
        acl.operation,
        acl.permission,
    ]
