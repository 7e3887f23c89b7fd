"""A link's properties as typed values, for the parts that act on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Self

from pipeline.link.acl_filters import AclFilters, parse_acl_filters
from pipeline.link.filters import NameFilters, parse_group_filters, parse_topic_filters
from pipeline.link.names import mirror_name
from pipeline.link.properties import PROPERTIES, typed

MOST_KEPT = 4_096
"""Configs of so many links are read once."""


@dataclass(frozen=True)
class LinkSettings:
    """Every property that the engine and the tasks read, by its name with `_` for `.`; the table has the sentences.

    Security and client properties are not here: `pipeline.cluster` reads them by their Kafka names from the
    (decrypted) configs.
    """

    link_mode: str
    connection_mode: str
    cluster_link_prefix: str | None
    consumer_group_prefix_enable: bool
    consumer_offset_sync_enable: bool
    consumer_offset_sync_ms: int
    consumer_offset_group_filters: str
    consumer_offset_sync_max_in_flight: int
    acl_sync_enable: bool
    acl_sync_ms: int
    acl_filters: str
    auto_create_mirror_topics_enable: bool
    auto_create_mirror_topics_filters: str
    mirror_start_offset_spec: str
    topic_config_sync_ms: int
    topic_config_sync_include: tuple[str, ...]
    cluster_link_paused: bool
    cluster_link_retry_timeout_ms: int
    availability_check_ms: int
    availability_check_consecutive_failure_threshold: int
    num_cluster_link_fetchers: int
    link_max_bytes_per_second: int
    partner_app_id: str | None
    metadata_max_age_ms: int
    request_timeout_ms: int
    replica_fetch_max_bytes: int
    replica_fetch_response_max_bytes: int
    replica_fetch_min_bytes: int
    replica_fetch_wait_max_ms: int
    replica_fetch_backoff_ms: int
    replica_socket_timeout_ms: int

    @classmethod
    def of(cls, configs: Mapping[str, str]) -> Self:
        """Read what was set, and the defaults for the rest. Encrypted secrets among the configs do no harm.

        Those of the same configs are kept and shared: every wait of every link's duties and tasks asks.
        """
        return cls._read(frozenset(configs.items()))

    @classmethod
    @lru_cache(maxsize=MOST_KEPT)
    def _read(cls, configs: frozenset[tuple[str, str]]) -> Self:
        given = dict(configs)
        values: dict[str, Any] = {field.name: typed(given, _PROPERTY[field.name]) for field in fields(cls)}
        return cls(**values)

    @property
    def prefix(self) -> str:
        """What is put before source topic names; empty for none (TERM-23)."""
        return self.cluster_link_prefix or ""

    def mirror_name(self, source_topic: str) -> str:
        """The name that a source topic's mirror has (MIRROR-7)."""
        return mirror_name(self.prefix, source_topic)

    def group_name(self, source_group: str) -> str:
        """The name that a source group has here (LINK-23, TASK-1)."""
        return self.prefix + source_group if self.consumer_group_prefix_enable else source_group

    def group_filters(self) -> NameFilters:
        return parse_group_filters(self.consumer_offset_group_filters)

    def topic_filters(self) -> NameFilters:
        return parse_topic_filters(self.auto_create_mirror_topics_filters)

    def acl_filter_set(self) -> AclFilters:
        return parse_acl_filters(self.acl_filters)


_PROPERTY = {name.replace(".", "_"): name for name in PROPERTIES}
"""Attribute -> property."""
