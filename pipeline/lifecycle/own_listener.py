"""Where the own cluster is read for a partner, where the link names a listener of it (LINK-41)."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.cluster.admin import Admin
from pipeline.cluster.errors import SecurityError
from pipeline.link.local_properties import listener_addresses

NAME, SERVERS = "local.listener.name", "local.bootstrap.servers"
SETTINGS = ("advertised.listeners", "listeners")
"""Of a broker: what it tells others, else where it listens."""


async def listener_servers(own: Admin, configs: Mapping[str, str]) -> str | None:
    """Addresses of the listener that a link names; None where it names none, or says the addresses by itself.

    Asks the brokers for their settings, which needs DESCRIBE_CONFIGS on the cluster. Raises SecurityError where no
    broker has such a listener, ClusterError.
    """
    name = configs.get(NAME)
    if not name or configs.get(SERVERS):
        return None
    known: set[str] = set()
    found: list[str] = []
    for node in await own.brokers():
        broker = await own.broker_configs(node)
        told = next((each.value for key in SETTINGS if (each := broker.get(key)) and each.value), "")
        addresses = listener_addresses(told)
        known |= addresses.keys()
        if name in addresses:
            found.append(addresses[name])
    if not found:
        raise SecurityError(NAME, f"no broker of the own cluster has a listener '{name}'; they have {sorted(known)}")
    return ",".join(found)
