"""Every path of the API, one row each; the OpenAPI document is held to this table by a test."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp.typedefs import Handler

from pipeline.api import acls, clusters, configs, links, mirrors, operations

_CLUSTER = "/clusters/{cluster_id}"
_LINKS = f"{_CLUSTER}/links"
_LINK = f"{_LINKS}/{{link_name}}"
_CONFIGS = f"{_LINK}/configs"
_CONFIG = f"{_CONFIGS}/{{config_name}}"
_MIRRORS = f"{_LINK}/mirrors"
_MIRROR = f"{_MIRRORS}/{{mirror_topic_name}}"


@dataclass(frozen=True)
class Route:
    """Method and path below the base and who answers. Readers may GET, operators may do the rest."""

    method: str
    path: str
    handler: Handler


ROUTES = (
    Route("GET", "/clusters", clusters.list_clusters),
    Route("GET", _CLUSTER, clusters.get_cluster),
    Route("GET", _LINKS, links.list_links),
    Route("POST", _LINKS, links.create_link),
    Route("GET", f"{_LINKS}/-/mirrors", mirrors.list_all_mirrors),
    Route("GET", _LINK, links.get_link),
    Route("DELETE", _LINK, links.delete_link),
    Route("GET", f"{_LINK}/acls", acls.list_acls),
    Route("GET", _CONFIGS, configs.list_configs),
    Route("PUT", f"{_LINK}/configs:alter", configs.alter_configs),
    Route("POST", f"{_LINK}/configs:alter", configs.alter_configs),
    Route("GET", _CONFIG, configs.get_config),
    Route("PUT", _CONFIG, configs.put_config),
    Route("DELETE", _CONFIG, configs.reset_config),
    Route("GET", _MIRRORS, mirrors.list_mirrors),
    Route("POST", _MIRRORS, mirrors.create_mirror),
    Route("GET", _MIRROR, mirrors.get_mirror),
    Route("DELETE", _MIRROR, mirrors.delete_mirror),
    *(Route("POST", f"{_MIRRORS}:{verb}", operations.operation(verb)) for verb in operations.COMMANDS),
)

_REPLICAS = f"{_CLUSTER}/topics/{{topic_name}}/partitions"
HINTS = (
    Route("GET", f"{_LINK}/{{config_name}}", configs.misplaced_config),  # CONF-8
    Route("GET", f"{_REPLICAS}/{{partition_id}}/replica-status", clusters.replica_status),
)
"""Paths that are not served, which answer 404 with a hint; they are not part of the document."""
