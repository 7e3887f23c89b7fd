"""Dashboards and rules speak of metrics that there are, in the words of the table."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from pipeline.metrics.dashboards.grafana import FOLDER, WHOLE_WIDTH, document, text
from pipeline.metrics.dashboards.panel import Dashboard
from pipeline.metrics.dashboards.tables import DASHBOARDS
from pipeline.metrics.metric import Giver, Kind
from pipeline.metrics.table import METRICS

ROOT = Path(__file__).resolve().parents[3]
RULES = yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text(encoding="utf-8"))
EVERY_RULE = [rule for group in RULES["groups"] for rule in group["rules"]]
EXPRESSIONS = [rule["expr"] for rule in EVERY_RULE] + [
    query.expr for dashboard in DASHBOARDS for panel in dashboard.panels for query in panel.queries
]
NAMED = re.compile(r"\b(clusterlink_\w+)(?:\{([^}]*)\})?")


def metric_of(name: str) -> str:
    """A histogram is asked for by its parts."""
    base = re.sub(r"_(bucket|count|sum)$", "", name)
    return base if METRICS.get(base) is not None and METRICS[base].kind is Kind.HISTOGRAM else name


@pytest.mark.parametrize("expression", sorted(set(EXPRESSIONS)))
def test_an_expression_names_what_there_is(expression: str) -> None:
    for name, selector in NAMED.findall(expression):
        metric = METRICS[metric_of(name)]
        for label in re.findall(r"(\w+)\s*[!=]", selector):
            assert label in metric.labels or label in ("job", "instance"), (name, label)
        if metric.giver is Giver.LEADER:  # two may give it for a moment: never a bare sum (MET-65)
            assert not re.search(rf"sum(?: by \([^)]*\))? \({name}", expression)


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.name)
def test_the_files_are_printed_from_the_tables(dashboard: Dashboard) -> None:
    kept = (FOLDER / f"{dashboard.name}.json").read_text(encoding="utf-8")
    assert kept == text(dashboard), "run: python -m pipeline.metrics.dashboards.grafana"


def test_there_are_no_other_files() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {dashboard.name for dashboard in DASHBOARDS}


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.name)
def test_panels_do_not_lie_on_each_other(dashboard: Dashboard) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in document(dashboard)["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken and at["x"] + at["w"] <= WHOLE_WIDTH, panel["title"]
        taken |= cells


def test_the_datasource_is_the_one_that_is_provisioned() -> None:
    folder = ROOT / "deploy/grafana/provisioning/datasources"
    provisioned = yaml.safe_load((folder / "prometheus.yaml").read_text(encoding="utf-8"))["datasources"]
    used = {panel["datasource"]["uid"] for d in DASHBOARDS for panel in json.loads(text(d))["panels"]}
    assert used == {source["uid"] for source in provisioned}


def test_every_alert_is_explained() -> None:
    page = (ROOT / "docs/alerts.md").read_text(encoding="utf-8")
    alerts = {rule["alert"] for rule in EVERY_RULE if "alert" in rule}
    assert set(re.findall(r"^## (\w+)$", page, re.MULTILINE)) == alerts
