"""What the cluster has, as `apply` compares it and `export` writes it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from pipeline.cli.rest import Rest
from pipeline.declared.models import CurrentLink, CurrentMirror
from pipeline.declared.schema import IDS, NOT_DECLARED


def current_links(rest: Rest, names: Collection[str] | None = None) -> list[CurrentLink]:
    """The links of the cluster, or those of `names` that exist, with their properties and mirrors."""
    mirrors: dict[str, list[CurrentMirror]] = defaultdict(list)
    for row in rest.get("links", "-", "mirrors")["data"]:
        mirror = CurrentMirror(row["mirror_topic_name"], row["source_topic_name"], row["mirror_status"])
        mirrors[row["link_name"]].append(mirror)
    rows = [row for row in rest.get("links")["data"] if names is None or row["link_name"] in names]
    return [_link(row, rest.get("links", row["link_name"], "configs")["data"], mirrors) for row in rows]


def _link(row: dict[str, Any], configs: list[dict[str, Any]], mirrors: dict[str, list[CurrentMirror]]) -> CurrentLink:
    given = [each for each in configs if not each["is_default"] and each["name"] not in NOT_DECLARED]
    return CurrentLink(
        row["link_name"],
        {field: row[field] for field in IDS if row[field]},
        {each["name"]: each["value"] for each in given if not each["is_sensitive"]},
        frozenset(each["name"] for each in given if each["is_sensitive"]),
        {each["name"]: each["value"] for each in configs if each["is_read_only"] and each["value"] is not None},
        tuple(mirrors[row["link_name"]]),
    )
