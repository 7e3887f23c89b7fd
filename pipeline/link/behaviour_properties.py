"""Rows of the property table: how a link behaves (spec 2.2, LINK-20..48)."""

from __future__ import annotations

from pipeline.link.acl_filters import parse_acl_filters
from pipeline.link.filters import canonical, parse_group_filters, parse_topic_filters
from pipeline.link.property_rows import DIALLING_BACK, RECEIVING, D, Property, Type
from pipeline.link.states import ConnectionMode, LinkMode
from pipeline.link.topic_configs import DEFAULT_INCLUDE, check_include
from pipeline.link.value_checks import (
    check_addresses,
    check_app_id,
    check_cluster_link_id,
    check_prefix,
    check_rate,
    check_start,
)


def _check_group_filters(text: str) -> None:
    parse_group_filters(text)


def _check_topic_filters(text: str) -> None:
    parse_topic_filters(text)


def _check_acl_filters(text: str) -> None:
    parse_acl_filters(text)


def _lower_if_word(text: str) -> str:
    return text.lower() if text.isalpha() else text


BEHAVIOUR = (
    Property(
        "link.mode",
        Type.WORD,
        "DESTINATION",
        "Direction of the link.",
        "LINK-20",
        mutable=False,
        choices=tuple(LinkMode),
    ),
    Property(
        "connection.mode",
        Type.WORD,
        "OUTBOUND",
        "Who dials: this side (OUTBOUND) or the other (INBOUND).",
        "LINK-21",
        mutable=False,
        choices=tuple(ConnectionMode),
    ),
    Property(
        "cluster.link.prefix",
        Type.STRING,
        None,
        "Put before mirror topic names, and before group names if consumer.group.prefix.enable is true.",
        "LINK-22",
        mutable=False,
        modes=RECEIVING,
        check=check_prefix,
    ),
    Property(
        "consumer.group.prefix.enable",
        Type.BOOLEAN,
        "false",
        "Put the prefix before synced group names too; needs cluster.link.prefix.",
        "LINK-23",
        modes=frozenset({D}),
    ),
    Property(
        "consumer.offset.sync.enable",
        Type.BOOLEAN,
        "false",
        "Sync committed offsets of selected groups.",
        "LINK-24",
        modes=RECEIVING,
    ),
    Property(
        "consumer.offset.sync.ms",
        Type.INT,
        "30000",
        "How often committed offsets are synced.",
        "LINK-25",
        modes=RECEIVING,
        minimum=1000,
    ),
    Property(
        "consumer.offset.group.filters",
        Type.STRING,
        "",
        'Which groups\' offsets are synced, as JSON; all of them: {"groupFilters": [{"name": "*", "patternType": '
        '"LITERAL", "filterType": "INCLUDE"}]}',
        "LINK-26",
        modes=RECEIVING,
        check=_check_group_filters,
        normalise=canonical(parse_group_filters),
    ),
    Property("acl.sync.enable", Type.BOOLEAN, "false", "Sync ACLs.", "LINK-27", modes=RECEIVING),
    Property("acl.sync.ms", Type.INT, "5000", "How often ACLs are synced.", "LINK-28", modes=RECEIVING, minimum=1000),
    Property(
        "acl.filters",
        Type.STRING,
        "",
        'Which ACLs are synced, as JSON; all of them: {"aclFilters": [{"resourceFilter": {"resourceType": "any", '
        '"patternType": "any"}, "accessFilter": {"operation": "any", "permissionType": "any"}}]}',
        "LINK-29",
        modes=RECEIVING,
        check=_check_acl_filters,
        normalise=canonical(parse_acl_filters),
    ),
    Property(
        "auto.create.mirror.topics.enable",
        Type.BOOLEAN,
        "false",
        "Create mirrors for matching source topics. Turning it off clears the filters.",
        "LINK-30",
        modes=RECEIVING,
    ),
    Property(
        "auto.create.mirror.topics.filters",
        Type.STRING,
        "",
        'Which source topics become mirrors, as JSON; those that begin with app1: {"topicFilters": [{"name": "app1", '
        '"patternType": "PREFIXED", "filterType": "INCLUDE"}]}',
        "LINK-31",
        modes=RECEIVING,
        check=_check_topic_filters,
        normalise=canonical(parse_topic_filters),
    ),
    Property(
        "mirror.start.offset.spec",
        Type.STRING,
        "earliest",
        "Where a new mirror starts: earliest, latest, or a time in UTC as YYYY-MM-DDTHH:mm:SS.sss.",
        "LINK-32",
        modes=RECEIVING,
        check=check_start,
        normalise=_lower_if_word,
    ),
    Property(
        "topic.config.sync.ms",
        Type.INT,
        "5000",
        "How often topic configs are refreshed.",
        "LINK-33",
        modes=RECEIVING,
        minimum=1000,
    ),
    Property(
        "topic.config.sync.include",
        Type.LIST,
        ",".join(DEFAULT_INCLUDE),
        "Which topic configs follow the source.",
        "LINK-34",
        modes=RECEIVING,
        check=check_include,
    ),
    Property(
        "cluster.link.paused",
        Type.BOOLEAN,
        "false",
        "Pauses the whole link: no data, no offsets, no ACLs.",
        "LINK-35",
    ),
    Property(
        "cluster.link.retry.timeout.ms",
        Type.INT,
        "300000",
        "How long a partition failure (such as a topic missing at the source) is retried before the mirror fails.",
        "LINK-36",
        modes=RECEIVING,
        minimum=0,
    ),
    Property(
        "availability.check.ms",
        Type.INT,
        "60000",
        "How often the remote cluster is probed.",
        "LINK-37",
        minimum=1000,
    ),
    Property(
        "availability.check.consecutive.failure.threshold",
        Type.INT,
        "5",
        "Failed probes before the link is UNAVAILABLE.",
        "LINK-38",
        minimum=1,
    ),
    Property(
        "num.cluster.link.fetchers",
        Type.INT,
        "1",
        "Parallel fetch streams per source broker and worker.",
        "LINK-39",
        modes=RECEIVING,
        minimum=1,
    ),
    Property(
        "cluster.link.id",
        Type.STRING,
        None,
        "Link id given to the second side of a two-sided link; else derived.",
        "LINK-40",
        mutable=False,
        modes=DIALLING_BACK,
        check=check_cluster_link_id,
    ),
    Property(
        "local.listener.name",
        Type.STRING,
        None,
        "Which listener of the own cluster is read through; alternative to local.bootstrap.servers.",
        "LINK-41",
        mutable=False,
        modes=DIALLING_BACK,
    ),
    Property(
        "local.bootstrap.servers",
        Type.LIST,
        None,
        "Address of the own cluster for the local.* client; else the worker's own cluster address.",
        "LINK-42",
        modes=DIALLING_BACK,
        check=check_addresses,
    ),
    Property(
        "dest.cluster.id",
        Type.STRING,
        None,
        "Id of the own cluster.",
        "LINK-43",
        mutable=False,
        modes=RECEIVING,
        read_only=True,
    ),
    Property(
        "link.prefix",
        Type.STRING,
        None,
        "Another name of cluster.link.prefix.",
        "LINK-43",
        mutable=False,
        modes=RECEIVING,
        read_only=True,
    ),
    Property(
        "link.max.bytes.per.second",
        Type.LONG,
        "-1",
        "Bandwidth cap of the link's fetches; -1 is off.",
        "LINK-44",
        modes=RECEIVING,
        check=check_rate,
    ),
    Property(
        "consumer.offset.sync.max.in.flight",
        Type.INT,
        "10",
        "Parallel group requests per cycle of the offset sync.",
        "LINK-45",
        modes=RECEIVING,
        minimum=1,
    ),
    Property(
        "partner.app.id",
        Type.STRING,
        None,
        "CLUSTERLINK_APP_ID of the workers at the other end of a two-sided link; the own one where not given.",
        "LINK-48",
        modes=DIALLING_BACK,
        check=check_app_id,
    ),
)
"""In the order of the specification."""
