"""The four dashboards: the fleet (what MET-60 calls healthy first), one link, one mirror, the workers."""

from __future__ import annotations

from pipeline.metrics.dashboards.panel import Dashboard, Variable, course, stat, table

LINK = Variable("link", "label_values(clusterlink_link_state, link)")
TOPIC = Variable("topic", 'label_values(clusterlink_mirror_state_timestamp_seconds{link="$link"}, topic)')
RATE = "$__rate_interval"
_L, _T = '{link="$link"}', '{link="$link", topic="$topic"}'


def _quantile(metric: str, by: str, labels: str = "") -> str:
    return f"histogram_quantile(0.95, sum by (le, {by}) (rate(clusterlink_{metric}_bucket{labels}[{RATE}])))"


def _rate(metric: str, by: str, labels: str = "") -> str:
    return f"sum by ({by}) (rate(clusterlink_{metric}{labels}[{RATE}]))"


def _produced(by: str, labels: str = "") -> str:
    metric = f"clusterlink_mirror_source_high_watermark{labels}"
    return f"sum by ({by}) (max by (link, topic, partition) (rate({metric}[{RATE}])))"


FLEET = Dashboard(
    "clusterlink-fleet",
    "clusterlink: fleet",
    (),
    (
        stat("Links active", 'sum(max by (link) (clusterlink_link_state{state="ACTIVE"}))'),
        stat(
            "Links not active",
            'sum(max by (link) (clusterlink_link_state{state!~"ACTIVE|PAUSED"}))',
            bad_from=1,
            sentence="UNAVAILABLE, FAILED or UNKNOWN.",
        ),
        stat("Mirrors failed", 'sum(max by (link) (clusterlink_mirror_topics{state="FAILED"}))', bad_from=1),
        stat(
            "Tasks in error",
            'count(max by (link, task) (clusterlink_task_state{state="IN_ERROR"})) or vector(0)',
            bad_from=1,
        ),
        stat("Largest lag", "max(clusterlink_mirror_lag_seconds)", unit="s", bad_from=300),
        stat("Workers up", 'sum(up{job="clusterlink"})'),
        course("Lag by link", ("max by (link) (clusterlink_link_max_lag_records)", "{{link}}")),
        course(
            "Age of the oldest unmirrored record",
            ("max by (link) (clusterlink_mirror_lag_seconds)", "{{link}}"),
            unit="s",
        ),
        course(
            "Produced at the source and mirrored",
            (_produced("link"), "{{link}} produced"),
            (_rate("mirror_records_total", "link"), "{{link}} mirrored"),
            unit="cps",
            sentence="Healthy: mirrored is not below produced for long (MET-60). Produced counts offsets.",
        ),
        course("Mirrored bytes", (_rate("mirror_bytes_total", "link"), "{{link}}"), unit="Bps"),
        table("Links", "max by (link, mode, state) (clusterlink_link_state) == 1"),
        table("Mirrors by state", "max by (link, state) (clusterlink_mirror_topics) > 0"),
        table("Tasks", "max by (link, task, state, error_code) (clusterlink_task_state)", width=24),
    ),
)

