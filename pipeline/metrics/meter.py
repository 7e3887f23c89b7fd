"""Counts what happens, where it happens: `METER.add("clusterlink_probe_failures_total", link)`.

A process is one worker, so there is one meter. It keeps numbers by name and label values and nothing else; what can be
read off rows and statuses when somebody asks is not kept here (`pipeline/observing`). Series of links and mirrors that
are gone are dropped by `keep_only`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.metrics.metric import Kind
from pipeline.metrics.table import METRICS
from pipeline.metrics.traffic import Traffic

Labels = tuple[str, ...]


@dataclass(slots=True)
class Distribution:
    """A histogram's series: how many fell into each bucket (the last one is open), and their sum."""

    counts: list[int]
    total: float = 0.0


@dataclass
class Meter:
    """All counts of a process. Adding costs a dictionary look-up; nothing is locked, it is for the event loop only."""

    numbers: dict[str, dict[Labels, float]] = field(
        default_factory=lambda: {name: {} for name, metric in METRICS.items() if metric.kind is not Kind.HISTOGRAM}
    )
    distributions: dict[str, dict[Labels, Distribution]] = field(
        default_factory=lambda: {name: {} for name, metric in METRICS.items() if metric.kind is Kind.HISTOGRAM}
    )
    networks: dict[tuple[str, str], Traffic] = field(default_factory=dict)

    def add(self, name: str, *labels: str, by: float = 1) -> None:
        """A counter grows. Raises KeyError for a metric that the table does not have."""
        series = self.numbers[name]
        series[labels] = series.get(labels, 0) + by

    def set(self, name: str, value: float, *labels: str) -> None:
        """A gauge has this value now."""
        self.numbers[name][labels] = value

    def replace(self, name: str, link: str, values: Mapping[str, float]) -> None:
        """All series of a gauge {link, something} for one link, in place of those it had."""
        series = self.numbers[name]
        for labels in [labels for labels in series if labels[0] == link]:
            del series[labels]
        for label, value in values.items():
            series[link, label] = value

    def observe(self, name: str, value: float, *labels: str) -> None:
        """A histogram gets one more value."""
        buckets = METRICS[name].buckets
        series = self.distributions[name]
        found = series.get(labels)
        if found is None:
            found = series[labels] = Distribution([0] * (len(buckets) + 1))
        found.counts[bisect_left(buckets, value)] += 1
        found.total += value

    def traffic(self, link: str, cluster: str) -> Traffic:
        """What goes over the connections of a link to a cluster; the same object however often they are made anew."""
        found = self.networks.get((link, cluster))
        if found is None:
            sizes = METRICS["clusterlink_request_size_bytes"].buckets
            logins = METRICS["clusterlink_reauthentication_seconds"].buckets
            found = self.networks[link, cluster] = Traffic(sizes, logins)
        return found

    def all_numbers(self) -> dict[str, dict[Labels, float]]:
        """A copy of all counters and gauges, those of connections among them."""
        found = {name: dict(series) for name, series in self.numbers.items()}
        for place, traffic in self.networks.items():
            found["clusterlink_connections"][place] = traffic.open_now
            found["clusterlink_connections_opened_total"][place] = traffic.opened
            found["clusterlink_connections_closed_total"][place] = traffic.closed
            found["clusterlink_network_received_bytes_total"][place] = traffic.received_bytes
            found["clusterlink_network_sent_bytes_total"][place] = traffic.sent_bytes
            for api, count in traffic.requests.items():
                found["clusterlink_requests_total"][*place, api] = count
            for result, count in traffic.logins.items():
                found["clusterlink_authentications_total"][*place, result] = count
        return found

    def all_distributions(self) -> dict[str, dict[Labels, Distribution]]:
        """A copy of all histograms, those of connections among them."""
        found = {
            name: {labels: Distribution(list(each.counts), each.total) for labels, each in series.items()}
            for name, series in self.distributions.items()
        }
        for place, traffic in self.networks.items():
            sizes = Distribution(list(traffic.sizes), traffic.sent_bytes)
            found["clusterlink_request_size_bytes"][place] = sizes
            if any(traffic.login_counts):
                logins = Distribution(list(traffic.login_counts), traffic.login_seconds)
                found["clusterlink_reauthentication_seconds"][place] = logins
        return found

    def keep_only(self, has_link: Callable[[str], bool], has_mirror: Callable[[str, str], bool]) -> None:
        """Forget the series of links and mirrors that are gone (MET-63)."""
        every: list[tuple[str, dict[Labels, Any]]] = [*self.numbers.items(), *self.distributions.items()]
        for name, series in every:
            labels = METRICS[name].labels
            if labels[:1] != ("link",):
                continue
            names_mirror = labels[1:2] == ("topic",)
            for values in list(series):
                if values[0] and not (has_mirror(values[0], values[1]) if names_mirror else has_link(values[0])):
                    series.pop(values)
        for link, cluster in list(self.networks):
            if link and not has_link(link) and not self.networks[link, cluster].open_now:
                del self.networks[link, cluster]


METER = Meter()
"""This process's."""
