"""How the dialling side reaches its own cluster for the other: the properties `local.*` (MODE-40, LINK-42). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.link.client_properties import CONNECTION, LOCAL, LOCAL_SECURITY

SERVERS = "bootstrap.servers"
_SECURITY = frozenset(row.name for row in LOCAL_SECURITY)
_TIMING = frozenset(row.name for row in CONNECTION) - {SERVERS}


def local_properties(configs: Mapping[str, str], worker: Mapping[str, str]) -> dict[str, str]:
    """Client properties for the own cluster, under the names that clients know.

    `configs` are the link's, secrets in the clear, `worker` those that the worker itself uses for its own cluster: they
    count as a whole where the link has no security property with the head `local.`, and else give the address where
    the link has none. The timing properties are the link's, for both of its clusters.
    """
    given = {name.removeprefix(LOCAL): value for name, value in configs.items() if name in _SECURITY}
    timing = {name: value for name, value in configs.items() if name in _TIMING}
    made = {**(given or worker), **timing}
    servers = configs.get(LOCAL + SERVERS) or worker.get(SERVERS)
    return {**made, SERVERS: servers} if servers else made