ONE_LINK = Dashboard(
    "clusterlink-link",
    "clusterlink: one link",
    (LINK,),
    (
        table("State", f"max by (mode, state) (clusterlink_link_state{_L}) == 1", width=6),
        table("Mirrors by state", f"max by (state) (clusterlink_mirror_topics{_L}) > 0", width=6),
        table("Partitions by state", f"max by (state) (clusterlink_mirror_partitions{_L}) > 0", width=6),
        table("Tasks", f"max by (task, state, error_code) (clusterlink_task_state{_L})", width=6),
        course(
            "Lag, the 20 largest mirrors",
            (f"topk(20, max by (topic) (clusterlink_mirror_topic_max_lag_records{_L}))", "{{topic}}"),
        ),
        course(
            "Age of the oldest unmirrored record, the 20 largest",
            (f"topk(20, max by (topic) (clusterlink_mirror_lag_seconds{_L}))", "{{topic}}"),
            unit="s",
        ),
        course(
            "Mirrored bytes, the 20 busiest",
            (f"topk(20, {_rate('mirror_bytes_total', 'topic', _L)})", "{{topic}}"),
            unit="Bps",
        ),
        course(
            "Produced and mirrored",
            (_produced("link", _L), "produced"),
            (_rate("mirror_records_total", "link", _L), "mirrored"),
            unit="cps",
        ),
        course(
            "Partitions that wait",
            (f"sum by (reason) (clusterlink_mirror_partitions_blocked{_L})", "{{reason}}"),
            (f"sum(clusterlink_throttled_partitions{_L})", "link's own limit"),
            sentence="Blocked by a cluster, or held back by link.max.bytes.per.second.",
        ),
        course(
            "Fetches by source broker",
            (_rate("fetch_requests_total", "source_broker", _L), "broker {{source_broker}}"),
            unit="reqps",
        ),
        course(
            "Since the last clean cycle",
            (f"time() - max by (task) (clusterlink_task_last_success_timestamp_seconds{_L})", "{{task}}"),
            unit="s",
        ),
        course("Length of cycles", (f"max by (task) (clusterlink_task_duration_seconds{_L})", "{{task}}"), unit="s"),
        course(
            "What tasks wrote",
            (
                f"sum by (result) (rate(clusterlink_consumer_offset_commits_total{_L}[{RATE}])) or vector(0)",
                "offsets {{result}}",
            ),
            (
                f"sum by (operation, result) (rate(clusterlink_acl_changes_total{_L}[{RATE}])) or vector(0)",
                "ACLs {{operation}} {{result}}",
            ),
            (
                f"sum by (result) (rate(clusterlink_topic_config_updates_total{_L}[{RATE}])) or vector(0)",
                "configs {{result}}",
            ),
            unit="cps",
        ),
        course(
            "Consumer groups",
            (f"max by (state) (clusterlink_consumer_groups{_L})", "{{state}}"),
            sentence="in_use: members on the destination, so their offsets are left alone.",
        ),
        course(
            "Offsets not carried over yet, the 20 largest groups",
            (f"topk(20, max by (group) (clusterlink_consumer_offset_lag_records{_L}))", "{{group}}"),
        ),
        course("Requests to the source", (_rate("requests_total", "api", _L), "{{api}}"), unit="reqps"),
        course(
            "Network",
            (f"sum(rate(clusterlink_network_received_bytes_total{_L}[{RATE}]))", "received"),
            (f"sum(rate(clusterlink_network_sent_bytes_total{_L}[{RATE}]))", "sent"),
            unit="Bps",
        ),
        course(
            "Connections to the source",
            (f"sum(clusterlink_connections{_L})", "open"),
            (f"sum(rate(clusterlink_connections_opened_total{_L}[{RATE}]))", "opened a second"),
        ),
        course(
            "Failures",
            (f"sum(rate(clusterlink_probe_failures_total{_L}[{RATE}])) or vector(0)", "probes"),
            (
                f"sum(max by (error_code) (clusterlink_mirror_transitions_in_error{_L})) or vector(0)",
                "transitions in error",
            ),
            (f"sum(clusterlink_fetchers_dead{_L})", "dead fetchers"),
        ),
    ),
)

