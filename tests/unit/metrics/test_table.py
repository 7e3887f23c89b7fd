"""The table of metrics: it has what the specification names, in base units, and the page is printed from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.metrics.metric import Kind, Metric
from pipeline.metrics.reference import page
from pipeline.metrics.table import METRICS, NOT_GIVEN

DOCS = Path(__file__).resolve().parents[3] / "docs"
SPEC = (DOCS / "spec.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| (MET-(?:[1-9]|[1-5]\d)) \| (.*)$", SPEC, re.MULTILINE))
NAME = re.compile(r"`(clusterlink_\w+)(?:\{.*?\})?`(?: \{([\w,=\"/ ]+)\})?")


def test_the_page_is_printed_from_the_table() -> None:
    assert (DOCS / "metrics.md").read_text(encoding="utf-8") == page(), "run: python -m pipeline.metrics.reference"


@pytest.mark.parametrize("spec_id", sorted(ROWS, key=lambda name: int(name[4:])))
def test_every_metric_of_the_specification_is_in_the_table(spec_id: str) -> None:
    named = [metric for metric in METRICS.values() if spec_id in metric.ids]
    assert named or spec_id in NOT_GIVEN
    for name, labels in NAME.findall(ROWS[spec_id]):
        assert name in METRICS
        for label in filter(None, (part.partition("=")[0].strip() for part in labels.split(","))):
            assert label in METRICS[name].labels, (name, label)


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_names_follow_the_rules(metric: Metric) -> None:
    """MET-64: counters end in _total, nothing is a rate, units are base units."""
    assert metric.name.startswith("clusterlink_")
    assert (metric.kind is Kind.COUNTER) == metric.name.endswith("_total")
    assert not re.search("_rate|_per_|_ms|_kb|_mb", metric.name)
    assert bool(metric.buckets) == (metric.kind is Kind.HISTOGRAM)
    assert metric.sentence.endswith(".")
    assert sorted(metric.buckets) == list(metric.buckets)
