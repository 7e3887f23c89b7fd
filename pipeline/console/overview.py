"""All links at a glance, in one answer: what the first page of the console polls."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from typing import Any

from aiohttp import web

from pipeline.api.context import plane
from pipeline.api.link_rows import category_counts
from pipeline.console.context import course
from pipeline.console.course import EVERY_S
from pipeline.link.models import Link, Mirror
from pipeline.link.states import TaskState


async def get_overview(request: web.Request) -> web.Response:
    state = plane(request)
    mirrors: dict[str, list[Mirror]] = defaultdict(list)
    for mirror in state.mirrors():
        mirrors[mirror.link].append(mirror)
    links = sorted(state.links().values(), key=lambda link: link.name)
    return web.json_response(
        {
            "cluster_id": state.cluster_id,
            "worker": state.worker,
            "time_ms": int(time.time() * 1000),
            "sample_interval_ms": int(EVERY_S * 1000),
            "links": [_row(request, link, mirrors[link.name]) for link in links],
        }
    )


def _row(request: web.Request, link: Link, mirrors: list[Mirror]) -> dict[str, Any]:
    ring = course(request).of_link(link.name)
    tasks = plane(request).tasks(link.name)
    statuses = Counter(str(mirror.status) for mirror in mirrors)
    return {
        "link_name": link.name,
        "link_mode": str(link.mode),
        "connection_mode": str(link.connection_mode),
        "remote_cluster_id": link.remote_cluster_id,
        "cluster_link_id": link.cluster_link_id,
        "prefix": link.prefix,
        "link_state": str(link.state),
        "link_error": str(link.error),
        "link_error_message": link.error_message,
        "state_time_ms": link.state_time_ms,
        "num_mirrors": len(mirrors),
        "mirror_status_counts": dict(sorted(statuses.items())),
        "category_counts": category_counts(mirrors),
        "lag": sum(course(request).figures(mirror).lag for mirror in mirrors if mirror.status.is_read_only),
        "bytes_per_second": ring.speed,
        "lag_course": ring.lags.tolist(),
        "bytes_per_second_course": ring.speeds.tolist(),
        "tasks_in_error": [str(task.task) for task in tasks if task.state is TaskState.IN_ERROR],
    }
