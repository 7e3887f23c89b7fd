"""The JSON Schema of a file of links, generated from the table of properties; `python -m pipeline.declared.schema`
rewrites `links.schema.json`, which the package carries for editors and pipelines. A test compares the two.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.declared.models import Wanted
from pipeline.link.names import LONGEST_NAME
from pipeline.link.properties import PROPERTIES
from pipeline.link.property_rows import Property, Type

PATH = Path(__file__).with_name("links.schema.json")
IDS = ("source_cluster_id", "destination_cluster_id", "remote_cluster_id", "cluster_link_id")
LINK_FIELDS = ("name", *IDS, "configs", "mirrors")
MIRROR_FIELDS = ("name", "source_topic", "state", "replication_factor", "configs")
NOT_DECLARED = frozenset({"dest.cluster.id", "link.prefix"})
"""Rows of listings that follow from others (LINK-43)."""


def schema() -> dict[str, Any]:
    """The schema as a document."""
    reference = {
        "type": "object",
        "description": "Where the value comes from, so that it need not stand in the file.",
        "properties": {
            "env": {"type": "string", "description": "Name of an environment variable of `clusterlink apply`."},
            "file": {"type": "string", "description": "A file, seen from the folder of this one."},
        },
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }
    name = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}
    mirror = {
        "type": "object",
        "required": ["name"],
        "additionalProperties": False,
        "properties": {
            "name": {**name, "description": "Name of the mirror topic."},
            "source_topic": {**name, "description": "Name at the source; needed with a prefix. Default: the name."},
            "state": {"enum": [state.value for state in Wanted], "default": Wanted.ACTIVE.value},
            "replication_factor": {"type": "integer", "minimum": 1, "maximum": 32767},
            "configs": {
                "type": "object",
                "description": "Topic configs given when the mirror is created (MIRROR-86).",
                "additionalProperties": {"type": ["string", "number", "boolean"]},
            },
        },
    }
    link = {
        "type": "object",
        "required": ["name"],
        "additionalProperties": False,
        "properties": {
            "name": {**name, "pattern": "^[a-zA-Z0-9._-]+$"},
            **{field: {"type": "string"} for field in IDS},
            "configs": {
                "type": "object",
                "additionalProperties": False,
                "properties": {row.name: _property(row) for row in PROPERTIES.values() if is_declared(row)},
            },
            "mirrors": {"type": "array", "items": {"$ref": "#/$defs/mirror"}},
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "clusterlink: links and mirrors as they shall be",
        "type": "object",
        "required": ["links"],
        "additionalProperties": False,
        "properties": {"links": {"type": "array", "items": {"$ref": "#/$defs/link"}}},
        "$defs": {"link": link, "mirror": mirror, "reference": reference},
    }


def is_declared(row: Property) -> bool:
    """Whether a file may name this property."""
    return not row.read_only and not row.refused and row.name not in NOT_DECLARED


def document() -> str:
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def _property(row: Property) -> dict[str, Any]:
    """What a value may be; numbers and booleans may be written as strings as well, as on the wire (LINK-1)."""
    text: dict[str, Any] = {"type": "string"}
    kinds: list[dict[str, Any]] = [text]
    if row.choices:
        text["description"] = f"One of {row.valid}, in any case."
    if row.type is Type.BOOLEAN:
        kinds = [{"type": "boolean"}, {"type": "string", "pattern": "^ *([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]) *$"}]
    elif row.type in (Type.INT, Type.LONG, Type.DOUBLE):
        number: dict[str, Any] = {"type": "number" if row.type is Type.DOUBLE else "integer"}
        if row.minimum is not None:
            number["minimum"] = row.minimum
        if row.maximum is not None:
            number["maximum"] = row.maximum
        kinds = [number, text]
    elif row.type is Type.LIST:
        kinds = [text, {"type": "array", "items": {"type": "string"}}]
    elif row.name.endswith("filters"):
        kinds = [text, {"type": "object"}]
    found: dict[str, Any] = {"description": row.sentence, "anyOf": [*kinds, {"$ref": "#/$defs/reference"}]}
    if row.default is not None:
        found["default"] = row.typed_default if not isinstance(row.typed_default, tuple) else list(row.typed_default)
    return found


if __name__ == "__main__":
    PATH.write_text(document(), encoding="utf-8")
