"""Metrics as Prometheus reads them: the snapshot's values under the table's names, at the detail that is wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate, chain

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import (
    Metric as Family,
)
from prometheus_client.registry import Collector

from pipeline.metrics.meter import Distribution, Labels
from pipeline.metrics.metric import Detail, Giver, Kind, Metric
from pipeline.metrics.table import METRICS
from pipeline.observing.copy_values import copy_values, running_counts, worker_values
from pipeline.observing.link_values import link_values
from pipeline.observing.snapshot import Snapshot

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Series = dict[str, dict[Labels, float]]


def values(snapshot: Snapshot) -> Series:
    """The value of every series but those of histograms, by metric and label values."""
    found: Series = {name: dict(series) for name, series in snapshot.numbers.items()}
    for name in (name for name, metric in METRICS.items() if metric.giver is Giver.LEADER and name in found):
        found[name] = {labels: value for labels, value in found[name].items() if labels[0] in snapshot.led}
    for metric, counts in running_counts(snapshot.copied).items():
        for labels, count in counts.items():
            found[metric][labels] = found[metric].get(labels, 0) + count
    for name, labels, value in chain(link_values(snapshot), copy_values(snapshot), worker_values(snapshot)):
        found[name][labels] = value
    return found


class _Snapshots(Collector):
    """Gives one snapshot to one scrape."""

    def __init__(self, snapshot: Snapshot, detail: Detail) -> None:
        self._snapshot = snapshot
        self._detail = detail

    def collect(self) -> Iterator[Family]:
        found = values(self._snapshot)
        for name, metric in METRICS.items():
            if metric.detail.value > self._detail.value:
                continue
            if metric.kind is Kind.HISTOGRAM:
                yield _histogram(metric, self._snapshot.distributions[name])
            else:
                kind = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
                family = kind(metric.family, metric.sentence, labels=metric.labels)
                for labels, value in found[name].items():
                    family.add_metric(labels, value)
                yield family


def _histogram(metric: Metric, series: Mapping[Labels, Distribution]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(metric.name, metric.sentence, labels=metric.labels)
    bounds = [*(str(bucket) for bucket in metric.buckets), "+Inf"]
    for labels, distribution in series.items():
        family.add_metric(
            labels, list(zip(bounds, accumulate(distribution.counts), strict=True)), sum_value=distribution.total
        )
    return family


def render(snapshot: Snapshot, detail: Detail) -> bytes:
    """The text of `/metrics`."""
    registry = CollectorRegistry()
    registry.register(ProcessCollector(registry=None))
    registry.register(_Snapshots(snapshot, detail))
    text: bytes = generate_latest(registry)
    return text
