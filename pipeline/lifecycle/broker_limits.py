"""What the own brokers take at most."""

from __future__ import annotations

import logging

from pipeline.cluster.admin import Admin
from pipeline.cluster.errors import ClusterError
from pipeline.sync.topic_configs import REQUEST_LIMIT

log = logging.getLogger(__name__)


async def request_limit(own: Admin) -> int | None:
    """Bytes of the largest request, and so of the largest batch; None where we may not see it."""
    try:
        found = (await own.broker_configs()).get(REQUEST_LIMIT)
    except ClusterError as error:
        log.info("%s of the own brokers cannot be read: %s", REQUEST_LIMIT, error)
        return None
    return int(found.value) if found is not None and found.value else None
