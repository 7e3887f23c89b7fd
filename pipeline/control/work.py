"""What a worker has to copy: decided from the rows of links and mirrors and from the partitions it owns. Pure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping

from pipeline.cluster.errors import SecurityError
from pipeline.cluster.security import ClientSecurity
from pipeline.control.keys import work_partition
from pipeline.control.read_model import ReadModel
from pipeline.link.models import Link, Mirror
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import LinkErrorCode, LinkState
from pipeline.mirror.engine import LinkWork
from pipeline.mirror.fetching import FetchSettings
from pipeline.mirror.gaps import is_compacted
from pipeline.mirror.link_copying import LinkTuning
from pipeline.mirror.pieces import Piece
from pipeline.mirror.plan import Policy

log = logging.getLogger(__name__)
Connect = Callable[[Link], ClientSecurity]
Can = Callable[[Link], bool]


def wanted(
    model: ReadModel, owned: Collection[int], partitions: int, can_reach: Can, connect: Connect
) -> dict[str, LinkWork]:
    """Return the work of every link of which this worker has a piece.

    `can_reach`: whether the worker gets at a link's source at all (MODE-43). `connect` gives the client settings for
    it, secrets decrypted; a link whose settings cannot be used here is left out (its leader reports it as FAILED).
    """
    found: dict[str, LinkWork] = {}
    for link in model.links.values():
        if not is_open(link) or not can_reach(link):
            continue
        pieces = frozenset(_pieces(model.mirrors_of(link.name), owned, partitions))
        if not pieces:
            continue
        try:
            connection = connect(link)
        except SecurityError as error:
            log.warning("Link %s: cannot connect: %s", link.name, error)
            continue
        found[link.name] = LinkWork(link.name, connection, tuning(link.configs), Policy(), pieces)
    return found


def is_open(link: Link) -> bool:
    """Whether data may flow over a link: UNAVAILABLE ones keep trying, and recover by themselves (STATE-7).

    Not so where the other side was deleted: that stops data in both directions (MODE-24).
    """
    is_alone = link.error is LinkErrorCode.REMOTE_LINK_NOT_FOUND_ERROR
    return link.state not in (LinkState.PAUSED, LinkState.FAILED) and not is_alone


def tuning(configs: Mapping[str, str]) -> LinkTuning:
    """What LINK-39, 44, 52, 54, 60..64 mean for fetching."""
    settings = LinkSettings.of(configs)
    fetch = FetchSettings(
        partition_max_bytes=settings.replica_fetch_max_bytes,
        response_max_bytes=settings.replica_fetch_response_max_bytes,
        min_bytes=settings.replica_fetch_min_bytes,
        max_wait_ms=settings.replica_fetch_wait_max_ms,
        backoff_ms=settings.replica_fetch_backoff_ms,
        timeout_ms=settings.replica_socket_timeout_ms,
    )
    return LinkTuning(
        fetch,
        settings.metadata_max_age_ms,
        settings.link_max_bytes_per_second,
        settings.num_cluster_link_fetchers,
        settings.cluster_link_retry_timeout_ms / 1000,
    )


def _pieces(mirrors: list[Mirror], owned: Collection[int], partitions: int) -> list[Piece]:
    return [
        Piece(
            mirror.link,
            mirror.source_topic,
            mirror.mirror_topic,
            number,
            mirror.source_topic_id,
            mirror.mirror_topic_id,
            start,
            is_compacted(mirror.cleanup_policy),
            mirror.is_adopted,
            mirror.created_ms,
        )
        for mirror in mirrors
        if mirror.is_copying
        for number, start in enumerate(mirror.start_offsets)
        if work_partition(mirror.link, mirror.mirror_topic, number, partitions) in owned
    ]