ONE_MIRROR = Dashboard(
    "clusterlink-mirror",
    "clusterlink: one mirror",
    (LINK, TOPIC),
    (
        table(
            "State and since when (ms)",
            f"max by (state) (clusterlink_mirror_state_timestamp_seconds{_T}) * 1000",
            unit="dateTimeAsIso",
            width=6,
        ),
        stat("Lag", f"max(clusterlink_mirror_topic_max_lag_records{_T})"),
        stat("Age of the oldest unmirrored record", f"max(clusterlink_mirror_lag_seconds{_T})", unit="s", bad_from=300),
        stat(
            "Since the source last answered",
            f"max(clusterlink_mirror_last_fetch_age_seconds{_T})",
            unit="s",
            bad_from=60,
        ),
        stat("Offsets lost", f"sum(clusterlink_lost_offsets_total{_T}) or vector(0)", bad_from=1),
        course("Lag by partition", (f"max by (partition) (clusterlink_mirror_lag_records{_T})", "{{partition}}")),
        course(
            "Produced and mirrored",
            (_produced("topic", _T), "produced"),
            (_rate("mirror_records_total", "topic", _T), "mirrored"),
            unit="cps",
        ),
        course("Mirrored bytes", (_rate("mirror_bytes_total", "topic", _T), "bytes"), unit="Bps"),
        course(
            "Offsets",
            (f"max by (partition) (clusterlink_mirror_log_end_offset{_T})", "{{partition}} mirror"),
            (f"max by (partition) (clusterlink_mirror_source_high_watermark{_T})", "{{partition}} source"),
        ),
        course(
            "Behaviour of the copy",
            (f"sum(rate(clusterlink_gap_offsets_total{_T}[{RATE}])) or vector(0)", "gap offsets filled"),
            (f"sum(rate(clusterlink_append_retries_total{_T}[{RATE}])) or vector(0)", "ends read again"),
            (f"sum(rate(clusterlink_source_leader_changes_total{_T}[{RATE}])) or vector(0)", "source leader changes"),
            unit="cps",
        ),
        course(
            "Others' doings",
            (f"sum(clusterlink_foreign_writes_total{_T}) or vector(0)", "foreign writes"),
            (f"sum(clusterlink_config_drift_repairs_total{_T}) or vector(0)", "configs set back"),
        ),
    ),
)

WORKERS = Dashboard(
    "clusterlink-workers",
    "clusterlink: workers",
    (),
    (
        table("Workers", "max by (worker, version) (clusterlink_worker_info)", width=8),
        table("Ready", "max by (worker) (clusterlink_worker_ready)", width=8),
        table("Links led", "max by (worker) (clusterlink_worker_links_led)", width=8),
        course("Mirror partitions", ("max by (worker) (clusterlink_worker_partitions)", "{{worker}}")),
        course("Control partitions", ("max by (worker) (clusterlink_worker_control_partitions)", "{{worker}}")),
        course(
            "Processor",
            (f'rate(process_cpu_seconds_total{{job="clusterlink"}}[{RATE}])', "{{instance}}"),
            unit="percentunit",
        ),
        course("Memory", ('process_resident_memory_bytes{job="clusterlink"}', "{{instance}}"), unit="bytes"),
        course(
            "Fetched records held",
            ("max by (worker) (clusterlink_memory_held_bytes)", "{{worker}}"),
            ("max by (worker) (clusterlink_memory_budget_bytes)", "{{worker}} may hold"),
            unit="bytes",
        ),
        course("Event loop late", ("max by (worker) (clusterlink_event_loop_lag_seconds)", "{{worker}}"), unit="s"),
        course(
            "REST requests",
            (_rate("rest_request_seconds_count", "route, status"), "{{route}} {{status}}"),
            unit="reqps",
        ),
        course("REST, 95 of 100 within", (_quantile("rest_request_seconds", "route"), "{{route}}"), unit="s"),
        course("Commands", (_rate("commands_total", "command, result"), "{{command}} {{result}}"), unit="cps"),
        course("Commands, 95 of 100 within", (_quantile("command_seconds", "command"), "{{command}}"), unit="s"),
        course(
            "Control topics",
            (f"rate(clusterlink_faust_messages_received_total[{RATE}])", "{{instance}} read"),
            (f"rate(clusterlink_faust_messages_sent_total[{RATE}])", "{{instance}} sent"),
            unit="cps",
        ),
        course(
            "Faust",
            (f"rate(clusterlink_faust_events_total[{RATE}])", "{{instance}} events"),
            ("clusterlink_faust_send_errors_total", "{{instance}} send errors"),
            ("clusterlink_faust_commit_latency_seconds", "{{instance}} last commit, s"),
        ),
        course("Assignments", (f"sum by (worker) (increase(clusterlink_rebalances_total[{RATE}]))", "{{worker}}")),
        course(
            "Connections to the own cluster",
            ('sum by (instance) (clusterlink_connections{cluster="destination"})', "{{instance}}"),
        ),
    ),
)

DASHBOARDS = (FLEET, ONE_LINK, ONE_MIRROR, WORKERS)
