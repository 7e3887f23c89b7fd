"""Metrics of links."""

from __future__ import annotations

from pipeline.metrics.metric import SECONDS, Giver, Kind, Metric, Over

_C, _G, _H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM
_LEADER, _COPIER, _EACH = Giver.LEADER, Giver.COPIER, Giver.EACH
_SUM, _MAX = Over.SUM, Over.MAX
_LINK = ("link",)

LINK_ROWS = (
    Metric(
        "clusterlink_links",
        _G,
        ("mode", "state"),
        "links",
        "Links by mode and state.",
        _LEADER,
        _SUM,
        ("MET-13", "MET-30", "MET-31"),
    ),
    Metric(
        "clusterlink_link_state",
        _G,
        ("link", "mode", "state"),
        "0 or 1",
        "1 for the state that the link is in, 0 for the others.",
        _LEADER,
        _MAX,
        ("MET-13", "MET-31", "MET-60"),
    ),
    Metric(
        "clusterlink_link_max_lag_records",
        _G,
        _LINK,
        "records",
        "Largest lag of a partition among the link's mirrors that are not stopped.",
        _LEADER,
        _MAX,
        ("MET-1",),
    ),
    Metric(
        "clusterlink_link_unavailable_total",
        _C,
        _LINK,
        "times",
        "Times the link became UNAVAILABLE.",
        _EACH,
        _SUM,
        ("MET-22",),
    ),
    Metric(
        "clusterlink_probe_failures_total",
        _C,
        _LINK,
        "probes",
        "Probes of the remote cluster that failed.",
        _EACH,
        _SUM,
    ),
    Metric(
        "clusterlink_state_changes_total",
        _C,
        ("link", "object", "state"),
        "changes",
        "Changes of state of the link (object=link) and of its mirrors (object=mirror), by the state entered.",
        _EACH,
        _SUM,
        ("STATE-62",),
    ),
    Metric(
        "clusterlink_fetch_requests_total",
        _C,
        ("link", "source_broker"),
        "requests",
        "Fetches from the source's brokers.",
        _EACH,
        _SUM,
        ("MET-2", "MET-7"),
    ),
    Metric(
        "clusterlink_fetchers_dead",
        _G,
        _LINK,
        "fetchers",
        "Fetchers whose task has ended although it should run; anything but 0 is a defect.",
        _COPIER,
        _SUM,
        ("MET-3",),
    ),
    Metric(
        "clusterlink_fetch_throttle_seconds",
        _H,
        _LINK,
        "seconds",
        "How long the source's quota held answers back; fetches that were not throttled are not counted.",
        _EACH,
        _SUM,
        ("MET-12",),
        buckets=SECONDS,
    ),
    Metric(
        "clusterlink_throttled_partitions",
        _G,
        _LINK,
        "partitions",
        "Partitions that wait now because of the link's own limit (LINK-44).",
        _COPIER,
        _SUM,
        ("MET-23",),
    ),
)
