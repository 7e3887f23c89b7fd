"""Write what a cluster has as a file of links. Secrets are not in it: references say where they may come from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import yaml

from pipeline.declared.models import CurrentLink, CurrentMirror, Wanted
from pipeline.declared.schema import NOT_DECLARED
from pipeline.link.states import MirrorStatus

LEFT_OUT = frozenset({MirrorStatus.STOPPED, MirrorStatus.PENDING_STOPPED})
"""Regular topics, or about to be: nothing of them is declared."""


def export(links: Sequence[CurrentLink]) -> str:
    """The file, as YAML."""
    return yaml.safe_dump({"links": [link_row(link) for link in links]}, sort_keys=False, allow_unicode=True)


def link_row(link: CurrentLink) -> dict[str, Any]:
    """One link as the file has it."""
    configs: dict[str, Any] = {
        name: _value(name, value) for name, value in link.configs.items() if name not in NOT_DECLARED
    }
    configs |= {name: {"env": variable(link.name, name)} for name in link.secrets}
    mirrors = [mirror_row(mirror) for mirror in link.mirrors if mirror.status not in LEFT_OUT]
    ids = {name: value for name, value in link.ids.items() if name != "cluster_link_id"}  # a link elsewhere is another
    row: dict[str, Any] = {"name": link.name, **ids, "configs": dict(sorted(configs.items()))}
    return row | ({"mirrors": mirrors} if mirrors else {})


def mirror_row(mirror: CurrentMirror) -> dict[str, Any]:
    row = {"name": mirror.name, "source_topic": mirror.source_topic}
    return row | ({"state": Wanted.PAUSE.value} if mirror.status == MirrorStatus.PAUSED else {})


def variable(link: str, name: str) -> str:
    """The environment variable that an exported file asks for a secret: `EAST_SASL_JAAS_CONFIG`."""
    return "".join(c if c.isalnum() else "_" for c in f"{link}_{name}".upper())


def _value(name: str, value: str) -> Any:
    """Filters as objects, everything else as the text that it is."""
    if name.endswith("filters") and value:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
