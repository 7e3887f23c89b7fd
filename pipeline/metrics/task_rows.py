"""Metrics of the tasks of links."""

from __future__ import annotations

from pipeline.metrics.metric import Detail, Giver, Kind, Metric, Over

_C, _G = Kind.COUNTER, Kind.GAUGE
_LEADER, _EACH = Giver.LEADER, Giver.EACH
_SUM, _MAX = Over.SUM, Over.MAX
_TASK = ("link", "task")

TASK_ROWS = (
    Metric(
        "clusterlink_task_state",
        _G,
        ("link", "task", "state", "error_code"),
        "1",
        "1 for the state a task is in; one series for each error code it lists, NO_ERROR where it lists none.",
        _LEADER,
        _MAX,
        ("MET-14", "MET-31"),
    ),
    Metric(
        "clusterlink_task_last_success_timestamp_seconds",
        _G,
        _TASK,
        "seconds since 1970",
        "When the task last finished a cycle without an error.",
        _LEADER,
        _MAX,
        ("MET-44",),
    ),
    Metric(
        "clusterlink_task_duration_seconds",
        _G,
        _TASK,
        "seconds",
        "How long the task's last cycle took.",
        _LEADER,
        _MAX,
        ("MET-44", "TASK-54"),
    ),
    Metric(
        "clusterlink_task_interval_seconds",
        _G,
        _TASK,
        "seconds",
        "From one cycle's beginning to the next one's, as the link is configured.",
        _LEADER,
        _MAX,
    ),
    Metric(
        "clusterlink_task_overruns_total",
        _C,
        _TASK,
        "cycles",
        "Cycles that took longer than the interval.",
        _EACH,
        _SUM,
        ("TASK-19",),
    ),
    Metric(
        "clusterlink_topic_config_updates_total",
        _C,
        ("link", "result"),
        "configs",
        "Topic configs altered by TopicConfigsSync; result=failure counts topics that refused.",
        _EACH,
        _SUM,
        ("MET-19",),
    ),
    Metric(
        "clusterlink_consumer_offset_commits_total",
        _C,
        ("link", "result"),
        "offsets",
        "Offsets committed by ConsumerOffsetSync, by result: success or failure.",
        _EACH,
        _SUM,
        ("MET-20",),
    ),
    Metric(
        "clusterlink_acl_changes_total",
        _C,
        ("link", "operation", "result"),
        "ACLs",
        "ACLs added and deleted by AclSync.",
        _EACH,
        _SUM,
        ("MET-21",),
    ),
    Metric(
        "clusterlink_acls_owned",
        _G,
        ("link",),
        "ACLs",
        "ACLs that the link created and will delete.",
        _LEADER,
        _MAX,
        ("MET-47",),
    ),
    Metric(
        "clusterlink_consumer_groups",
        _G,
        ("link", "state"),
        "groups",
        "Groups of the last cycle: synced, in_use (members on the destination: left alone) or error.",
        _LEADER,
        _MAX,
        ("MET-46",),
    ),
    Metric(
        "clusterlink_consumer_offset_lag_records",
        _G,
        ("link", "group"),
        "records",
        "What a group has committed at the source beyond what is committed here, over its mirrored partitions, after "
        "the last cycle.",
        _LEADER,
        _MAX,
        ("MET-45",),
        Detail.PARTITION,
    ),
)
