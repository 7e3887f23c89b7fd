"""Prints the dashboards: `python -m pipeline.metrics.dashboards.grafana`; a test keeps the files true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.metrics.dashboards.panel import Dashboard, Panel, Query, Shape, Variable
from pipeline.metrics.dashboards.tables import DASHBOARDS

FOLDER = Path(__file__).resolve().parents[3] / "deploy" / "grafana" / "dashboards"
SOURCE = {"type": "prometheus", "uid": "prometheus"}
WHOLE_WIDTH = 24
HEIGHTS = {Shape.STAT: 4, Shape.COURSE: 8, Shape.TABLE: 7}


def document(dashboard: Dashboard) -> dict[str, Any]:
    """A dashboard as Grafana reads it."""
    return {
        "uid": dashboard.name,
        "title": dashboard.title,
        "tags": ["clusterlink"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "15s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [_variable(variable) for variable in dashboard.variables]},
        "links": [{"type": "dashboards", "title": "clusterlink", "tags": ["clusterlink"], "asDropdown": True}],
        "panels": _placed(dashboard.panels),
    }


def text(dashboard: Dashboard) -> str:
    """The text of its file."""
    return json.dumps(document(dashboard), indent=2) + "\n"


def _placed(panels: tuple[Panel, ...]) -> list[dict[str, Any]]:
    """From left to right; what does not fit begins a new row."""
    found: list[dict[str, Any]] = []
    x = y = tallest = 0
    for number, panel in enumerate(panels, 1):
        height = HEIGHTS[panel.shape]
        if x + panel.width > WHOLE_WIDTH:
            x, y, tallest = 0, y + tallest, 0
        found.append(_panel(number, panel) | {"gridPos": {"x": x, "y": y, "w": panel.width, "h": height}})
        x, tallest = x + panel.width, max(tallest, height)
    return found


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.bad_from is not None:
        steps.append({"color": "red", "value": panel.bad_from})
    defaults = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}}
    found = {
        "id": number,
        "type": panel.shape.value,
        "title": panel.title,
        "description": panel.sentence,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [
            _target(letter, query, panel.shape) for letter, query in zip("ABCDEF", panel.queries, strict=False)
        ],
    }
    if panel.shape is Shape.TABLE:
        hidden = {"Time": True}
        found["transformations"] = [{"id": "organize", "options": {"excludeByName": hidden}}]
    return found


def _target(letter: str, query: Query, shape: Shape) -> dict[str, Any]:
    found: dict[str, Any] = {"refId": letter, "datasource": SOURCE, "expr": query.expr, "legendFormat": query.legend}
    if shape is Shape.TABLE:
        found |= {"format": "table", "instant": True}
    return found


def _variable(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": variable.query, "refId": variable.name},
        "definition": variable.query,
        "refresh": 2,
        "sort": 1,
        "multi": variable.many,
    }


def main() -> None:
    """Write the files."""
    for dashboard in DASHBOARDS:
        (FOLDER / f"{dashboard.name}.json").write_text(text(dashboard), encoding="utf-8")


if __name__ == "__main__":
    main()
