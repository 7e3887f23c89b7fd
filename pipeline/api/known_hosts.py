"""Where everybody may call, at least be called by a name of our own (REST-95): no DNS rebinding.

A page of `http://evil.example:8090` whose name is made to resolve to this machine is, to the browser, a page of ours:
it may read and change everything. Only the `Host` header tells. With authentication the browser has no credentials to
give for that name; without it nothing else would stop the page.

Addresses are no names that somebody could make resolve to us, and neither are names that nobody can register.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection

from aiohttp import web

from pipeline.link.errors import NotAuthorized

ANY = "*"
NOT_REGISTERED = (".localhost", ".local", ".internal", ".home.arpa", ".svc")
"""Ends of names that are reserved for machines and private networks, Kubernetes' services among them."""
_PORT = re.compile(r":\d*$")


def is_known(host: str, known: Collection[str]) -> bool:
    """Whether a `Host` header names us: an address, a name without dots or of a private network, or one that is known.

    `known` holds names, `.example.org` for every name below, or `*` for any.
    """
    name = _PORT.sub("", host).strip("[]").rstrip(".").lower()
    try:
        ipaddress.ip_address(name)
    except ValueError:
        ends = (*NOT_REGISTERED, *(each for each in known if each.startswith(".")))
        return bool(name) and (ANY in known or name in known or "." not in name or name.endswith(ends))
    return True


def read_hosts(text: str) -> frozenset[str]:
    """The names in a setting: comma separated, without ports."""
    return frozenset(each.strip().lower() for each in text.split(",") if each.strip())


def check_known_host(request: web.Request, known: Collection[str]) -> None:
    """Raise NotAuthorized (403) for a request that was sent to a name that may be somebody else's."""
    if not is_known(request.host, known):
        raise NotAuthorized(
            f"No worker is known by the name {request.host!r}. Without authentication any page could use such a name: "
            "call a worker by its address, set CLUSTERLINK_REST_ALLOWED_HOSTS, or turn authentication on."
        )
