"""Metrics of a worker itself. Which worker it is, Prometheus' own label `instance` says."""

from __future__ import annotations

from pipeline.metrics.metric import SECONDS, Giver, Kind, Metric, Over

_C, _G, _H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM
_EACH, _SUM, _NONE = Giver.EACH, Over.SUM, Over.NONE


def _faust(name: str, unit: str, sentence: str, kind: Kind = _C) -> Metric:
    return Metric(f"clusterlink_faust_{name}", kind, (), unit, sentence, _EACH, _SUM)


WORKER_ROWS = (
    Metric(
        "clusterlink_worker_info",
        _G,
        ("worker", "version"),
        "1",
        "Always 1: a worker and its version.",
        _EACH,
        _SUM,
        ("MET-50",),
    ),
    Metric(
        "clusterlink_worker_partitions",
        _G,
        ("worker",),
        "partitions",
        "Mirror partitions that this worker copies.",
        _EACH,
        _SUM,
        ("MET-50",),
    ),
    Metric(
        "clusterlink_worker_control_partitions",
        _G,
        ("worker",),
        "partitions",
        "Partitions of the control topics that are assigned to this worker.",
        _EACH,
        _SUM,
    ),
    Metric(
        "clusterlink_worker_links_led",
        _G,
        ("worker",),
        "links",
        "Links that this worker leads.",
        _EACH,
        _SUM,
    ),
    Metric(
        "clusterlink_worker_ready",
        _G,
        ("worker",),
        "0 or 1",
        "What /readyz says.",
        _EACH,
        _SUM,
    ),
    Metric(
        "clusterlink_event_loop_lag_seconds",
        _G,
        ("worker",),
        "seconds",
        "Longest time that something was late on the event loop, of the last 15 s.",
        _EACH,
        _NONE,
        ("MET-10",),
    ),
    Metric(
        "clusterlink_memory_held_bytes",
        _G,
        ("worker",),
        "bytes",
        "Fetched records held now, of all links.",
        _EACH,
        _NONE,
    ),
    Metric(
        "clusterlink_memory_budget_bytes",
        _G,
        ("worker",),
        "bytes",
        "What may be held: the setting fetch_memory_bytes.",
        _EACH,
        _NONE,
    ),
    Metric(
        "clusterlink_rebalances_total",
        _C,
        ("worker",),
        "times",
        "Times the control partitions were assigned anew.",
        _EACH,
        _NONE,
    ),
    Metric(
        "clusterlink_commands_total",
        _C,
        ("command", "result"),
        "commands",
        "Commands by kind and outcome: ok, or the error code of the refusal.",
        _EACH,
        _SUM,
        ("MET-49",),
    ),
    Metric(
        "clusterlink_command_seconds",
        _H,
        ("command", "result"),
        "seconds",
        "Time to carry a command out, once it was its turn.",
        _EACH,
        _SUM,
        ("MET-49",),
        buckets=SECONDS,
    ),
    Metric(
        "clusterlink_rest_request_seconds",
        _H,
        ("method", "route", "status"),
        "seconds",
        "REST requests by route, as the API's document names it.",
        _EACH,
        _SUM,
        ("MET-26",),
        buckets=SECONDS,
    ),
    _faust("messages_received_total", "messages", "Records of the control topics that came in."),
    _faust("messages_sent_total", "messages", "Records that agents and tables sent."),
    _faust("events_total", "events", "Events that agents took up, slices of mirrors among them."),
    _faust("events_active", "events", "Events that agents work on now.", _G),
    _faust("send_errors_total", "errors", "Records that could not be sent."),
    _faust("assignments_completed_total", "times", "Assignments that were taken over."),
    _faust("assignments_failed_total", "times", "Assignments that failed."),
    _faust("commit_latency_seconds", "seconds", "How long the last commit of offsets took.", _G),
    _faust("send_latency_seconds", "seconds", "How long the last sent record took.", _G),
)
