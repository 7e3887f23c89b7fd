"""Bootstrap servers: from ``bootstrap.servers`` to addresses (LINK-50, LINK-51)."""

from __future__ import annotations

import asyncio
import socket

from pipeline.cluster.connections import Address
from pipeline.cluster.errors import SecurityError, Unreachable
from pipeline.cluster.security import ClientSecurity

DEFAULT_PORT = 9092


def parse_address(text: str, property_name: str = "bootstrap.servers") -> Address:
    """Read ``host:port``, ``host`` or ``[v6]:port``. Raises SecurityError."""
    host, port = text, ""
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise SecurityError(property_name, f"{text!r} is not host:port")
        port = port[1:]
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not host or not (port or str(DEFAULT_PORT)).isdigit() or not 0 < int(port or DEFAULT_PORT) < 65536:
        raise SecurityError(property_name, f"{text!r} is not host:port")
    return Address(host, int(port or DEFAULT_PORT))


async def bootstrap_addresses(security: ClientSecurity) -> list[Address]:
    """Return the addresses to try, in no particular order.

    Under ``resolve_canonical_bootstrap_servers_only`` each address of each name is tried under its canonical name, as
    Kerberos wants it; otherwise the names themselves are, and a connection tries all addresses of its name. Raises
    Unreachable when not one name resolves.
    """
    addresses = [parse_address(text) for text in security.bootstrap]
    if security.dns_lookup != "resolve_canonical_bootstrap_servers_only":
        return addresses
    loop = asyncio.get_running_loop()
    found: dict[Address, None] = {}
    problem = ""
    for address in addresses:
        try:
            for *_, place in await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM):
                name, _ = await loop.getnameinfo((str(place[0]), address.port), socket.NI_NUMERICSERV)
                found[Address(name, address.port)] = None
        except OSError as error:
            problem = f"{address.host}: {error.strerror}"
    if not found:
        raise Unreachable(f"no bootstrap server resolves: {problem}")
    return list(found)
