"""What every answer is wrapped in (REST-50): kind, metadata with the client's own address, and the list around rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from aiohttp import web

Row = dict[str, Any]


class Address:
    """Where the client thinks we are (REST-98): its scheme, host and base path, through a proxy too."""

    def __init__(self, request: web.Request, base: str) -> None:
        scheme = request.headers.get("X-Forwarded-Proto", request.scheme).split(",")[0].strip()
        host = request.headers.get("X-Forwarded-Host", request.host).split(",")[0].strip()
        self.host = host
        self.root = f"{scheme}://{host}{base}"

    def of(self, *path: str) -> str:
        """URL of a path below the base, its parts percent-encoded."""
        return "/".join((self.root, *(quote(part, safe=":") for part in path)))


def resource(kind: str, address: Address, path: tuple[str, ...], names: Mapping[str, str], fields: Row) -> Row:
    """One object. `names` are the parts of its resource name, as in `crn:///kafka=<cluster>/link=<name>`."""
    resource_name = "crn:///" + "/".join(f"{part}={quote(name, safe='')}" for part, name in names.items())
    return {"kind": kind, "metadata": {"self": address.of(*path), "resource_name": resource_name}, **fields}


def listing(kind: str, address: Address, path: tuple[str, ...], rows: Iterable[Row]) -> Row:
    """A list of objects; all of it, so there is no next page."""
    return {
        "kind": kind,
        "metadata": {"self": address.of(*path), "resource_name": None, "next": None},
        "data": list(rows),
    }
