"""How the dialling side reaches its own cluster for the other: the properties `local.*` (MODE-40, LINK-42). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.link.client_properties import CONNECTION, LOCAL, LOCAL_SECURITY

SERVERS = "bootstrap.servers"
_SECURITY = frozenset(row.name for row in LOCAL_SECURITY)
_TIMING = frozenset(row.name for row in CONNECTION) - {SERVERS}


def local_properties(
    configs: Mapping[str, str], worker: Mapping[str, str], listener_servers: str | None = None
) -> dict[str, str]:
    """Client properties for the own cluster, under the names that clients know.

    `configs` are the link's, secrets in the clear, `worker` those that the worker itself uses for its own cluster: they
    count as a whole where the link has no security property with the head `local.`, and else give the address where
    the link has none. `listener_servers` are the addresses of the listener that the link names (LINK-41). The timing
    properties are the link's, for both of its clusters.
    """
    given = {name.removeprefix(LOCAL): value for name, value in configs.items() if name in _SECURITY}
    timing = {name: value for name, value in configs.items() if name in _TIMING}
    made = {**(given or worker), **timing}
    servers = configs.get(LOCAL + SERVERS) or listener_servers or worker.get(SERVERS)
    return {**made, SERVERS: servers} if servers else made


def listener_addresses(listeners: str) -> dict[str, str]:
    """Name of a listener -> host:port, of a broker's setting "NAME://host:port,..."; without a host it is left out."""
    found = {}
    for each in listeners.split(","):
        name, separator, address = each.strip().partition("://")
        if separator and not address.startswith(":"):
            found[name] = address
    return found
