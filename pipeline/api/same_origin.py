"""Refuse changes that a page of another site makes a browser ask for (REST-95).

A browser adds what it keeps for us (a client certificate, a password it was once told, its place in the network) to
requests of any page. It also says where they come from: `Sec-Fetch-Site` over HTTPS and on this machine, `Origin`
with every change. Programs send neither and are not touched.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from pipeline.link.errors import NotAuthorized

SAFE_METHODS = frozenset({"GET", "HEAD"})
_OWN_SITES = frozenset({"same-origin", "none"})
"""`none`: somebody typed the address."""


def check_same_origin(request: web.Request) -> None:
    """Raise NotAuthorized (403) for a change that a browser sends on behalf of a page that is not ours."""
    if request.method in SAFE_METHODS:
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    # behind a proxy the host may be another than the browser's, so the browser's own word comes first
    if site is not None and site in _OWN_SITES:
        return
    if site is not None or (origin is not None and urlsplit(origin).netloc.lower() not in _hosts(request)):
        raise NotAuthorized("Changes are not taken from pages of other sites.")


def _hosts(request: web.Request) -> set[str]:
    """The names we are called by; no page can make a browser add X-Forwarded-Host without asking us first."""
    forwarded = request.headers.get("X-Forwarded-Host", "").split(",")[0].strip()
    return {host.lower() for host in (request.host, forwarded) if host}
