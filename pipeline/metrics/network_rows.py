"""Metrics of the connections of links. cluster is `source` or `destination`; what goes to the workers' own cluster
serves all links, and has link="".
"""

from __future__ import annotations

from pipeline.metrics.metric import SECONDS, Giver, Kind, Metric, Over

_C, _G, _H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM
_EACH, _SUM = Giver.EACH, Over.SUM
_NETWORK = ("link", "cluster")
SIZES = (256.0, 4096.0, 65536.0, 262144.0, 1048576.0, 4194304.0, 16777216.0)

NETWORK_ROWS = (
    Metric(
        "clusterlink_connections",
        _G,
        _NETWORK,
        "connections",
        "Open connections. cluster is `source` or `destination`; the connections to the workers' own cluster serve all "
        'links, and have link="".',
        _EACH,
        _SUM,
        ("MET-8",),
    ),
    Metric(
        "clusterlink_connections_opened_total",
        _C,
        _NETWORK,
        "connections",
        "Connections made.",
        _EACH,
        _SUM,
        ("MET-8",),
    ),
    Metric(
        "clusterlink_connections_closed_total",
        _C,
        _NETWORK,
        "connections",
        "Connections ended.",
        _EACH,
        _SUM,
        ("MET-8",),
    ),
    Metric(
        "clusterlink_network_received_bytes_total",
        _C,
        _NETWORK,
        "bytes",
        "Bytes of answers received.",
        _EACH,
        _SUM,
        ("MET-9", "MET-35"),
    ),
    Metric(
        "clusterlink_network_sent_bytes_total",
        _C,
        _NETWORK,
        "bytes",
        "Bytes of requests sent.",
        _EACH,
        _SUM,
        ("MET-9", "MET-35"),
    ),
    Metric(
        "clusterlink_requests_total",
        _C,
        ("link", "cluster", "api"),
        "requests",
        "Requests sent.",
        _EACH,
        _SUM,
        ("MET-9", "MET-24"),
    ),
    Metric(
        "clusterlink_request_size_bytes",
        _H,
        _NETWORK,
        "bytes",
        "Sizes of requests.",
        _EACH,
        _SUM,
        ("MET-9",),
        buckets=SIZES,
    ),
    Metric(
        "clusterlink_authentications_total",
        _C,
        ("link", "cluster", "result"),
        "logins",
        "Logins (SASL or TLS) by result: success or failure.",
        _EACH,
        _SUM,
        ("MET-11",),
    ),
    Metric(
        "clusterlink_reauthentication_seconds",
        _H,
        _NETWORK,
        "seconds",
        "Time to connect and log in. A session that a broker ends (connections.max.reauth.ms) is followed by a new "
        "connection.",
        _EACH,
        _SUM,
        ("MET-11",),
        buckets=SECONDS,
    ),
)
